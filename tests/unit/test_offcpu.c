#include "../../agent/capture/offcpu.c"
#include "filter.h"
#include "moment.h"
#include "rs_test.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#define SKIPPED 77
#define SPAN_NS UINT64_C(60000000)

static struct probe_filter *filter;

/* What a profile told: of all rows. */
struct told {
	struct offcpu_head head;
	uint64_t ns[WAIT_CAUSES], waits[WAIT_CAUSES];
	uint32_t framed; /* rows with a user's address, and a kernel's */
};

static void pause_ns(uint64_t ns)
{
	const struct timespec span = { .tv_nsec = (long)ns };

	nanosleep(&span, NULL);
}

static void *pipe_thread(void *ctx)
{
	const int *ends = ctx;
	char byte;

	return read(ends[0], &byte, 1) == 1 ? NULL : ctx;
}

static void ask(uint32_t why)
{
	assert_int_equal(probe_filter_put(filter, getpid(), why), 0);
}

static __attribute__((noinline, returns_nonnull)) struct offcpu *begun(void)
{
	struct offcpu *o;

	assert_int_equal(offcpu_open(&o, probe_filter_fd(filter), getpid()), 0);
	offcpu_begin(o, moment_monotonic_ns());
	return o;
}

static void tell(struct offcpu *o, struct told *out)
{
	struct offcpu_row row;
	int fd;

	memset(out, 0, sizeof(*out));
	assert_int_equal(offcpu_rows(o, &fd), 0);
	assert_int_equal(pread(fd, &out->head, sizeof(out->head), 0), sizeof(out->head));
	for (uint32_t i = 0; i < out->head.row_count; i++) {
		off_t at = (off_t)(sizeof(out->head) + i * sizeof(row));

		assert_int_equal(pread(fd, &row, sizeof(row), at), sizeof(row));
		for (int k = 0; k < WAIT_CAUSES; k++) {
			out->ns[k] += row.ns[k];
			out->waits[k] += row.waits[k];
		}
		out->framed += row.kernel_count && row.user_count;
	}
	close(fd);
	offcpu_close(o);
}

static void ended(struct offcpu *o, struct told *out)
{
	int fd;

	assert_int_equal(offcpu_rows(o, &fd), -EINPROGRESS);
	offcpu_end(o, moment_monotonic_ns());
	tell(o, out);
}

static void a_sleep_is_told_with_its_stack(void **state)
{
	struct offcpu *o;
	struct told told;

	(void)state;
	ask(FILTER_WATCHED);
	o = begun();
	for (int i = 0; i < 3; i++)
		pause_ns(SPAN_NS);
	ended(o, &told);
	/* One that is preempted with its timer armed, on its way to sleep, sleeps the less. */
	assert_true(told.ns[WAIT_SLEEP] >= 2 * SPAN_NS);
	assert_int_equal(told.waits[WAIT_SLEEP], 3);
	assert_true(told.framed >= 1);
	assert_int_equal(told.ns[WAIT_SOCKET], 0);
	assert_true(told.head.span_ns >= told.ns[WAIT_SLEEP]);
}

/* It neither begins nor ends meanwhile: exactly the time of the profile is told. */
static void who_sleeps_all_the_time_is_told_for_all_of_it(void **state)
{
	pthread_t thread;
	struct offcpu *o;
	struct told told;
	int ends[2];

	(void)state;
	ask(FILTER_WATCHED);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(pthread_create(&thread, NULL, pipe_thread, ends), 0);
	pause_ns(SPAN_NS); /* it is in its read */
	o = begun();
	pause_ns(SPAN_NS);
	ended(o, &told);
	assert_false(told.head.asleep_unseen);
	assert_int_equal(told.ns[WAIT_OTHER], told.head.span_ns);
	assert_int_equal(told.waits[WAIT_OTHER], 1);
	assert_int_equal(write(ends[1], "x", 1), 1);
	pthread_join(thread, NULL);
	close(ends[0]);
	close(ends[1]);
}

static void what_is_before_and_after_is_not_told(void **state)
{
	struct offcpu *o;
	struct told told;

	(void)state;
	ask(FILTER_WATCHED);
	assert_int_equal(offcpu_open(&o, probe_filter_fd(filter), getpid()), 0);
	pause_ns(SPAN_NS);
	offcpu_begin(o, moment_monotonic_ns());
	offcpu_end(o, moment_monotonic_ns());
	pause_ns(SPAN_NS);
	offcpu_end(o, moment_monotonic_ns()); /* it has ended already */
	tell(o, &told);
	assert_true(told.ns[WAIT_SLEEP] < SPAN_NS);
	assert_true(told.ns[WAIT_SLEEP] <= told.head.span_ns);
}

static void nobody_but_a_target_is_told_of(void **state)
{
	struct offcpu *o;
	struct told told;

	(void)state;
	ask(0);
	o = begun();
	pause_ns(SPAN_NS);
	ended(o, &told);
	assert_int_equal(told.head.row_count, 1); /* that of what found no room */
	for (int i = 0; i < WAIT_CAUSES; i++)
		assert_int_equal(told.waits[i], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sleep_is_told_with_its_stack),
		cmocka_unit_test(who_sleeps_all_the_time_is_told_for_all_of_it),
		cmocka_unit_test(what_is_before_and_after_is_not_told),
		cmocka_unit_test(nobody_but_a_target_is_told_of),
	};
	int failed, result = probe_filter_open(&filter);
	struct offcpu *o = NULL;

	if (result == 0)
		result = offcpu_open(&o, probe_filter_fd(filter), getpid());
	if (result) {
		printf("skipped: bpf(): %s\n", facility_error_text(-result));
		probe_filter_close(filter);
		return SKIPPED;
	}
	offcpu_close(o);
	offcpu_close(NULL);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	probe_filter_close(filter);
	return failed;
}
