#include "lag.h"
#include "rs_test.h"

static void nothing_is_zero(void **state)
{
	struct lag g = { .count = 0 };

	(void)state;
	assert_int_equal(lag_p99_ns(&g), 0);
}

static void ninety_nine_of_a_hundred_are_below(void **state)
{
	struct lag g = { .count = 0 };

	(void)state;
	for (int i = 0; i < 99; i++)
		lag_add(&g, 1000);
	lag_add(&g, 1000000);
	assert_in_range(lag_p99_ns(&g), 1001, 1250);
	assert_int_equal(g.sum_ns, 1099000);
	lag_add(&g, 1000000); /* 2 of 101 */
	assert_in_range(lag_p99_ns(&g), 1000001, 1250000);
}

static void each_bucket_ends_above_what_it_has(void **state)
{
	(void)state;
	for (uint64_t ns = 0; ns < UINT64_C(1) << 62; ns = ns < 100 ? ns + 1 : ns + ns / 3) {
		struct lag g = { .count = 0 };
		uint64_t above;

		lag_add(&g, ns);
		above = lag_p99_ns(&g);
		if (above <= ns || above - ns > ns / 4 + 1)
			fail_msg("%llu is below %llu", (unsigned long long)ns,
				 (unsigned long long)above);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_zero),
		cmocka_unit_test(ninety_nine_of_a_hundred_are_below),
		cmocka_unit_test(each_bucket_ends_above_what_it_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
