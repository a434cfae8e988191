#include "../../agent/metrics/processes.c" /* white box: each level without a /proc for it */

#include "metrics_fixture.h"

static void memory_levels_begin_at_80_90_and_95(void **state)
{
	const struct metrics_limits *l = &fixture_limits;

	(void)state;
	assert_int_equal(processes_memory_level(l, METRICS_UNKNOWN), METRICS_LEVEL_UNKNOWN);
	assert_int_equal(processes_memory_level(l, 0), METRICS_OK);
	assert_int_equal(processes_memory_level(l, 79.9), METRICS_OK);
	assert_int_equal(processes_memory_level(l, 80), METRICS_WARNING);
	assert_int_equal(processes_memory_level(l, 89.9), METRICS_WARNING);
	assert_int_equal(processes_memory_level(l, 90), METRICS_CRITICAL);
	assert_int_equal(processes_memory_level(l, 95), METRICS_DUMP);
}

static void cpu_levels_begin_at_70_and_85(void **state)
{
	const struct metrics_limits *l = &fixture_limits;

	(void)state;
	assert_int_equal(processes_cpu_level(l, METRICS_UNKNOWN), METRICS_LEVEL_UNKNOWN);
	assert_int_equal(processes_cpu_level(l, 69.9), METRICS_OK);
	assert_int_equal(processes_cpu_level(l, 70), METRICS_WARNING);
	assert_int_equal(processes_cpu_level(l, 85), METRICS_CRITICAL);
	assert_int_equal(processes_cpu_level(l, 100), METRICS_CRITICAL);
}

static void without_a_sample_all_is_unknown(void **state)
{
	struct metrics_scope scope = { 0 };
	struct metrics_process *rows;
	struct fixture f;

	(void)state;
	fixture_open(&f, 1000 * SECOND);
	fixture_tick(&f, 1000 * SECOND);
	assert_int_equal(metrics_process_list(f.m, &scope, &rows), 1);
	assert_true(rows[0].alive);
	assert_true(rows[0].rss < 0 && rows[0].user_ms < 0 && rows[0].memory_limit < 0);
	assert_true(rows[0].user_s < 0 && rows[0].system_s < 0 && rows[0].run_queue_s < 0);
	assert_int_equal(rows[0].memory_level, METRICS_LEVEL_UNKNOWN);
	free(rows);
	scope.service = "nobody";
	assert_int_equal(metrics_process_list(f.m, &scope, &rows), 0);
	free(rows);
	metrics_close(f.m);
}

static struct metrics_process throttled_of(struct fixture *f, uint64_t from_s)
{
	struct metrics_scope scope = { .from_ns = from_s * SECOND };
	struct metrics_process *rows, row;

	assert_int_equal(metrics_process_list(f->m, &scope, &rows), 1);
	row = rows[0];
	free(rows);
	return row;
}

static void throttling_is_that_of_one_group_in_the_window(void **state)
{
	struct means_sample samples[] = {
		{ .throttle = { .group = 5, .periods = 900, .throttled = 90, .throttled_ns = 9 } },
		{ .throttle = { .group = 3, .periods = 100, .throttled = 10 } },
		{ .throttle = { .group = 3, .periods = 110, .throttled = 12 } },
		{ .throttle = { .group = 3,
				.periods = 120,
				.throttled = 15,
				.throttled_ns = 40 * MILLISECOND } },
		{ .throttle = { .group = 3, .periods = 10 } }, /* the group was made again */
		{ .throttle = { .group = 0 } },
	};
	struct metrics_process p;
	struct fixture f;

	(void)state;
	fixture_open(&f, 1000 * SECOND);
	fixture_tick(&f, 1000 * SECOND);
	for (uint64_t i = 0; i < 6; i++) {
		samples[i].time_ns = (1000 + i) * SECOND;
		means_put(&f.m->registry.processes->means, &samples[i], &f.m->budget);
		if (i == 0)
			assert_true(throttled_of(&f, 1000).throttled_percent < 0);
		if (i == 4)
			assert_true(throttled_of(&f, 1003).throttled_ms < 0);
		if (i != 3)
			continue;
		p = throttled_of(&f, 1002);
		assert_true(p.throttled_percent == 30 && p.throttled_ms == 40);
		/* Of another group before, and before the process was seen. */
		assert_true(throttled_of(&f, 1000).throttled_percent == 25);
		assert_true(throttled_of(&f, 990).throttled_percent == 25);
	}
	assert_true(throttled_of(&f, 1003).throttled_percent < 0);
	metrics_close(f.m);
}

