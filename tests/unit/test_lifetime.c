#include "../../agent/metrics/lifetime.c" /* white box: the table of buckets is looked at */
#include "rs_test.h"

#include <math.h>

static uint64_t up_to(const struct lifetime *l, unsigned int bound)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i <= bound; i++)
		sum += l->steps[i];
	return sum;
}

static void each_bound_has_the_last_bucket_that_lies_below_it_in_full(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < METRICS_BOUNDS; i++) {
		double upper = pow(2, (lifetime_last[i] - RS_HIST_BIAS) / 32.0);
		double next = pow(2, (lifetime_last[i] + 1 - RS_HIST_BIAS) / 32.0);

		assert_true(upper <= metrics_bounds_s[i]);
		assert_true(next > metrics_bounds_s[i]);
	}
}

static void a_step_never_claims_more_than_there_is(void **state)
{
	struct lifetime l = { 0 };
	struct slot slot;
	uint64_t below[METRICS_BOUNDS] = { 0 };

	(void)state;
	slot_init(&slot, 1);
	for (uint64_t ns = 1000; ns < UINT64_C(20000000000); ns += ns / 50 + 1) {
		slot_bucket_add(&slot, rs_hist_slot(ns), 1);
		slot.sums.recorded++;
		for (unsigned int i = 0; i < METRICS_BOUNDS; i++)
			below[i] += (double)ns <= metrics_bounds_s[i] * 1e9;
	}
	lifetime_add(&l, &slot);
	for (unsigned int i = 0; i < METRICS_BOUNDS; i++) {
		assert_true(up_to(&l, i) <= below[i]);
		assert_true(up_to(&l, i) + 3 >= below[i]); /* 2 % a step: one bucket holds two */
	}
	assert_int_equal(up_to(&l, METRICS_BOUNDS), slot.sums.recorded);
}

static void seconds_add_up_and_the_least_is_that_of_all(void **state)
{
	struct lifetime l = { 0 };
	struct slot slot;

	(void)state;
	for (uint32_t second = 1; second <= 3; second++) {
		slot_init(&slot, second);
		slot.sums.count = second;
		slot.sums.min_ns = 10 * second;
		slot.sums.max_ns = 100 * second;
		slot_bucket_add(&slot, 0, second);
		lifetime_add(&l, &slot);
	}
	assert_int_equal(l.sums.count, 6);
	assert_int_equal(l.sums.min_ns, 10);
	assert_int_equal(l.sums.max_ns, 300);
	assert_int_equal(l.steps[0], 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_bound_has_the_last_bucket_that_lies_below_it_in_full),
		cmocka_unit_test(a_step_never_claims_more_than_there_is),
		cmocka_unit_test(seconds_add_up_and_the_least_is_that_of_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
