#include "backoff.h"
#include "rs_test.h"

static void it_doubles_up_to_five_minutes(void **state)
{
	(void)state;
	assert_int_equal(backoff_wait_ns(1, UINT32_MAX / 2) / 1000000, 999); /* the middle */
	assert_int_equal(backoff_wait_ns(4, UINT32_MAX / 2) / 1000000, 7999);
	assert_int_equal(backoff_wait_ns(9, 0), INT64_C(128000000000));
	assert_int_equal(backoff_wait_ns(10, 0), INT64_C(150000000000));
	assert_int_equal(backoff_wait_ns(4000000000u, 0), INT64_C(150000000000));
}

static void chance_moves_it_by_a_half(void **state)
{
	(void)state;
	assert_int_equal(backoff_wait_ns(1, 0), INT64_C(500000000));
	assert_int_equal(backoff_wait_ns(1, UINT32_MAX), INT64_C(1500000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_doubles_up_to_five_minutes),
		cmocka_unit_test(chance_moves_it_by_a_half),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
