#include "../../agent/profile/profile.c" /* white box: samples come without a ring */
#include "offcpu_event.h"
#include "rs_test.h"

#include <fcntl.h>
#include <sys/mman.h>

#define NOW_NS (UINT64_C(1000) * PROFILE_SECOND_NS)

static int ask_result;
static uint64_t ask_key;
static struct profile *ask_profile;

static int ask(void *ctx, uint64_t key)
{
	const struct symbols_file file = {
		.start = 0x1000, .end = 0x2000, .fd = -1, .name = "/bin/server", .why = "a test"
	};

	(void)ctx;
	ask_key = key;
	if (ask_result)
		return ask_result;
	profile_file_put(ask_profile, key + 1, &file); /* somebody else's */
	profile_file_put(ask_profile, key, &file);
	profile_files_end(ask_profile, key);
	return 0;
}

static struct offcpu_row offcpu_row;
static uint32_t offcpu_seconds; /* of the newest question */

static int offcpu(void *ctx, uint64_t key, uint32_t seconds)
{
	const struct offcpu_head head = { .span_ns = 900, .lost = 2, .row_count = 1 };
	int fd = seconds ? -1 : memfd_create("rows", MFD_CLOEXEC);

	(void)ctx;
	offcpu_seconds = seconds;
	if (fd >= 0) {
		assert_int_equal(write(fd, &head, sizeof(head)), sizeof(head));
		assert_int_equal(write(fd, &offcpu_row, sizeof(offcpu_row)), sizeof(offcpu_row));
	}
	profile_rows_put(ask_profile, key, fd, 0);
	return 0;
}

static __attribute__((noinline, returns_nonnull)) struct profile *made(void)
{
	const struct profile_config config = {
		.ask = ask, .offcpu = offcpu, .program = "/bin/false", .kallsyms = -1, .cpus = 1
	};
	struct profile *p;

	assert_int_equal(profile_open(&p, &config), 0);
	ask_profile = p;
	ask_result = 0;
	p->second = 1000;
	assert_int_equal(profile_target_put(p, 7, 70, "server"), 0);
	assert_int_equal(profile_target_put(p, 8, 80, "other"), 0);
	return p;
}

static void sample(struct profile *p, uint32_t pid, uint64_t address)
{
	struct profile_sample s = { .head = { .pid = pid, .user_count = 1 } };

	s.addresses[0] = address;
	profile_sample(p, &s, sizeof(s.head) + sizeof(uint64_t));
}

/* An empty ring: there is one, so that something is sampled. */
static void ring_put(struct profile *p)
{
	int fd = memfd_create("ring", MFD_CLOEXEC);

	assert_int_equal(ftruncate(fd, 4096 * 4), 0);
	assert_int_equal(profile_ring_put(p, fd, 4096), 0);
}

static void samples_are_found_by_pid_service_and_time(void **state)
{
	struct profile_scope scope = { .pid = 70, .seconds = 10 };
	struct profile *p = made();
	struct graph *g;

	(void)state;
	ring_put(p);
	for (int i = 0; i < 5; i++)
		sample(p, 70, 0x1010);
	sample(p, 80, 0x1010);
	assert_int_equal(profile_graph(p, &scope, NOW_NS, &g), 0);
	assert_int_equal(g->samples, 5);
	assert_int_equal(g->processes, 1);
	assert_int_equal(ask_key, 7);
	assert_string_equal(g->frames[0].name, "[server]");
	graph_close(g);
	scope = (struct profile_scope){ .service = "other", .seconds = 10 };
	assert_int_equal(profile_graph(p, &scope, NOW_NS, &g), 0);
	assert_int_equal(g->samples, 1);
	graph_close(g);
	scope = (struct profile_scope){ .seconds = 10 };
	assert_int_equal(profile_graph(p, &scope, NOW_NS + 9 * PROFILE_SECOND_NS, &g), 0);
	assert_int_equal(g->samples, 6);
	graph_close(g);
	assert_int_equal(profile_graph(p, &scope, NOW_NS + 10 * PROFILE_SECOND_NS, &g), 0);
	assert_int_equal(g->samples, 0);
	graph_close(g);
	profile_close(p);
}

