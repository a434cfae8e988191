#include "means.h"

#include "metrics_fixture.h"

#define BUDGET (8u * 1024 * 1024)

static void put(struct means *means, struct series_budget *budget, uint64_t second)
{
	struct means_sample sample = { .time_ns = second * SECOND, .user_ns = second * 1000 };

	means_put(means, &sample, budget);
}

static void a_window_is_compared_with_the_sample_at_its_beginning(void **state)
{
	struct series_budget budget = { .limit = BUDGET };
	struct means means = { 0 };
	struct means_sample first, last;

	(void)state;
	assert_false(means_window(&means, 0, UINT64_MAX, &first, &last));
	for (uint64_t s = 100; s < 120; s++)
		put(&means, &budget, s);
	assert_true(means_window(&means, 105 * SECOND, 110 * SECOND, &first, &last));
	assert_int_equal(last.user_ns - first.user_ns, 5000);
	assert_true(means_window(&means, 0, UINT64_MAX, &first, &last));
	assert_int_equal(last.user_ns - first.user_ns, 19000);
	assert_false(means_window(&means, 0, 99 * SECOND, &first, &last));
	means_fini(&means, &budget);
	assert_int_equal(budget.used, 0);
}

static void two_hours_are_kept_and_no_more(void **state)
{
	struct series_budget budget = { .limit = BUDGET };
	struct means means = { 0 };
	struct means_sample first, last;

	(void)state;
	for (uint64_t s = 0; s < 10000; s++)
		put(&means, &budget, s);
	assert_true(means.fine.count <= SERIES_FINE_SLOTS + 2);
	assert_true(means.coarse.count <= SERIES_COARSE_SLOTS + 2);
	assert_true(means_window(&means, 3000 * SECOND, UINT64_MAX, &first, &last));
	assert_int_equal(first.time_ns / SECOND, 3000);
	assert_int_equal(last.time_ns / SECOND, 9999);
	assert_true(means_window(&means, 9500 * SECOND, UINT64_MAX, &first, &last));
	assert_int_equal(first.time_ns / SECOND, 9500);
	means_fini(&means, &budget);
}

static void no_room_is_counted(void **state)
{
	struct series_budget budget = { .limit = 100 };
	struct means means = { 0 };

	(void)state;
	put(&means, &budget, 5);
	assert_int_equal(means.fine.count, 0);
	assert_int_equal(budget.shed, 2);
	means_fini(&means, &budget);
}

static void a_window_that_holds_the_beginning_begins_with_nothing(void **state)
{
	struct series_budget budget = { .limit = BUDGET };
	struct means means = { .begin_ns = 95 * SECOND };
	struct means_sample first, last;

	(void)state;
	put(&means, &budget, 100);
	assert_true(means_window(&means, 90 * SECOND, UINT64_MAX, &first, &last));
	assert_int_equal(first.time_ns, 95 * SECOND);
	assert_int_equal(last.user_ns - first.user_ns, 100000);
	assert_true(means_window(&means, 97 * SECOND, UINT64_MAX, &first, &last));
	assert_int_equal(first.time_ns, 100 * SECOND); /* it had used something before */
	means.begin_ns = 101 * SECOND;                 /* a clock that was set */
	assert_true(means_window(&means, 90 * SECOND, UINT64_MAX, &first, &last));
	assert_int_equal(first.time_ns, 100 * SECOND);
	means_fini(&means, &budget);
}

static void the_last_sample_counts_however_soon_it_comes(void **state)
{
	struct series_budget budget = { .limit = BUDGET };
	const struct means_sample end = { .time_ns = 100 * SECOND + 7, .user_ns = 123456 };
	const struct means_sample old = { .time_ns = 99 * SECOND, .user_ns = 1 };
	struct means means = { 0 };
	struct means_sample first, last;

	(void)state;
	put(&means, &budget, 99);
	put(&means, &budget, 100);
	means_end(&means, &end, &budget);
	assert_int_equal(means.fine.count, 2);
	assert_true(means_window(&means, 0, UINT64_MAX, &first, &last));
	assert_int_equal(last.user_ns, 123456);
	means_end(&means, &old, &budget); /* older than what is there */
	assert_true(means_window(&means, 0, UINT64_MAX, &first, &last));
	assert_int_equal(last.user_ns, 123456);
	means_fini(&means, &budget);
}

static void put_longest(struct means *means, struct series_budget *budget, uint64_t ns, float ms)
{
	struct means_sample sample = { .time_ns = ns };

	sample.collected_max_ms = ms;
	sample.served_max_ms = 2 * ms;
	means_put(means, &sample, budget);
}

static float longest(const struct means *means, uint64_t from_s, uint64_t to_s)
{
	float collected, served;

	means_longest(means, from_s * SECOND, to_s * SECOND, &collected, &served);
	assert_true(served == 2 * collected);
	return collected;
}

