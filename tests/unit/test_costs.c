#include "metrics_fixture.h"
#include "registry.h"

#include <ringside/segment.h>

static void a_live_process_has_its_extrapolated_cost_and_its_cpu_time(void **state)
{
	struct drain_counters delta = { .requests = 5, .cost_ns = 1000 };
	struct drain_ledger ledger = { .state = RS_STATE_ON,
				       .detail = { .level = 2, .sample = 8 } };
	struct means_sample sample = { .time_ns = 999 * SECOND, .user_ns = 30, .system_ns = 12 };
	struct metrics_cost *rows;
	struct fixture f;

	(void)state;
	fixture_open(&f, 1000 * SECOND);
	strcpy(f.target.exe, "/bin/shop");
	f.sink.counters(f.sink.ctx, &f.target, &delta, &ledger, 1000 * SECOND, false);
	fixture_tick(&f, 1000 * SECOND);
	assert_int_equal(metrics_costs(f.m, &rows), 1);
	assert_int_equal(rows[0].time_ns, 0);
	free(rows);
	means_put(&f.m->registry.processes->means, &sample, &f.m->budget);
	assert_int_equal(metrics_costs(f.m, &rows), 1);
	assert_int_equal(rows[0].key, f.target.key);
	assert_int_equal(rows[0].pid, f.target.pid);
	assert_string_equal(rows[0].service, "shop");
	assert_int_equal(rows[0].own_ns, 1000 * RS_COST_EVERY);
	assert_int_equal(rows[0].cpu_ns, 42);
	assert_int_equal(rows[0].time_ns, 999 * SECOND);
	assert_int_equal(rows[0].state, RS_STATE_ON);
	assert_int_equal(rows[0].detail.sample, 8);
	free(rows);
	metrics_close(f.m);
}

static void one_that_ended_has_no_row(void **state)
{
	struct metrics_cost *rows;
	struct fixture f;

	(void)state;
	fixture_open(&f, 1000 * SECOND);
	f.sink.gone(f.sink.ctx, &f.target, 1000 * SECOND);
	fixture_tick(&f, 1000 * SECOND);
	assert_int_equal(metrics_costs(f.m, &rows), 0);
	free(rows);
	metrics_close(f.m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_live_process_has_its_extrapolated_cost_and_its_cpu_time),
		cmocka_unit_test(one_that_ended_has_no_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
