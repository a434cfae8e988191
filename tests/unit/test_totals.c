#include "metrics_fixture.h"

static const struct metrics_total *total_of(const struct metrics_total *rows, int count,
					    const char *service, const char *route)
{
	for (int i = 0; i < count; i++) {
		if (!strcmp(rows[i].service, service) && !strcmp(rows[i].route, route))
			return &rows[i];
	}
	fail_msg("no total of %s %s", service, route);
	return rows;
}

static uint64_t in_all(const struct metrics_total *row)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i <= METRICS_BOUNDS; i++)
		sum += row->steps[i];
	return sum;
}

static void a_service_and_its_routes_have_a_row_each(void **state)
{
	struct metrics_total *rows;
	struct fixture f;
	int n;

	(void)state;
	fixture_open(&f, 1000 * SECOND);
	fixture_request_as(&f, &f.target, 1000 * SECOND, MILLISECOND / 2, "/a", 200, 0);
	fixture_request_as(&f, &f.target, 1000 * SECOND, 20 * SECOND, "/b", 500, 0);
	fixture_counters(&f, &f.target, 2, 2, 1000 * SECOND);
	fixture_tick(&f, 1000 * SECOND);
	n = metrics_totals(f.m, &rows);
	assert_int_equal(n, 3);
	assert_int_equal(total_of(rows, n, "shop", "")->sums.count, 2);
	assert_int_equal(total_of(rows, n, "shop", "")->sums.errors, 1);
	assert_int_equal(in_all(total_of(rows, n, "shop", "")), 2);
	assert_int_equal(total_of(rows, n, "shop", "/a")->method, RS_METHOD_GET);
	assert_int_equal(total_of(rows, n, "shop", "/a")->steps[METRICS_BOUNDS], 0);
	assert_int_equal(total_of(rows, n, "shop", "/b")->steps[METRICS_BOUNDS], 1);
	assert_int_equal(total_of(rows, n, "shop", "/b")->sums.span_ns, 20 * SECOND);
	free(rows);
	metrics_close(f.m);
}

static void a_total_outlives_every_window_and_every_process(void **state)
{
	struct metrics_scope scope = fixture_scope("shop", 0, NULL);
	struct metrics_total *rows;
	struct metrics_window w;
	struct fixture f;
	int n;

	(void)state;
	fixture_open(&f, 1000 * SECOND);
	fixture_request(&f, 1000 * SECOND, MILLISECOND);
	fixture_counters(&f, &f.target, 1, 1, 1000 * SECOND);
	fixture_tick(&f, 1000 * SECOND);
	f.sink.gone(f.sink.ctx, &f.target, 1001 * SECOND);
	for (uint64_t s = 1001; s < 24000; s += 100)
		fixture_tick(&f, s * SECOND);
	assert_int_equal(metrics_window_get(f.m, &scope, &w), 0);
	assert_int_equal(w.sums.count, 0);
	n = metrics_totals(f.m, &rows);
	assert_int_equal(total_of(rows, n, "shop", "")->sums.count, 1);
	assert_int_equal(total_of(rows, n, "shop", "/a")->sums.count, 1);
	free(rows);
	metrics_close(f.m);
}

static void nothing_seen_is_no_row(void **state)
{
	struct metrics_total *rows;
	struct metrics *m;

	(void)state;
	assert_int_equal(metrics_open(&m, &fixture_limits, SECOND), 0);
	assert_int_equal(metrics_totals(m, &rows), 0);
	free(rows);
	metrics_close(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_service_and_its_routes_have_a_row_each),
		cmocka_unit_test(a_total_outlives_every_window_and_every_process),
		cmocka_unit_test(nothing_seen_is_no_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