static void what_a_runtime_tells_is_of_the_window(void **state)
{
	struct means_sample samples[] = {
		{ .time_ns = 1000 * SECOND },
		{ .time_ns = 1001 * SECOND,
		  .collected = 5,
		  .collected_full = 1,
		  .collected_ns = 70 * MILLISECOND,
		  .collected_max_ms = 30 },
		{ .time_ns = 1002 * SECOND,
		  .collected = 9,
		  .collected_full = 1,
		  .collected_ns = 90 * MILLISECOND,
		  .collected_max_ms = 8,
		  .served = 4,
		  .served_ns = 12 * MILLISECOND,
		  .served_max_ms = 6 },
	};
	struct runtime_state told = { .why = RUNTIME_ATTACHED, .runtime = RUNTIME_JVM };
	struct metrics_process p;
	struct fixture f;

	(void)state;
	fixture_open(&f, 1000 * SECOND);
	fixture_tick(&f, 1000 * SECOND);
	for (int i = 0; i < 3; i++) {
		samples[i].heap_live = 4096;
		means_put(&f.m->registry.processes->means, &samples[i], &f.m->budget);
	}
	p = throttled_of(&f, 1000);
	assert_int_equal(p.runtime_why, RUNTIME_UNKNOWN);
	assert_true(p.collected.count < 0 && p.collected.max_ms < 0 && p.served.count < 0);
	told.collections = true;
	told.collected = (struct runtime_sums){ 9, 1, 90 * MILLISECOND, 0 };
	metrics_runtime_put(f.m, 7, &told);
	metrics_runtime_put(f.m, 8, &told); /* nobody's */
	p = throttled_of(&f, 1001);
	assert_int_equal(p.runtime_why, RUNTIME_ATTACHED);
	assert_int_equal(p.runtime, RUNTIME_JVM);
	assert_true(p.collected.count == 4 && p.collected.ms == 20 && p.collected.max_ms == 8);
	assert_true(p.collected.full < 0 && p.collected.total_full < 0); /* it does not tell */
	assert_true(p.collected.total_count == 9 && p.collected.total_s == 0.09);
	assert_true(p.served.count < 0 && p.served.total_s < 0 && p.window_ms == 1000);
	p = throttled_of(&f, 1002); /* no window at all: the totals stand all the same */
	assert_true(p.collected.count < 0 && p.collected.total_count == 9);
	assert_true(p.heap_live < 0); /* what malloc gave is not Java's heap */
	told.full = told.statements = true;
	told.runtime = RUNTIME_PYTHON;
	metrics_runtime_put(f.m, 7, &told);
	p = throttled_of(&f, 1000);
	assert_true(p.collected.count == 9 && p.collected.full == 1 && p.collected.max_ms == 30);
	assert_true(p.served.count == 4 && p.served.ms == 12 && p.served.max_ms == 6);
	assert_true(p.served.full < 0 && p.heap_live == 4096);
	metrics_close(f.m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_levels_begin_at_80_90_and_95),
		cmocka_unit_test(cpu_levels_begin_at_70_and_85),
		cmocka_unit_test(without_a_sample_all_is_unknown),
		cmocka_unit_test(throttling_is_that_of_one_group_in_the_window),
		cmocka_unit_test(what_a_runtime_tells_is_of_the_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
