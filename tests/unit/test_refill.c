#include "refill.h"

#include "metrics_fixture.h"

#include <errno.h>

#define NOW (4000 * SECOND)

static struct fixture f;
static struct slot slot;

static int setup(void **state)
{
	(void)state;
	fixture_open(&f, NOW - 3900 * SECOND);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	metrics_close(f.m);
	return 0;
}

static int refill(enum export_kind kind, const char *route, uint64_t ago_s, uint64_t count)
{
	const struct export_key key = { .kind = kind,
					.method = RS_METHOD_GET,
					.service = "bank",
					.environment = "",
					.route = route };

	slot_init(&slot, (uint32_t)(NOW / SECOND - ago_s));
	slot.sums.count = slot.sums.recorded = count;
	slot.sums.errors = 1;
	slot.sums.span_ns = count * SECOND;
	slot.sums.min_ns = slot.sums.max_ns = SECOND;
	slot_bucket_add(&slot, rs_hist_slot(SECOND), (uint32_t)count);
	return metrics_refill(f.m, &key, &slot);
}

static void what_was_exported_is_told_again(void **state)
{
	const struct metrics_scope scope = { .service = "bank", .from_ns = NOW - 60 * SECOND };
	struct metrics_row *rows;

	(void)state;
	assert_int_equal(refill(EXPORT_SERVICE, "", 200, 7), 0);
	assert_int_equal(refill(EXPORT_SERVICE, "", 20, 5), 0);
	assert_int_equal(refill(EXPORT_ROUTE, "/pay/{id}", 20, 3), 0);
	assert_int_equal(refill(EXPORT_STATEMENT, "select ?", 10, 2), 0);
	fixture_tick(&f, NOW);
	assert_int_equal(metrics_services(f.m, &scope, &rows), 1);
	assert_string_equal(rows[0].service, "bank");
	assert_int_equal(rows[0].sums.count, 5);
	assert_int_equal(rows[0].sums.errors, 1);
	assert_true(rows[0].percentile_ns[METRICS_P99] >= SECOND);
	free(rows);
	assert_int_equal(metrics_routes(f.m, &scope, &rows), 2);
	for (int i = 0; i < 2; i++)
		assert_int_equal(rows[i].sums.count, strcmp(rows[i].route, "/pay/{id}") ? 2 : 3);
	free(rows);
}

static void of_processes_and_gauges_there_is_nothing_to_book(void **state)
{
	(void)state;
	assert_int_equal(refill(EXPORT_PROCESS, "", 20, 5), -ENOTSUP);
	assert_int_equal(refill(EXPORT_SERVICE_GAUGES, "", 20, 5), -ENOTSUP);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_exported_is_told_again),
		TEST(of_processes_and_gauges_there_is_nothing_to_book),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
