#include "../../agent/capture/attempt.c" /* where a function of this program stands */
#include "pauses.h"
#include "probe.h"
#include "rs_test.h"

#include <sys/wait.h>

static struct pauses *pauses; /* NULL: refused here */
static struct probe_filter *filter;
static int self;

static __attribute__((noinline)) void begin(uint64_t kind)
{
	asm volatile("" : : "r"(kind) : "memory");
}

static __attribute__((noinline)) void end(void)
{
	asm volatile("nop" ::: "memory");
}

static __attribute__((noinline)) void part_begin(void)
{
	asm volatile("nop; nop" ::: "memory");
}

static __attribute__((noinline)) void part_end(void)
{
	asm volatile("nop; nop; nop" ::: "memory");
}

/* Returns a while after it began. */
static __attribute__((noinline)) void whole(void)
{
	usleep(2000);
	asm volatile("nop; nop; nop; nop" ::: "memory");
}

static void site(struct sites *s, void (*function)(void), enum sites_end at, uint64_t cookie)
{
	s->at[s->count].offset = attempt_place(function);
	assert_true(s->at[s->count].offset);
	s->at[s->count].role = at;
	s->at[s->count++].cookie = cookie;
}

/* Of the first argument of begin: 7 is the whole heap. */
static uint64_t argument(void)
{
#if defined(__x86_64__)
	const uint64_t place = 14;
#else
	const uint64_t place = 0;
#endif

	return (uint64_t)PAUSE_REGISTER << PAUSE_COOKIE_OPERAND | 4ull << PAUSE_COOKIE_BYTES |
	       place << PAUSE_COOKIE_REGISTER | 7ull << PAUSE_COOKIE_FULL;
}

static void attach(struct pauses_links *links, uint64_t cookie, uint64_t part)
{
	struct sites s = { .why = RUNTIME_ATTACHED };

	site(&s, (void (*)(void))(uintptr_t)begin, SITES_BEGIN, cookie | argument());
	site(&s, end, SITES_END, cookie);
	site(&s, part_begin, SITES_BEGIN, part);
	site(&s, part_end, SITES_END, part);
	assert_int_equal(pauses_attach(pauses, self, &s, links), 0);
}

static struct pause_row row_of(pid_t pid)
{
	struct pause_row row = { 0 };

	pauses_read(pauses, pid, &row);
	return row;
}

static int setup(void **state)
{
	(void)state;
	if (!pauses)
		return 0;
	pauses_forget(pauses, getpid());
	return probe_filter_put(filter, getpid(), FILTER_WATCHED);
}

static void each_pair_of_a_target_is_one(void **state)
{
	struct pauses_links links;
	struct pause_row row;

	(void)state;
	if (!pauses)
		rs_skip("bpf() is refused here");
	attach(&links, PAUSE_COOKIE_COUNTS, 0);
	for (uint64_t i = 5; i < 10; i++) {
		begin(i);
		end();
	}
	row = row_of(getpid());
	assert_int_equal(row.sums[PAUSE_COLLECTION].count, 5);
	assert_int_equal(row.sums[PAUSE_COLLECTION].full, 1);
	assert_int_equal(row.sums[PAUSE_STATEMENT].count, 0);
	assert_true(row.sums[PAUSE_COLLECTION].ns > 0);
	end(); /* without a begin */
	probe_filter_put(filter, getpid(), 0);
	begin(1);
	end();
	assert_int_equal(row_of(getpid()).sums[PAUSE_COLLECTION].count, 5);
	pauses_detach(&links);
	pauses_detach(&links);
	probe_filter_put(filter, getpid(), FILTER_WATCHED);
	begin(1);
	end();
	assert_int_equal(row_of(getpid()).sums[PAUSE_COLLECTION].count, 5);
	assert_int_equal(pauses_dropped(pauses), 0);
}

static void one_within_another_is_part_of_it(void **state)
{
	struct pauses_links links;

	(void)state;
	if (!pauses)
		rs_skip("bpf() is refused here");
	attach(&links, PAUSE_COOKIE_COUNTS, 0);
	begin(7);
	usleep(2000);
	begin(1);
	end();
	end();
	assert_int_equal(row_of(getpid()).sums[PAUSE_COLLECTION].count, 1);
	assert_int_equal(row_of(getpid()).sums[PAUSE_COLLECTION].full, 1);
	assert_true(row_of(getpid()).sums[PAUSE_COLLECTION].ns > 2000000);
	pauses_detach(&links);
}

static void a_statement_that_failed_does_not_lengthen_the_next(void **state)
{
	struct pauses_links links;
	struct pause_sums sums;

	(void)state;
	if (!pauses)
		rs_skip("bpf() is refused here");
	attach(&links, PAUSE_STATEMENT | PAUSE_COOKIE_COUNTS | PAUSE_COOKIE_RESTARTS, 0);
	begin(1);
	usleep(20000);
	begin(1);
	end();
	sums = row_of(getpid()).sums[PAUSE_STATEMENT];
	assert_int_equal(sums.count, 1);
	assert_true(sums.ns < 20000000);
	assert_int_equal(row_of(getpid()).sums[PAUSE_COLLECTION].count, 0);
	pauses_detach(&links);
}

