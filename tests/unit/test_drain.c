#include "drain.h"
#include "drain_fixture.h"
#include "moment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>

#define PATIENCE 1000 /* … times 10 ms, for what another thread does at once */

/* A next stage that is asked from another thread. */
struct stage {
	struct recorder r;
	_Atomic uint64_t requests, counted, seen, gone, ticks, busy;
};

struct bench {
	struct fixture f;
	struct stage s;
	struct drain_config config;
	struct drain *d;
	char path[64];
};

static const struct capture_target bench_target = { .key = 7, .pid = 70, .start_ticks = 700 };

static void stage_seen(void *ctx, const struct capture_target *target)
{
	struct stage *s = ctx;

	recorder_seen(&s->r, target);
	s->seen = s->r.seen;
}

static void stage_request(void *ctx, const struct capture_target *target,
			  const struct drain_request *request)
{
	struct stage *s = ctx;

	recorder_request(&s->r, target, request);
	s->requests = s->r.requests;
}

static void stage_counters(void *ctx, const struct capture_target *target,
			   const struct drain_counters *delta, const struct drain_ledger *ledger,
			   uint64_t now_ns, bool gap)
{
	struct stage *s = ctx;

	recorder_counters(&s->r, target, delta, ledger, now_ns, gap);
	s->counted = s->r.counters.requests + s->r.gap.requests;
}

static void stage_fold(void *ctx, const struct capture_target *target,
		       const struct drain_fold *fold, uint64_t now_ns)
{
	recorder_fold(&((struct stage *)ctx)->r, target, fold, now_ns);
}

static void stage_open(void *ctx, const struct capture_target *target,
		       const struct drain_open *open, uint32_t count, uint64_t now_ns)
{
	recorder_open(&((struct stage *)ctx)->r, target, open, count, now_ns);
}

static void stage_gone(void *ctx, const struct capture_target *target, uint64_t now_ns)
{
	struct stage *s = ctx;

	recorder_gone(&s->r, target, now_ns);
	s->gone = s->r.gone;
}

static void stage_tick(void *ctx, uint64_t now_ns)
{
	struct stage *s = ctx;

	recorder_tick(&s->r, now_ns);
	s->ticks = s->r.ticks;
}

static size_t stage_save(void *ctx, void *buffer, size_t size)
{
	const struct stage *s = ctx;

	if (s->busy || size < sizeof(s->r))
		return 0;
	memcpy(buffer, &s->r, sizeof(s->r));
	return sizeof(s->r);
}

static int stage_restore(void *ctx, const void *buffer, size_t size, uint64_t now_ns)
{
	struct stage *s = ctx;

	(void)now_ns;
	if (s->busy)
		return -EBADMSG;
	assert_int_equal(size, sizeof(s->r));
	memcpy(&s->r, buffer, size);
	return 0;
}

static void bench_stage(struct bench *b)
{
	memset(&b->s, 0, sizeof(b->s));
	b->config = (struct drain_config){
		.sink = { .ctx = &b->s,
			  .seen = stage_seen,
			  .request = stage_request,
			  .counters = stage_counters,
			  .fold = stage_fold,
			  .open = stage_open,
			  .gone = stage_gone,
			  .tick = stage_tick },
		.slow_warning_ns = FIXTURE_SECOND,
		.slow_critical_ns = 5 * FIXTURE_SECOND,
		.epoch = 1,
		.checkpoint = b->path,
		.saved_ctx = &b->s,
		.save = stage_save,
		.restore = stage_restore,
		.now_ns = moment_monotonic_ns,
	};
}

static void bench_start_at(struct bench *b, uint64_t (*now_ns)(void))
{
	int fd;

	strcpy(b->path, "/tmp/ringside-drain-XXXXXX");
	fd = mkstemp(b->path);
	assert_true(fd >= 0);
	close(fd);
	fixture_open(&b->f);
	fixture_lane(&b->f, 0);
	bench_stage(b);
	b->config.now_ns = now_ns;
	assert_int_equal(drain_open(&b->d, &b->config), 0);
}

static void bench_start(struct bench *b)
{
	bench_start_at(b, moment_monotonic_ns);
}

static void bench_add(struct bench *b, const struct capture_target *target)
{
	assert_int_equal(drain_add(b->d, target, fcntl(b->f.fd, F_DUPFD_CLOEXEC, 0)), 0);
}

static void bench_end(struct bench *b)
{
	drain_close(b->d);
	unlink(b->path);
	fixture_close(&b->f);
}

static void wait_for(const _Atomic uint64_t *value, uint64_t wanted)
{
	const struct timespec pause = { .tv_nsec = 10000000 };

	for (int i = 0; i < PATIENCE && *value != wanted; i++)
		nanosleep(&pause, NULL);
	assert_int_equal(*value, wanted);
}

static void wait_past(const _Atomic uint64_t *value, uint64_t wanted)
{
	const struct timespec pause = { .tv_nsec = 10000000 };

	for (int i = 0; i < PATIENCE && *value < wanted; i++)
		nanosleep(&pause, NULL);
	assert_true(*value >= wanted);
}

