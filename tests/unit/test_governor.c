#include "governor.h"
#include "rs_test.h"

#define SECOND UINT64_C(1000000000)
#define BUDGET 10.0

/* A target that uses cores, of which percent is ours, from judgement to judgement. */
struct bench {
	struct governor g;
	struct governor_load load;
	uint64_t now_ns;
};

static void bench_open(struct bench *b)
{
	*b = (struct bench){ .now_ns = 1000 * SECOND };
	governor_init(&b->g);
	assert_int_equal(governor_step(&b->g, BUDGET, &b->load, b->now_ns), GOVERNOR_STAYS);
}

static enum governor_turn bench_run(struct bench *b, uint64_t seconds, double cores, double percent)
{
	uint64_t cpu_ns = (uint64_t)((double)(seconds * SECOND) * cores);

	b->now_ns += seconds * SECOND;
	b->load.cpu_ns += cpu_ns;
	b->load.own_ns += (uint64_t)((double)cpu_ns * percent / 100);
	return governor_step(&b->g, BUDGET, &b->load, b->now_ns);
}

static uint32_t bench_sample(const struct bench *b)
{
	struct drain_detail detail;

	governor_detail(&b->g, &detail);
	return detail.sample;
}

static void past_the_budget_detail_steps_down_to_the_last(void **state)
{
	static const uint32_t samples[] = { 1, 8, 64, 512 };
	struct drain_detail detail;
	struct bench b;

	(void)state;
	bench_open(&b);
	for (uint32_t i = 0; i + 1 < GOVERNOR_STEPS; i++) {
		assert_int_equal(bench_run(&b, 10, 1, 11), GOVERNOR_DOWN);
		assert_int_equal(bench_sample(&b), samples[i]);
	}
	assert_int_equal(bench_run(&b, 10, 1, 90), GOVERNOR_STAYS);
	governor_detail(&b.g, &detail);
	assert_int_equal(detail.level, DRAIN_DETAIL_SAMPLED);
	assert_int_equal(detail.since_ns, b.now_ns - 10 * SECOND);
	assert_true(detail.share > 89 && detail.share < 91);
}

static void a_verdict_takes_ten_seconds(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b);
	for (int i = 0; i < 9; i++)
		assert_int_equal(bench_run(&b, 1, 1, 50), GOVERNOR_STAYS);
	assert_int_equal(bench_run(&b, 1, 1, 50), GOVERNOR_DOWN);
	assert_int_equal(bench_run(&b, 9, 1, 50), GOVERNOR_STAYS);
}

static void at_the_budget_or_below_half_a_core_nothing_happens(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b);
	assert_int_equal(bench_run(&b, 10, 1, 9.9), GOVERNOR_STAYS);
	assert_int_equal(bench_run(&b, 10, 0.49, 50), GOVERNOR_STAYS);
	assert_int_equal(bench_run(&b, 10, 0, 0), GOVERNOR_STAYS);
	assert_int_equal(bench_run(&b, 10, 0.51, 50), GOVERNOR_DOWN);
}

static void without_a_budget_nothing_is_too_much(void **state)
{
	struct governor_load load = { 0 };
	struct governor g;

	(void)state;
	governor_init(&g);
	for (uint64_t t = 1; t < 10; t++) {
		load.own_ns = load.cpu_ns += 100 * SECOND;
		assert_int_equal(governor_step(&g, 0, &load, t * 10 * SECOND), GOVERNOR_STAYS);
	}
	assert_true(g.share > 99);
}

static void detail_comes_back_after_a_calm_minute(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b);
	assert_int_equal(bench_run(&b, 10, 1, 11), GOVERNOR_DOWN);
	for (int i = 0; i < 5; i++)
		assert_int_equal(bench_run(&b, 10, 1, 4.9), GOVERNOR_STAYS);
	/* below the budget, not well below: the minute begins again */
	assert_int_equal(bench_run(&b, 10, 1, 5.1), GOVERNOR_STAYS);
	for (int i = 0; i < 5; i++)
		assert_int_equal(bench_run(&b, 10, 1, 4.9), GOVERNOR_STAYS);
	assert_int_equal(bench_run(&b, 10, 1, 4.9), GOVERNOR_UP);
	assert_int_equal(b.g.step, 0);
	for (int i = 0; i < 20; i++)
		assert_int_equal(bench_run(&b, 10, 1, 0), GOVERNOR_STAYS);
}

static void a_target_that_rests_gets_its_detail_back(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b);
	assert_int_equal(bench_run(&b, 10, 1, 50), GOVERNOR_DOWN);
	assert_int_equal(bench_run(&b, 10, 1, 50), GOVERNOR_DOWN);
	for (int k = 0; k < 2; k++) {
		for (int i = 0; i < 5; i++)
			assert_int_equal(bench_run(&b, 10, 0.1, 50), GOVERNOR_STAYS);
		assert_int_equal(bench_run(&b, 10, 0.1, 50), GOVERNOR_UP);
	}
	assert_int_equal(b.g.step, 0);
}

/* Up is always too much here: how long it takes until the next try. */
static uint64_t bench_wait(struct bench *b)
{
	uint64_t from_ns = b->now_ns;

	for (int i = 0; i < 10000; i++)
		if (bench_run(b, 10, 1, 1) == GOVERNOR_UP)
			break;
	assert_int_equal(bench_run(b, 10, 1, 50), GOVERNOR_DOWN);
	return (b->now_ns - 10 * SECOND - from_ns) / SECOND;
}

static void who_goes_up_and_down_waits_longer_each_time(void **state)
{
	static const uint64_t waits_s[] = { 60, 120, 240, 480, 960, 1920, 3600 };
	struct bench b;

	(void)state;
	bench_open(&b);
	assert_int_equal(bench_run(&b, 10, 1, 50), GOVERNOR_DOWN);
	for (size_t i = 0; i < sizeof(waits_s) / sizeof(waits_s[0]); i++)
		assert_int_equal(bench_wait(&b), waits_s[i]);
	assert_int_equal(bench_wait(&b), 3600);
}

static void totals_that_went_back_are_no_verdict(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b);
	bench_run(&b, 10, 1, 9);
	b.load = (struct governor_load){ 0 };
	assert_int_equal(bench_run(&b, 10, 1, 9), GOVERNOR_STAYS);
	assert_int_equal(bench_run(&b, 10, 1, 11), GOVERNOR_DOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(past_the_budget_detail_steps_down_to_the_last),
		cmocka_unit_test(a_verdict_takes_ten_seconds),
		cmocka_unit_test(at_the_budget_or_below_half_a_core_nothing_happens),
		cmocka_unit_test(without_a_budget_nothing_is_too_much),
		cmocka_unit_test(detail_comes_back_after_a_calm_minute),
		cmocka_unit_test(a_target_that_rests_gets_its_detail_back),
		cmocka_unit_test(who_goes_up_and_down_waits_longer_each_time),
		cmocka_unit_test(totals_that_went_back_are_no_verdict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