static void a_part_adds_its_time_alone_within_another_too(void **state)
{
	struct pauses_links links;
	struct pause_sums sums;

	(void)state;
	if (!pauses)
		rs_skip("bpf() is refused here");
	attach(&links, PAUSE_COOKIE_COUNTS, 0);
	part_begin();
	usleep(2000);
	part_end();
	sums = row_of(getpid()).sums[PAUSE_COLLECTION];
	assert_int_equal(sums.count, 0);
	assert_true(sums.ns > 2000000);
	begin(1);
	part_begin();
	part_end();
	end();
	assert_int_equal(row_of(getpid()).sums[PAUSE_COLLECTION].count, 1);
	pauses_detach(&links);
}

static void a_function_is_timed_by_its_return(void **state)
{
	struct sites s = { .why = RUNTIME_ATTACHED };
	struct pauses_links links;
	struct pause_sums sums;

	(void)state;
	if (!pauses)
		rs_skip("bpf() is refused here");
	site(&s, whole, SITES_BEGIN, PAUSE_COOKIE_COUNTS);
	site(&s, whole, SITES_RETURN, PAUSE_COOKIE_COUNTS);
	assert_int_equal(pauses_attach(pauses, self, &s, &links), 0);
	whole();
	sums = row_of(getpid()).sums[PAUSE_COLLECTION];
	assert_int_equal(sums.count, 1);
	assert_true(sums.ns >= 2000000);
	pauses_detach(&links);
}

/* A child that was forked is followed by the filter alone; here it puts itself there. */
static void rows_are_kept_by_process(void **state)
{
	struct pauses_links links;
	pid_t pid;

	(void)state;
	if (!pauses)
		rs_skip("bpf() is refused here");
	attach(&links, PAUSE_COOKIE_COUNTS, 0);
	pid = fork();
	if (pid == 0) {
		begin(1);
		end(); /* no target yet */
		probe_filter_put(filter, getpid(), FILTER_FOLLOWED);
		for (int i = 0; i < 3; i++) {
			begin(1);
			end();
		}
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	begin(1);
	end();
	assert_int_equal(row_of(pid).sums[PAUSE_COLLECTION].count, 3);
	assert_int_equal(row_of(getpid()).sums[PAUSE_COLLECTION].count, 1);
	pauses_forget(pauses, pid);
	assert_int_equal(row_of(pid).sums[PAUSE_COLLECTION].count, 0);
	probe_filter_put(filter, pid, 0);
	pauses_detach(&links);
}

static uint64_t packed(uint64_t epoch, uint64_t ns)
{
	return epoch << PAUSE_MAX_BITS | ns;
}

static void the_longest_is_told_once(void **state)
{
	struct pause_sums told = { 0 }, now = { 0 };

	(void)state;
	assert_int_equal(pauses_max_ns(&now, &told), 0);
	now.max[3] = packed(3, 500);
	now.max[0] = packed(4, 200);
	assert_int_equal(pauses_max_ns(&now, &told), 500);
	told = now;
	assert_int_equal(pauses_max_ns(&now, &told), 0);
	now.max[0] = packed(4, 300); /* a longer one within the same second */
	assert_int_equal(pauses_max_ns(&now, &told), 300);
	told = now;
	now.max[3] = packed(3 + PAUSE_EPOCHS, 100); /* a new second in an old place */
	assert_int_equal(pauses_max_ns(&now, &told), 100);
}

static void the_longest_of_a_second_is_in_its_place(void **state)
{
	struct pauses_links links;
	struct pause_sums sums, nothing = { 0 };

	(void)state;
	if (!pauses)
		rs_skip("bpf() is refused here");
	attach(&links, PAUSE_COOKIE_COUNTS, 0);
	begin(1);
	usleep(3000);
	end();
	begin(1);
	end();
	sums = row_of(getpid()).sums[PAUSE_COLLECTION];
	assert_true(pauses_max_ns(&sums, &nothing) >= 3000000);
	assert_true(pauses_max_ns(&sums, &nothing) < sums.ns);
	pauses_detach(&links);
}

static void what_cannot_be_attached_leaves_nothing(void **state)
{
	struct sites s = { .count = 2 };
	struct pauses_links links;

	(void)state;
	if (!pauses)
		rs_skip("bpf() is refused here");
	s.at[0].role = SITES_END;
	s.at[0].offset = attempt_place(end);
	s.at[1].offset = 1ull << 60; /* behind the end of any file */
	assert_true(pauses_attach(pauses, self, &s, &links) < 0);
	for (int i = 0; i < PAUSES_LINKS; i++)
		assert_int_equal(links.fds[i], -1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		TEST(each_pair_of_a_target_is_one),
		TEST(one_within_another_is_part_of_it),
		TEST(a_statement_that_failed_does_not_lengthen_the_next),
		TEST(a_part_adds_its_time_alone_within_another_too),
		TEST(a_function_is_timed_by_its_return),
		TEST(rows_are_kept_by_process),
		TEST(the_longest_is_told_once),
		TEST(the_longest_of_a_second_is_in_its_place),
		TEST(what_cannot_be_attached_leaves_nothing),
	};
	int result;

	self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (probe_filter_open(&filter) == 0)
		pauses_open(&pauses, probe_filter_fd(filter));
	result = cmocka_run_group_tests(tests, NULL, NULL);
	pauses_close(pauses);
	probe_filter_close(filter);
	return result;
}
