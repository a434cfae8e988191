#include "slowest.h"

#include "metrics_fixture.h"

static struct slowest slowest;
static const struct slowest_entry *order[SLOWEST_ROWS];

static void put(uint64_t end_s, uint64_t span_ns, bool slow, bool failed)
{
	struct slowest_entry entry = { .end_ns = end_s * SECOND, .slow = slow, .failed = failed };

	entry.row.span_ns = span_ns;
	slowest_put(&slowest, &entry);
}

static void the_slowest_hundred_stay(void **state)
{
	uint32_t n;

	(void)state;
	memset(&slowest, 0, sizeof(slowest));
	assert_int_equal(slowest_floor_ns(&slowest, SECOND), 0);
	for (uint64_t i = 1; i <= 1000; i++)
		put(1, i * 7919 % 1009, false, false);
	n = slowest_list(&slowest, SECOND, order);
	assert_int_equal(n, METRICS_SLOWEST);
	for (uint32_t i = 1; i < n; i++)
		assert_true(order[i - 1]->row.span_ns >= order[i]->row.span_ns);
	assert_int_equal(order[0]->row.span_ns, 1008);
	assert_int_equal(slowest_floor_ns(&slowest, SECOND), order[n - 1]->row.span_ns);
}

static void slow_and_failed_ones_have_rings_of_their_own(void **state)
{
	uint32_t n, failed = 0;

	(void)state;
	memset(&slowest, 0, sizeof(slowest));
	for (uint64_t i = 0; i < SLOWEST_RING + 10; i++)
		put(1, 2 * SECOND + i, true, false);
	for (uint64_t i = 0; i < SLOWEST_FAILED + 10; i++)
		put(1, 50, false, true);
	n = slowest_list(&slowest, SECOND, order);
	assert_int_equal(n, SLOWEST_RING + SLOWEST_FAILED);
	for (uint32_t i = 0; i < n; i++)
		failed += order[i]->failed;
	assert_int_equal(failed, SLOWEST_FAILED);
	/* The oldest ten gave way. */
	assert_int_equal(order[SLOWEST_RING - 1]->row.span_ns, 2 * SECOND + 10);
}

static void recent_is_this_period_and_the_one_before(void **state)
{
	(void)state;
	memset(&slowest, 0, sizeof(slowest));
	put(10, 500, false, false);
	put(SLOWEST_PERIOD_S + 10, 400, false, false);
	assert_int_equal(slowest_list(&slowest, (SLOWEST_PERIOD_S + 20) * SECOND, order), 2);
	put(2 * SLOWEST_PERIOD_S + 10, 300, false, false);
	assert_int_equal(slowest_list(&slowest, (2 * SLOWEST_PERIOD_S + 20) * SECOND, order), 2);
	assert_int_equal(order[0]->row.span_ns, 400);
	assert_int_equal(slowest_list(&slowest, (4 * SLOWEST_PERIOD_S + 20) * SECOND, order), 0);
	put(9 * SLOWEST_PERIOD_S, 200, false, false);
	assert_int_equal(slowest_list(&slowest, (9 * SLOWEST_PERIOD_S + 1) * SECOND, order), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_slowest_hundred_stay),
		cmocka_unit_test(slow_and_failed_ones_have_rings_of_their_own),
		cmocka_unit_test(recent_is_this_period_and_the_one_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
