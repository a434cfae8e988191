#include "spread.h"

#include "metrics_fixture.h"

#include <math.h>

#define VALUES 20000

static uint64_t seed = 88172645463325252u;

static double uniform(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (double)(seed >> 11) / (double)(UINT64_C(1) << 53);
}

static double even(void)
{
	return 2000 + uniform() * 1e8;
}

static double exponential(void)
{
	return 1000 - log(1 - uniform()) * 3e6;
}

static double heavy_tail(void)
{
	return 5000 * pow(1 - uniform(), -0.8);
}

static double two_humps(void)
{
	return uniform() < 0.93 ? 80e3 + uniform() * 5e3 : 2e9 + uniform() * 1e8;
}

static double all_equal(void)
{
	return 123457;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void put(struct slot_window *window, uint64_t span_ns, uint64_t count)
{
	uint32_t bucket = rs_hist_slot(span_ns);

	window->buckets[bucket] += count;
	window->blocks |= UINT64_C(1) << bucket / SLOT_BLOCK;
}

static void check(double (*draw)(void), uint64_t count)
{
	static const double share[METRICS_RANKS] = { 0.5, 0.9, 0.95, 0.99, 0.999 };
	static uint64_t values[VALUES];
	static struct slot_window window;
	double out[METRICS_RANKS];

	slot_window_clear(&window);
	for (uint64_t i = 0; i < count; i++) {
		values[i] = (uint64_t)draw();
		put(&window, values[i], 1);
	}
	qsort(values, count, sizeof(values[0]), compare);
	window.sums.min_ns = values[0];
	window.sums.max_ns = values[count - 1];
	spread_ranks(&window, out);
	for (int i = 0; i < METRICS_RANKS; i++) {
		uint64_t rank = (uint64_t)ceil(share[i] * (double)count - 1e-9);
		double truth = (double)values[rank ? rank - 1 : 0];

		assert_true(fabs(out[i] - truth) <= truth * 0.011);
	}
}

static void percentiles_are_within_1_1_percent_of_a_full_sort(void **state)
{
	double (*const draws[])(void) = { even, exponential, heavy_tail, two_humps, all_equal };
	const uint64_t counts[] = { 1, 2, 3, 10, 19, 100, 999, 1000, 1001, VALUES };

	(void)state;
	for (size_t d = 0; d < sizeof(draws) / sizeof(draws[0]); d++) {
		for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++)
			check(draws[d], counts[c]);
	}
}

static void nothing_counted_is_unknown(void **state)
{
	static const struct slot_window window = { .sums.min_ns = UINT64_MAX };
	double out[METRICS_RANKS];

	(void)state;
	spread_ranks(&window, out);
	for (int i = 0; i < METRICS_RANKS; i++)
		assert_true(out[i] < 0);
	assert_true(spread_apdex(&window) < 0);
}

static void a_percentile_never_leaves_min_and_max(void **state)
{
	static struct slot_window window = { .sums = { .min_ns = 1000000, .max_ns = 1000000 } };
	double out[METRICS_RANKS];

	(void)state;
	put(&window, 1000000, 5);
	spread_ranks(&window, out);
	for (int i = 0; i < METRICS_RANKS; i++)
		assert_true(out[i] >= 1000000 && out[i] <= 1000000);
}

static void apdex_halves_the_tolerated_and_drops_the_rest(void **state)
{
	static struct slot_window window;

	(void)state;
	put(&window, 100 * MILLISECOND, 6);
	put(&window, SECOND, 2);
	put(&window, 9 * SECOND, 2);
	assert_true(fabs(spread_apdex(&window) - 0.7) < 1e-9);
}

static void a_middle_lies_in_its_own_bucket(void **state)
{
	(void)state;
	for (uint32_t slot = 1; slot < RS_HIST_SLOTS - 1; slot++)
		assert_int_equal(rs_hist_slot((uint64_t)spread_middle_ns(slot)), slot);
}

static void at_schema_3_a_rank_is_within_four_and_a_half_percent(void **state)
{
	static uint64_t buckets[RS_HIST_SLOTS];
	struct metrics_sums sums = { .min_ns = UINT64_MAX };

	(void)state;
	assert_true(spread_rank_wide(buckets, &sums, 500) == METRICS_UNKNOWN);
	for (uint64_t ns = 2000; ns < 1000000000; ns += ns / 50) {
		/* where a slot of the disk lies: at the last of the four */
		int index = (int)rs_hist_slot(ns) - RS_HIST_BIAS;
		uint32_t slot =
			(uint32_t)((index - 3 * (index < 0 ? 0 : -1)) / 4 * 4 + RS_HIST_BIAS);
		double told;

		memset(buckets, 0, sizeof(buckets));
		buckets[slot] = 1;
		told = spread_rank_wide(buckets, &sums, 990);
		assert_true(told > (double)ns * 0.955 && told < (double)ns * 1.045);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_schema_3_a_rank_is_within_four_and_a_half_percent),
		cmocka_unit_test(percentiles_are_within_1_1_percent_of_a_full_sort),
		cmocka_unit_test(nothing_counted_is_unknown),
		cmocka_unit_test(a_percentile_never_leaves_min_and_max),
		cmocka_unit_test(apdex_halves_the_tolerated_and_drops_the_rest),
		cmocka_unit_test(a_middle_lies_in_its_own_bucket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