static void wait_until_told(const struct bench *b)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	for (int i = 0; i < 10 * PATIENCE && !b->f.header->agent.epoch; i++)
		nanosleep(&pause, NULL);
	assert_int_equal(b->f.header->agent.epoch, 1);
}

static void bench_serve(struct bench *b, uint32_t count)
{
	struct fixture_request request = { .span = 1000, .status = 200 };

	for (uint32_t i = 0; i < count; i++) {
		request.t0 = moment_monotonic_ns() - 2000;
		fixture_serve(&b->f, 0, &request, RS_OTHER_CELL);
	}
}

static void a_process_is_watched_from_its_add_to_its_death(void **state)
{
	const struct drain_detail eighth = { .level = DRAIN_DETAIL_SAMPLED, .sample = 8 };
	const struct drain_detail off = { .level = DRAIN_DETAIL_OFF };
	struct drain_counts counts;
	struct bench b;

	(void)state;
	bench_start(&b);
	bench_add(&b, &bench_target);
	wait_until_told(&b);
	wait_for(&b.s.seen, 1);
	bench_serve(&b, 10);
	wait_for(&b.s.requests, 10);
	wait_for(&b.s.counted, 10);
	assert_int_equal(drain_detail(b.d, 99, &off), 0);
	assert_int_equal(drain_detail(b.d, bench_target.key, &eighth), 0);
	bench_serve(&b, 5);
	assert_int_equal(drain_died(b.d, bench_target.key), 0);
	wait_for(&b.s.gone, 1);
	assert_int_equal(b.f.header->agent.sample, 8);
	assert_int_equal(b.f.header->agent.off, 0); /* that was for somebody else */
	assert_int_equal(b.s.requests, 15);
	assert_int_equal(b.s.counted, 15);
	wait_past(&b.s.ticks, b.s.ticks + 2); /* what is published is of an earlier round */
	drain_counts_get(b.d, &counts);
	assert_int_equal(counts.added, 1);
	assert_int_equal(counts.processes, 0);
	assert_int_equal(counts.unequal, 0);
	assert_int_equal(counts.checkpoint_error, 0);
	assert_int_equal(counts.restored, -ENOENT);
	bench_end(&b);
	assert_int_equal(b.s.r.over, 0);
}

static void what_is_no_segment_is_refused(void **state)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	struct drain_counts counts;
	struct bench b;

	(void)state;
	bench_start(&b);
	b.f.header->magic = 0;
	bench_add(&b, &bench_target);
	for (int i = 0; i < PATIENCE; i++) {
		drain_counts_get(b.d, &counts);
		if (counts.refused)
			break;
		nanosleep(&pause, NULL);
	}
	assert_int_equal(counts.refused, 1);
	assert_int_equal(counts.processes, 0);
	bench_end(&b);
	assert_int_equal(b.s.seen, 0);
}

static void without_a_process_the_next_stage_still_gets_its_tick(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b);
	wait_past(&b.s.ticks, 3); /* at the start, when calibrated, each second */
	bench_end(&b);
}

static void closing_takes_what_is_there_and_says_that_nobody_listens(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b);
	bench_add(&b, &bench_target);
	wait_until_told(&b);
	bench_serve(&b, 100);
	drain_close(b.d);
	assert_int_equal(b.s.requests, 100);
	assert_int_equal(b.s.counted, 100);
	assert_int_equal(b.f.header->agent.epoch, 0);
	b.d = NULL;
	bench_end(&b);
}

static void what_comes_after_the_end_is_a_gap_of_the_next_agent(void **state)
{
	struct drain_counts counts;
	struct bench b;

	(void)state;
	bench_start(&b);
	bench_add(&b, &bench_target);
	wait_until_told(&b);
	bench_serve(&b, 100);
	drain_close(b.d);
	bench_serve(&b, 30);
	bench_stage(&b);
	assert_int_equal(drain_open(&b.d, &b.config), 0);
	drain_counts_get(b.d, &counts);
	bench_add(&b, &bench_target);
	wait_until_told(&b);
	wait_for(&b.s.counted, 130);
	bench_serve(&b, 7);
	wait_for(&b.s.counted, 137);
	drain_close(b.d);
	assert_int_equal(b.s.r.gap.requests, 30);
	assert_int_equal(b.s.r.requests, 107);
	b.d = NULL;
	bench_end(&b);
}

static void a_state_that_the_next_stage_refuses_takes_what_was_booked_with_it(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b);
	bench_add(&b, &bench_target);
	wait_until_told(&b);
	bench_serve(&b, 100);
	drain_close(b.d);
	bench_stage(&b);
	b.s.busy = 1;
	assert_int_equal(drain_open(&b.d, &b.config), 0);
	bench_add(&b, &bench_target);
	wait_for(&b.s.counted, 100);
	drain_close(b.d);
	assert_int_equal(b.s.r.gap.requests, 100);
	b.d = NULL;
	bench_end(&b);
}