static void the_longest_is_that_of_the_samples_in_the_window(void **state)
{
	struct series_budget budget = { .limit = BUDGET };
	struct means_sample end = { .time_ns = 104 * SECOND + 1 };
	struct means means = { 0 };

	(void)state;
	assert_true(longest(&means, 0, 1000) == 0);
	put_longest(&means, &budget, 100 * SECOND, 9);
	put_longest(&means, &budget, 101 * SECOND, 5);
	put_longest(&means, &budget, 102 * SECOND, 7);
	put_longest(&means, &budget, 102 * SECOND + 1000, 8); /* too near to be kept */
	put_longest(&means, &budget, 103 * SECOND, 1);
	assert_true(longest(&means, 99, 103) == 9);
	assert_true(longest(&means, 100, 103) == 8); /* what ended up to 100 is of before */
	assert_true(longest(&means, 102, 103) == 1);
	assert_true(longest(&means, 100, 101) == 5);
	put_longest(&means, &budget, 104 * SECOND, 6);
	means_end(&means, &end, &budget); /* it takes the place of that */
	assert_int_equal(means.fine.samples[means.fine.count - 1].time_ns, end.time_ns);
	assert_true(longest(&means, 103, 105) == 6);
	means_fini(&means, &budget);
}

static void the_longest_of_ten_seconds_is_in_their_coarse_sample(void **state)
{
	struct series_budget budget = { .limit = BUDGET };
	struct means means = { 0 };

	(void)state;
	for (uint64_t s = 0; s < 2 * SERIES_FINE_SLOTS; s++)
		put_longest(&means, &budget, s * SECOND, s == 107 ? 50 : 1);
	assert_true(means.fine.samples[0].time_ns > 200 * SECOND);
	assert_true(longest(&means, 0, 2 * SERIES_FINE_SLOTS) == 50);
	assert_true(longest(&means, 90, 120) == 50);
	assert_true(longest(&means, 120, 2 * SERIES_FINE_SLOTS) == 1);
	assert_true(longest(&means, 0, 100) == 1);
	means_fini(&means, &budget);
}

/* Looked at each fifth second: 50, 55 … µs, but for one that was short. */
static void the_shortest_trip_of_a_window_is_found_in_either_tier(void **state)
{
	struct series_budget budget = { .limit = BUDGET };
	struct means means = { 0 };

	(void)state;
	assert_int_equal(means_shortest_us(&means, 0, UINT64_MAX), 0);
	for (uint64_t s = 1000; s < 3000; s++) {
		struct means_sample sample = { .time_ns = s * SECOND };

		sample.strain.shortest_us = s % 5 ? 0 : (uint32_t)s;
		if (s == 1234 || s == 2905)
			sample.strain.shortest_us = 7;
		means_put(&means, &sample, &budget);
	}
	assert_int_equal(means_shortest_us(&means, 2990 * SECOND, 2999 * SECOND), 2995);
	assert_int_equal(means_shortest_us(&means, 2996 * SECOND, 2999 * SECOND), 0);
	assert_int_equal(means_shortest_us(&means, 2904 * SECOND, 2999 * SECOND), 7);
	assert_int_equal(means_shortest_us(&means, 2905 * SECOND, 2999 * SECOND), 2910);
	assert_int_equal(means_shortest_us(&means, 2905 * SECOND, 2905 * SECOND), 0);
	/* older than the fine ones: by tens */
	assert_int_equal(means_shortest_us(&means, 1100 * SECOND, 2300 * SECOND), 7);
	assert_true(means_shortest_us(&means, 1300 * SECOND, 2300 * SECOND) >= 1295);
	means_fini(&means, &budget);
}

static void the_longest_delay_of_a_window_is_found_in_either_tier(void **state)
{
	struct series_budget budget = { .limit = BUDGET };
	struct means means = { 0 };

	(void)state;
	for (uint64_t s = 1000; s < 3000; s++) {
		struct means_sample sample = { .time_ns = s * SECOND };

		sample.strain.longest_us = s == 1234 || s == 2905 ? 700 : 3;
		means_put(&means, &sample, &budget);
	}
	assert_int_equal(means_delay_us(&means, 2904 * SECOND, 2999 * SECOND), 700);
	assert_int_equal(means_delay_us(&means, 2905 * SECOND, 2999 * SECOND), 3);
	assert_int_equal(means_delay_us(&means, 2999 * SECOND, 2999 * SECOND), 0);
	/* older than the fine ones: by tens */
	assert_int_equal(means_delay_us(&means, 1100 * SECOND, 2300 * SECOND), 700);
	assert_int_equal(means_delay_us(&means, 1300 * SECOND, 2300 * SECOND), 3);
	means_fini(&means, &budget);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_shortest_trip_of_a_window_is_found_in_either_tier),
		cmocka_unit_test(the_longest_delay_of_a_window_is_found_in_either_tier),
		cmocka_unit_test(a_window_is_compared_with_the_sample_at_its_beginning),
		cmocka_unit_test(a_window_that_holds_the_beginning_begins_with_nothing),
		cmocka_unit_test(the_last_sample_counts_however_soon_it_comes),
		cmocka_unit_test(two_hours_are_kept_and_no_more),
		cmocka_unit_test(no_room_is_counted),
		cmocka_unit_test(the_longest_is_that_of_the_samples_in_the_window),
		cmocka_unit_test(the_longest_of_ten_seconds_is_in_their_coarse_sample),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
