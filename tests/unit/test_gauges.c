#include "gauges.h"

#include "means.h"
#include "rs_test.h"

#include <string.h>

#define SECOND UINT64_C(1000000000)

static void near(double value, double wanted)
{
	assert_true(value > wanted - 0.001 && value < wanted + 0.001);
}

/* A sample a second: n MiB resident, half a processor of two, 1,000 n bytes read so far. */
static void fill(struct means *means, struct series_budget *budget)
{
	memset(means, 0, sizeof(*means));
	for (uint64_t n = 100; n < 130; n++) {
		struct means_sample sample = { .time_ns = n * SECOND + 7, .cpus = 2 };

		sample.user_ns = n * SECOND / 2;
		sample.rss = (double)n * 1048576;
		sample.heap_live = METRICS_UNKNOWN;
		sample.read_bytes = (double)n * 1000;
		sample.write_bytes = METRICS_UNKNOWN;
		sample.memory_percent = 40;
		sample.in_flight = (uint32_t)n % 3;
		means_put(means, &sample, budget);
	}
}

static void levels_are_as_they_were_last_and_rates_of_the_whole_span(void **state)
{
	struct series_budget budget = { .limit = 1 << 20 };
	double values[METRICS_GAUGES];
	struct means means;

	(void)state;
	fill(&means, &budget);
	assert_true(gauges_of(&means, 110, 120, values));
	near(values[METRICS_GAUGE_RSS], 119 * 1048576);
	near(values[METRICS_GAUGE_IN_FLIGHT], 119 % 3);
	near(values[METRICS_GAUGE_MEMORY_PERCENT], 40);
	near(values[METRICS_GAUGE_CPU_PERCENT], 25);
	near(values[METRICS_GAUGE_READ], 1000);
	near(values[METRICS_GAUGE_HEAP], METRICS_UNKNOWN);
	near(values[METRICS_GAUGE_ALLOCATED], METRICS_UNKNOWN);
	near(values[METRICS_GAUGE_WRITTEN], METRICS_UNKNOWN);
	means_fini(&means, &budget);
}

/* Its last sample copies what it held before. */
static void a_process_that_ended_holds_nothing_at_the_end(void **state)
{
	struct series_budget budget = { .limit = 1 << 20 };
	struct means_sample end = { .time_ns = 130 * SECOND, .cpus = 2, .rss = 1e6, .ended = true };
	double values[METRICS_GAUGES];
	struct means means;

	(void)state;
	fill(&means, &budget);
	end.user_ns = 130 * SECOND / 2;
	end.read_bytes = 130000;
	means_put(&means, &end, &budget);
	assert_true(gauges_of(&means, 121, 131, values));
	near(values[METRICS_GAUGE_RSS], METRICS_UNKNOWN);
	near(values[METRICS_GAUGE_IN_FLIGHT], METRICS_UNKNOWN);
	near(values[METRICS_GAUGE_CPU_PERCENT], 25); /* it did what it did */
	means_fini(&means, &budget);
}

static void where_nothing_was_sampled_all_is_unknown(void **state)
{
	static const int64_t spans[][2] = { { 90, 100 }, { 130, 140 }, { -20, -10 }, { -5, 0 } };
	struct series_budget budget = { .limit = 1 << 20 };
	double values[METRICS_GAUGES];
	struct means means;

	(void)state;
	fill(&means, &budget);
	for (int i = 0; i < 4; i++) {
		assert_false(gauges_of(&means, spans[i][0], spans[i][1], values));
		for (int gauge = 0; gauge < METRICS_GAUGES; gauge++)
			near(values[gauge], METRICS_UNKNOWN);
	}
	means_fini(&means, &budget);
}

/* Of the first sample nothing is known but its levels. */
static void one_sample_tells_no_rate(void **state)
{
	struct series_budget budget = { .limit = 1 << 20 };
	double values[METRICS_GAUGES];
	struct means means;

	(void)state;
	fill(&means, &budget);
	assert_true(gauges_of(&means, 100, 101, values));
	near(values[METRICS_GAUGE_RSS], 100 * 1048576);
	near(values[METRICS_GAUGE_CPU_PERCENT], METRICS_UNKNOWN);
	near(values[METRICS_GAUGE_READ], METRICS_UNKNOWN);
	means_fini(&means, &budget);
}

static void processes_add_up_and_of_shares_the_worst_counts(void **state)
{
	double rss = METRICS_UNKNOWN, share = METRICS_UNKNOWN;

	(void)state;
	gauges_add(METRICS_GAUGE_RSS, METRICS_UNKNOWN, &rss);
	near(rss, METRICS_UNKNOWN);
	gauges_add(METRICS_GAUGE_RSS, 5, &rss);
	gauges_add(METRICS_GAUGE_RSS, METRICS_UNKNOWN, &rss);
	gauges_add(METRICS_GAUGE_RSS, 7, &rss);
	near(rss, 12);
	gauges_add(METRICS_GAUGE_CPU_PERCENT, 60, &share);
	gauges_add(METRICS_GAUGE_CPU_PERCENT, 50, &share);
	near(share, 60);
}

static void spans_in_a_row_are_told_by_the_last_level_and_the_mean_of_all_else(void **state)
{
	struct gauges_row rss = { METRICS_UNKNOWN, 0 }, cpu = rss;

	(void)state;
	gauges_row_add(METRICS_GAUGE_RSS, METRICS_UNKNOWN, &rss);
	assert_int_equal(rss.spans, 0);
	gauges_row_add(METRICS_GAUGE_RSS, 9, &rss);
	gauges_row_add(METRICS_GAUGE_RSS, 4, &rss);
	gauges_row_add(METRICS_GAUGE_RSS, METRICS_UNKNOWN, &rss);
	near(rss.value, 4);
	gauges_row_add(METRICS_GAUGE_CPU_PERCENT, 10, &cpu);
	gauges_row_add(METRICS_GAUGE_CPU_PERCENT, 20, &cpu);
	gauges_row_add(METRICS_GAUGE_CPU_PERCENT, 90, &cpu);
	near(cpu.value, 40);
	assert_int_equal(cpu.spans, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels_are_as_they_were_last_and_rates_of_the_whole_span),
		cmocka_unit_test(a_process_that_ended_holds_nothing_at_the_end),
		cmocka_unit_test(where_nothing_was_sampled_all_is_unknown),
		cmocka_unit_test(one_sample_tells_no_rate),
		cmocka_unit_test(processes_add_up_and_of_shares_the_worst_counts),
		cmocka_unit_test(
			spans_in_a_row_are_told_by_the_last_level_and_the_mean_of_all_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