/* As kill -9 leaves it: the newest checkpoint is older than what was drained since. */
static void what_was_drained_and_not_saved_is_counted_again(void **state)
{
	struct bench b, dead;

	(void)state;
	bench_start(&b);
	bench_add(&b, &bench_target);
	wait_until_told(&b);
	bench_serve(&b, 10);
	wait_for(&b.s.counted, 10);
	drain_close(b.d);
	bench_stage(&b);
	assert_int_equal(drain_open(&b.d, &b.config), 0);
	b.s.busy = 1; /* nothing is saved from here on */
	bench_add(&b, &bench_target);
	wait_until_told(&b);
	bench_serve(&b, 20);
	wait_for(&b.s.counted, 30);
	drain_close(b.d);
	dead = b;
	bench_stage(&b);
	assert_int_equal(drain_open(&b.d, &b.config), 0);
	bench_add(&b, &bench_target);
	wait_for(&b.s.counted, 30);
	drain_close(b.d);
	assert_int_equal(dead.s.r.requests, 30);
	assert_int_equal(b.s.r.requests, 10);
	assert_int_equal(b.s.r.gap.requests, 20);
	b.d = NULL;
	bench_end(&b);
}

static void a_checkpoint_that_cannot_be_kept_is_no_error(void **state)
{
	struct drain_counts counts;
	struct bench b;

	(void)state;
	bench_start(&b);
	drain_close(b.d);
	bench_stage(&b);
	b.config.checkpoint = "/nowhere/at/all";
	assert_int_equal(drain_open(&b.d, &b.config), 0);
	wait_past(&b.s.ticks, 2);
	drain_counts_get(b.d, &counts);
	assert_int_equal(counts.checkpoint_error, -ENOENT);
	bench_end(&b);
}

static void two_processes_share_nothing(void **state)
{
	struct capture_target other = bench_target;
	struct fixture second;
	struct bench b;

	(void)state;
	bench_start(&b);
	fixture_open(&second);
	other.key = 8;
	bench_add(&b, &bench_target);
	assert_int_equal(drain_add(b.d, &other, fcntl(second.fd, F_DUPFD_CLOEXEC, 0)), 0);
	wait_until_told(&b);
	wait_for(&b.s.seen, 2);
	assert_int_equal(drain_died(b.d, other.key), 0);
	wait_for(&b.s.gone, 1);
	bench_serve(&b, 3);
	wait_for(&b.s.requests, 3);
	assert_int_equal(drain_died(b.d, 99), 0);
	bench_end(&b);
	fixture_close(&second);
	assert_int_equal(b.s.gone, 1);
}

/* A new worker reads what its predecessor left on the link, and then all of it again. */
static void a_process_told_twice_is_watched_once(void **state)
{
	struct drain_counts counts;
	struct bench b;

	(void)state;
	bench_start(&b);
	bench_add(&b, &bench_target);
	bench_add(&b, &bench_target);
	wait_until_told(&b);
	bench_serve(&b, 3);
	wait_for(&b.s.requests, 3);
	wait_past(&b.s.ticks, b.s.ticks + 2);
	drain_counts_get(b.d, &counts);
	assert_int_equal(counts.added, 1);
	assert_int_equal(counts.refused, 0);
	bench_end(&b);
	assert_int_equal(b.s.seen, 1);
	assert_int_equal(b.s.counted, 3);
}

static _Atomic uint64_t ahead_ns; /* how far time has jumped */

static uint64_t jumping_ns(void)
{
	return moment_monotonic_ns() + ahead_ns;
}

static void a_round_that_comes_late_is_told(void **state)
{
	struct drain_counts counts;
	struct bench b;

	(void)state;
	ahead_ns = 0;
	bench_start_at(&b, jumping_ns);
	wait_past(&b.s.ticks, 2);
	drain_counts_get(b.d, &counts);
	assert_true(counts.late_ns < 60 * FIXTURE_SECOND);
	ahead_ns = 100 * FIXTURE_SECOND;
	drain_counts_get(b.d, &counts); /* as if it hung */
	assert_true(counts.late_ns >= 98 * FIXTURE_SECOND);
	wait_past(&b.s.ticks, b.s.ticks + 2);
	drain_counts_get(b.d, &counts); /* it came, late */
	assert_true(counts.late_ns >= 98 * FIXTURE_SECOND);
	bench_end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_process_is_watched_from_its_add_to_its_death),
		cmocka_unit_test(what_is_no_segment_is_refused),
		cmocka_unit_test(without_a_process_the_next_stage_still_gets_its_tick),
		cmocka_unit_test(closing_takes_what_is_there_and_says_that_nobody_listens),
		cmocka_unit_test(what_comes_after_the_end_is_a_gap_of_the_next_agent),
		cmocka_unit_test(a_state_that_the_next_stage_refuses_takes_what_was_booked_with_it),
		cmocka_unit_test(what_was_drained_and_not_saved_is_counted_again),
		cmocka_unit_test(a_checkpoint_that_cannot_be_kept_is_no_error),
		cmocka_unit_test(two_processes_share_nothing),
		cmocka_unit_test(a_process_told_twice_is_watched_once),
		cmocka_unit_test(a_round_that_comes_late_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