static uint64_t lost_of(struct profile *p, uint32_t seconds, uint64_t now_ns)
{
	struct profile_scope scope = { .pid = 70, .seconds = seconds };
	struct graph *g;
	uint64_t lost;

	assert_int_equal(profile_graph(p, &scope, now_ns, &g), 0);
	lost = g->lost;
	graph_close(g);
	return lost;
}

static void what_was_lost_is_of_the_seconds_that_were_asked_for(void **state)
{
	struct profile *p = made();

	(void)state;
	ring_put(p);
	profile_kernel_put(p, 1000, 90); /* what the worker before heard of */
	assert_int_equal(lost_of(p, 10, NOW_NS), 0);
	profile_kernel_put(p, 1010, 93);
	sample(p, 71, 0x1010); /* nobody's */
	assert_int_equal(lost_of(p, 10, NOW_NS), 4);
	assert_int_equal(lost_of(p, 10, NOW_NS + 9 * PROFILE_SECOND_NS), 4);
	assert_int_equal(lost_of(p, 10, NOW_NS + 10 * PROFILE_SECOND_NS), 0);
	assert_int_equal(lost_of(p, 60, NOW_NS + 10 * PROFILE_SECOND_NS), 4);
	profile_kernel_put(p, 5, 2); /* another sampler */
	assert_int_equal(lost_of(p, 1, NOW_NS + 10 * PROFILE_SECOND_NS), 2);
	profile_close(p);
}

static void nobody_known_and_nothing_sampled_are_told_apart(void **state)
{
	struct profile_scope scope = { .pid = 71, .seconds = 10 };
	struct profile *p = made();
	struct graph *g;

	(void)state;
	assert_int_equal(profile_graph(p, &scope, NOW_NS, &g), -ENOTSUP);
	ring_put(p);
	assert_int_equal(profile_graph(p, &scope, NOW_NS, &g), -ENOENT);
	assert_null(g);
	profile_close(p);
}

static void a_pid_that_is_used_again_is_the_newer_process(void **state)
{
	struct profile *p = made();
	struct stacks_counts counts;

	(void)state;
	sample(p, 70, 1);
	profile_target_gone(p, 7);
	profile_target_put(p, 9, 70, "new");
	assert_int_equal(profile_key(p, 70), 9);
	sample(p, 99, 1);
	assert_int_equal(p->unknown, 1);
	stacks_counts_get(p->stacks, &counts);
	assert_int_equal(counts.samples, 1);
	profile_close(p);
}

/* Or its samples would be those of two processes. */
static void a_process_that_is_told_twice_is_one(void **state)
{
	struct profile *p = made();

	(void)state;
	assert_int_equal(profile_target_put(p, 7, 70, "server"), 0);
	assert_int_equal(p->target_count, 2);
	profile_close(p);
}

static void an_ended_process_stays_as_long_as_its_samples(void **state)
{
	struct profile *p = made();

	(void)state;
	profile_target_gone(p, 7);
	profile_read(p, NOW_NS + STACKS_SPAN_S * PROFILE_SECOND_NS);
	assert_int_equal(p->target_count, 2);
	profile_read(p, NOW_NS + (STACKS_SPAN_S + 1) * PROFILE_SECOND_NS);
	assert_int_equal(p->target_count, 1);
	assert_int_equal(p->targets[0].key, 8);
	profile_close(p);
}

/* A graph is made on a thread of its own, from the time at which it was asked for. */
static void who_asked_earlier_does_not_turn_time_back(void **state)
{
	struct profile *p = made();
	struct stacks_counts counts;

	(void)state;
	profile_read(p, NOW_NS + PROFILE_SECOND_NS);
	sample(p, 80, 1);
	profile_target_gone(p, 7);
	profile_read(p, NOW_NS);
	stacks_counts_get(p->stacks, &counts);
	assert_int_equal(counts.distinct, 1); /* it is not older than everything */
	assert_int_equal(p->target_count, 2); /* and who has just ended not since long */
	profile_close(p);
}

