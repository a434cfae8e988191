#include "timeline.h"

#include "metrics_fixture.h"
#include "registry.h"
#include "spread.h"

#include <errno.h>

#define BEGIN 30000u

static void open_span(struct timeline *t, int64_t from, int64_t to, uint32_t step,
		      enum timeline_what what)
{
	const struct timeline_span span = { from, to, step };

	assert_int_equal(timeline_open(t, &span, what), 0);
}

/* One request a second for 2,000 seconds, the n-th of n ms. */
static void fill(struct fixture *f)
{
	fixture_open(f, BEGIN * SECOND);
	for (uint64_t n = 1; n <= 2000; n++) {
		fixture_request(f, (BEGIN + n) * SECOND, n * MILLISECOND);
		fixture_counters(f, &f->target, 1, 1, (BEGIN + n) * SECOND);
		fixture_tick(f, (BEGIN + n) * SECOND);
	}
}

/* Requests of a minute, or why there are none. */
static int64_t count_of(struct fixture *f, const struct metrics_scope *scope, struct timeline *t)
{
	struct metrics_sums sums;
	int ret;

	open_span(t, BEGIN, BEGIN + 60, 10, TIMELINE_SUMS);
	ret = metrics_timeline(f->m, scope, t);
	timeline_sum(t, &sums, NULL);
	timeline_fini(t);
	return ret ? ret : (int64_t)sums.count;
}

static void points_hold_the_span_and_begin_at_a_multiple(void **state)
{
	const struct timeline_span many = { 0, 1501, 1 };
	struct timeline t;

	(void)state;
	open_span(&t, 1005, 1031, 10, TIMELINE_SUMS);
	assert_int_equal(t.from_s, 1000);
	assert_int_equal(t.count, 4);
	timeline_fini(&t);
	open_span(&t, -5, 5, 10, TIMELINE_VALUES);
	assert_int_equal(t.from_s, -10);
	assert_int_equal(t.count, 2);
	assert_true(t.values[1] == METRICS_UNKNOWN);
	timeline_fini(&t);
	open_span(&t, 50, 50, 10, TIMELINE_SUMS);
	assert_int_equal(t.count, 0);
	timeline_fini(&t);
	assert_int_equal(timeline_open(&t, &many, TIMELINE_SUMS), -E2BIG);
	assert_int_equal(timeline_slots(1), SERIES_FINE);
	assert_int_equal(timeline_slots(15), SERIES_FINE);
	assert_int_equal(timeline_slots(60), SERIES_COARSE);
	assert_int_equal(timeline_slots(900), SERIES_WIDE);
}

/* In whatever steps, the points add up to what happened, the newest seconds included. */
static void every_step_adds_up_to_the_same(void **state)
{
	static const uint32_t steps[] = { 10, 60, 300, 900, 3600 };
	struct metrics_scope scope = fixture_scope("shop", 0, "/a");
	struct metrics_sums sums;
	struct timeline t;
	struct fixture f;

	(void)state;
	fill(&f);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		open_span(&t, BEGIN, BEGIN + 2001, steps[i], TIMELINE_SUMS);
		assert_int_equal(metrics_timeline(f.m, &scope, &t), 0);
		timeline_sum(&t, &sums, NULL);
		assert_int_equal(sums.count, 2000);
		assert_int_equal(sums.max_ns, 2000 * MILLISECOND);
		assert_int_equal(t.slot_s, series_step_s[timeline_slots(steps[i])]);
		assert_false(t.is_cut);
		timeline_fini(&t);
	}
	open_span(&t, BEGIN + 1500, BEGIN + 2001, 1, TIMELINE_HISTOGRAMS);
	scope.route = NULL;
	assert_int_equal(metrics_timeline(f.m, &scope, &t), 0);
	for (uint32_t i = 0; i < t.count; i++) {
		assert_int_equal(timeline_sums(&t, i)->count, 1);
		assert_int_equal(timeline_sums(&t, i)->max_ns, (1500 + i) * MILLISECOND);
	}
	assert_int_equal(t.kept_from_s, BEGIN + 2000 + 1 - 600);
	timeline_fini(&t);
	metrics_close(f.m);
}

