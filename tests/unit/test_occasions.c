#include "occasions.h"
#include "rs_test.h"

static void each_is_counted_in_its_second(void **state)
{
	struct occasions o = { 0 };

	(void)state;
	occasions_add(&o, 1000);
	occasions_add(&o, 1000);
	occasions_add(&o, 1003);
	assert_int_equal(o.total, 3);
	assert_int_equal(occasions_count(&o, 1000, 1001), 2);
	assert_int_equal(occasions_count(&o, 1001, 1003), 0);
	assert_int_equal(occasions_count(&o, 1001, 2000), 1); /* up to now, and beyond */
	assert_int_equal(occasions_count(&o, 1004, 2000), 0);
	assert_int_equal(occasions_count(NULL, 0, 2000), 0);
}

static void what_is_old_is_counted_in_tens_and_then_forgotten(void **state)
{
	struct occasions o = { 0 };

	(void)state;
	for (uint32_t s = 10000; s < 18000; s += 100)
		occasions_add(&o, s);
	/* of the last ten minutes by second */
	assert_int_equal(occasions_count(&o, 17900 - SERIES_FINE_SLOTS + 1, 20000), 6);
	assert_int_equal(occasions_count(&o, 16000, 20000), 20);
	assert_int_equal(occasions_count(&o, 16000, 17000), 10);
	assert_int_equal(occasions_count(&o, 0, 20000), 72); /* two hours */
	assert_int_equal(o.total, 80);
}

static void a_long_pause_leaves_nothing_behind(void **state)
{
	struct occasions o = { 0 };

	(void)state;
	for (uint32_t s = 1; s <= 600; s++)
		occasions_add(&o, s);
	assert_int_equal(occasions_count(&o, 1, 601), 600);
	occasions_add(&o, 100000);
	assert_int_equal(occasions_count(&o, 99500, 100001), 1);
	assert_int_equal(occasions_count(&o, 0, 100001), 1);
	occasions_add(&o, 99990); /* told late */
	occasions_add(&o, 5);     /* too late */
	assert_int_equal(occasions_count(&o, 99500, 100001), 2);
	assert_int_equal(occasions_count(&o, 0, 100001), 2);
	assert_int_equal(o.total, 603);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_counted_in_its_second),
		cmocka_unit_test(what_is_old_is_counted_in_tens_and_then_forgotten),
		cmocka_unit_test(a_long_pause_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