static void a_broker_that_is_behind_leaves_frames_unnamed(void **state)
{
	struct profile_scope scope = { .pid = 70, .seconds = 10 };
	struct profile *p = made();
	struct graph *g;

	(void)state;
	ring_put(p);
	sample(p, 70, 0x1010);
	ask_result = -EAGAIN;
	assert_int_equal(profile_graph(p, &scope, NOW_NS, &g), 0);
	assert_int_equal(g->samples, 1);
	assert_non_null(strstr(g->problem, "could not be asked"));
	graph_close(g);
	profile_close(p);
}

static void files_that_nobody_asked_for_are_closed(void **state)
{
	struct symbols_file file = { .fd = memfd_create("late", MFD_CLOEXEC) };
	struct profile *p = made();

	(void)state;
	assert_true(file.fd >= 0);
	profile_file_put(p, 7, &file);
	assert_int_equal(fcntl(file.fd, F_GETFD), -1);
	profile_close(p);
}

static void a_record_that_is_too_short_is_left(void **state)
{
	struct profile_sample s = { .head = { .pid = 70, .user_count = 2 } };
	struct profile *p = made();
	struct profile_counts counts;

	(void)state;
	profile_sample(p, &s, sizeof(s.head) + sizeof(uint64_t));
	profile_sample(p, &s, 4);
	profile_kernel_put(p, 100, 3);
	profile_counts_get(p, &counts);
	assert_int_equal(counts.stacks.samples, 0);
	assert_int_equal(counts.taken, 100);
	assert_int_equal(counts.dropped, 3);
	assert_false(counts.on);
	profile_close(p);
}

static void waits_are_told_when_their_seconds_are_over(void **state)
{
	const atomic_bool over = true; /* nobody waits: they are over at once */
	struct profile_scope scope = { .pid = 70, .seconds = 300, .offcpu = true, .over = &over };
	struct profile *p = made();
	struct graph *g;

	(void)state;
	offcpu_row = (struct offcpu_row){ .user_count = 1, .addresses = { 0x1010 } };
	offcpu_row.ns[WAIT_LOCK] = 800;
	offcpu_row.waits[WAIT_LOCK] = 4;
	assert_int_equal(profile_graph(p, &scope, NOW_NS, &g), 0);
	assert_int_equal(offcpu_seconds, 0);
	assert_int_equal(g->kind, GRAPH_OFFCPU);
	assert_int_equal(g->samples, 800);
	assert_int_equal(g->waits, 4);
	assert_int_equal(g->span_ns, 900);
	assert_int_equal(g->lost, 2);
	assert_string_equal(g->frames[g->places[0]].name, "[server]");
	assert_string_equal(g->frames[g->places[1]].name, "[lock]");
	graph_close(g);
	scope.pid = 71;
	assert_int_equal(profile_graph(p, &scope, NOW_NS, &g), -ENOENT);
	profile_close(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples_are_found_by_pid_service_and_time),
		cmocka_unit_test(what_was_lost_is_of_the_seconds_that_were_asked_for),
		cmocka_unit_test(nobody_known_and_nothing_sampled_are_told_apart),
		cmocka_unit_test(a_pid_that_is_used_again_is_the_newer_process),
		cmocka_unit_test(a_process_that_is_told_twice_is_one),
		cmocka_unit_test(an_ended_process_stays_as_long_as_its_samples),
		cmocka_unit_test(who_asked_earlier_does_not_turn_time_back),
		cmocka_unit_test(a_broker_that_is_behind_leaves_frames_unnamed),
		cmocka_unit_test(files_that_nobody_asked_for_are_closed),
		cmocka_unit_test(waits_are_told_when_their_seconds_are_over),
		cmocka_unit_test(a_record_that_is_too_short_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