static void a_window_has_the_percentiles_of_all_its_points(void **state)
{
	struct metrics_scope scope = fixture_scope(NULL, 70, NULL);
	static uint64_t buckets[RS_HIST_SLOTS];
	struct metrics_sums sums;
	struct timeline t;
	struct fixture f;

	(void)state;
	fill(&f);
	open_span(&t, BEGIN, BEGIN + 2001, 60, TIMELINE_HISTOGRAMS);
	assert_int_equal(metrics_timeline(f.m, &scope, &t), 0);
	timeline_sum(&t, &sums, buckets);
	for (uint32_t p = 1; p <= 1000; p += 37) {
		double exact = p * 2.0 * MILLISECOND;
		double told = spread_rank(buckets, &sums, p);

		assert_true(told > exact * 0.989 && told < exact * 1.011);
	}
	timeline_fini(&t);
	metrics_close(f.m);
}

static void work_is_bounded_and_a_cut_is_told(void **state)
{
	struct metrics_scope scope = fixture_scope("shop", 0, NULL);
	struct metrics_sums sums;
	struct timeline t;
	struct fixture f;

	(void)state;
	fill(&f);
	open_span(&t, BEGIN, BEGIN + 2001, 10, TIMELINE_SUMS);
	t.work = 100;
	assert_int_equal(metrics_timeline(f.m, &scope, &t), 0);
	assert_true(t.is_cut);
	timeline_sum(&t, &sums, NULL);
	assert_in_range(sums.count, 990, 1000);
	timeline_fini(&t);
	metrics_close(f.m);
}

static void what_was_never_seen_is_enoent(void **state)
{
	struct metrics_scope scope = fixture_scope("nobody", 0, NULL);
	struct timeline t;
	struct fixture f;

	(void)state;
	fixture_open(&f, BEGIN * SECOND);
	open_span(&t, BEGIN, BEGIN + 10, 1, TIMELINE_SUMS);
	assert_int_equal(metrics_timeline(f.m, &scope, &t), -ENOENT);
	scope = fixture_scope(NULL, 70, "/a");
	assert_int_equal(metrics_timeline(f.m, &scope, &t), -ENOTSUP);
	scope = fixture_scope(NULL, 0, NULL);
	assert_int_equal(metrics_timeline(f.m, &scope, &t), 0);
	timeline_fini(&t);
	open_span(&t, BEGIN, BEGIN + 10, 1, TIMELINE_VALUES);
	scope = fixture_scope(NULL, 71, NULL);
	assert_int_equal(metrics_gauges(f.m, &scope, METRICS_GAUGE_RSS, &t), -ENOENT);
	scope = fixture_scope(NULL, 0, "/a");
	assert_int_equal(metrics_gauges(f.m, &scope, METRICS_GAUGE_RSS, &t), -ENOTSUP);
	timeline_fini(&t);
	metrics_close(f.m);
}

/* Two processes, sampled each second: levels as they were last, totals by their difference. */
static void gauges_add_up_and_of_shares_the_worst_counts(void **state)
{
	struct metrics_scope scope = fixture_scope("shop", 0, NULL);
	struct capture_target second;
	struct timeline t;
	struct fixture f;

	(void)state;
	fixture_open(&f, BEGIN * SECOND);
	fixture_target(&second, 8, 80, "shop");
	f.sink.seen(f.sink.ctx, &second);
	fixture_tick(&f, BEGIN * SECOND);
	for (uint64_t n = 1; n <= 30; n++) {
		for (struct process *p = f.m->registry.processes; p; p = p->next) {
			uint64_t share = p->now.target.pid == 80 ? 3 : 1;
			struct means_sample sample = { .time_ns = (BEGIN + n) * SECOND + 5 };

			sample.user_ns = n * share * 100 * MILLISECOND;
			sample.cpus = 2;
			sample.rss = (double)(share * n);
			sample.heap_live = METRICS_UNKNOWN;
			sample.read_bytes = (double)(share * n * 50);
			sample.in_flight = (uint32_t)share;
			means_put(&p->means, &sample, &f.m->budget);
		}
	}
	open_span(&t, BEGIN, BEGIN + 31, 10, TIMELINE_VALUES);
	assert_int_equal(metrics_gauges(f.m, &scope, METRICS_GAUGE_RSS, &t), 0);
	assert_true(t.values[0] == 4 * 9 && t.values[1] == 4 * 19 && t.values[3] == 4 * 30);
	timeline_fini(&t);
	open_span(&t, BEGIN, BEGIN + 41, 10, TIMELINE_VALUES);
	assert_int_equal(metrics_gauges(f.m, &scope, METRICS_GAUGE_CPU_PERCENT, &t), 0);
	assert_true(t.values[1] > 14.9 && t.values[1] < 15.1);
	assert_true(t.values[4] == METRICS_UNKNOWN); /* nothing was sampled there */
	timeline_fini(&t);
	open_span(&t, BEGIN, BEGIN + 31, 10, TIMELINE_VALUES);
	assert_int_equal(metrics_gauges(f.m, &scope, METRICS_GAUGE_READ, &t), 0);
	assert_true(t.values[1] > 199.9 && t.values[1] < 200.1);
	timeline_fini(&t);
	open_span(&t, BEGIN, BEGIN + 31, 10, TIMELINE_VALUES);
	assert_int_equal(metrics_gauges(f.m, &scope, METRICS_GAUGE_HEAP, &t), 0);
	assert_true(t.values[1] == METRICS_UNKNOWN);
	timeline_fini(&t);
	open_span(&t, BEGIN, BEGIN + 31, 10, TIMELINE_VALUES);
	assert_int_equal(metrics_gauges(f.m, &scope, METRICS_GAUGE_IN_FLIGHT, &t), 0);
	assert_true(t.values[2] == 4);
	timeline_fini(&t);
	metrics_close(f.m);
}

/* A restart forgets samples: what is before the first one is left to the disk. */
static void what_memory_does_not_have_in_full_is_unknown(void **state)
{
	struct metrics_scope scope = fixture_scope("shop", 0, NULL);
	struct timeline t;
	struct fixture f;

	(void)state;
	fixture_open(&f, BEGIN * SECOND);
	fixture_tick(&f, BEGIN * SECOND);
	for (uint64_t n = 1; n <= 100; n++) {
		struct means_sample sample = { .time_ns = (BEGIN + n) * SECOND, .rss = 5 };

		means_put(&f.m->registry.processes->means, &sample, &f.m->budget);
	}
	fixture_tick(&f, (BEGIN + 100) * SECOND);
	f.m->sampled_s = BEGIN + 40;
	open_span(&t, BEGIN, BEGIN + 101, 10, TIMELINE_VALUES);
	assert_int_equal(metrics_gauges(f.m, &scope, METRICS_GAUGE_RSS, &t), 0);
	assert_int_equal(t.memory_from_s, BEGIN + 40);
	assert_int_equal(t.kept_from_s, BEGIN + 40);
	assert_true(t.values[3] == METRICS_UNKNOWN && t.values[4] == 5 && t.values[10] == 5);
	timeline_fini(&t);
	metrics_close(f.m);
}

/* Of a service that answers requests too: statements are told from them, and from each other. */
static void statements_have_series_of_their_own(void **state)
{
	struct metrics_scope scope = fixture_scope("shop", 0, NULL);
	struct timeline t;
	struct fixture f;

	(void)state;
	fixture_open(&f, BEGIN * SECOND);
	for (uint64_t n = 1; n <= 10; n++) {
		fixture_request(&f, (BEGIN + n) * SECOND, MILLISECOND);
		fixture_statement(&f, (BEGIN + n) * SECOND, "SELECT a FROM b");
		fixture_statement(&f, (BEGIN + n) * SECOND, "SELECT a FROM b");
		if (n % 2)
			fixture_statement(&f, (BEGIN + n) * SECOND, "DELETE FROM b");
		fixture_tick(&f, (BEGIN + n) * SECOND);
	}
	scope.statements = true;
	assert_int_equal(count_of(&f, &scope, &t), 25);
	scope.route = "DELETE FROM b";
	assert_int_equal(count_of(&f, &scope, &t), 5);
	scope.route = "/a";
	assert_int_equal(count_of(&f, &scope, &t), -ENOENT);
	scope = fixture_scope("shop", 0, "SELECT a FROM b");
	assert_int_equal(count_of(&f, &scope, &t), 20);
	scope = fixture_scope(NULL, 70, NULL);
	scope.statements = true;
	assert_int_equal(count_of(&f, &scope, &t), -ENOTSUP);
	metrics_close(f.m);
	fixture_open(&f, BEGIN * SECOND);
	fixture_request(&f, BEGIN * SECOND, MILLISECOND);
	fixture_tick(&f, BEGIN * SECOND);
	scope = fixture_scope("shop", 0, NULL);
	scope.statements = true;
	assert_int_equal(count_of(&f, &scope, &t), 0); /* none: it is no database */
	metrics_close(f.m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(points_hold_the_span_and_begin_at_a_multiple),
		cmocka_unit_test(every_step_adds_up_to_the_same),
		cmocka_unit_test(a_window_has_the_percentiles_of_all_its_points),
		cmocka_unit_test(work_is_bounded_and_a_cut_is_told),
		cmocka_unit_test(what_was_never_seen_is_enoent),
		cmocka_unit_test(gauges_add_up_and_of_shares_the_worst_counts),
		cmocka_unit_test(what_memory_does_not_have_in_full_is_unknown),
		cmocka_unit_test(statements_have_series_of_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
