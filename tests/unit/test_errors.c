#include "errors.h"
#include "rs_test.h"

static void counters_tell_an_upper_bound(void **state)
{
	struct drain_counters delta = { .requests = 9, .aborted = 2, .cut_by_client = 1 };
	struct drain_fold fold = { .count = 3, .aborted = 1, .cut_by_server = 1 };

	(void)state;
	delta.status[4] = 3;
	assert_int_equal(errors_counted(&delta), 4);
	delta.cut_by_client = 5;
	assert_int_equal(errors_counted(&delta), 3);
	delta.requests = 2;
	assert_int_equal(errors_counted(&delta), 2);
	assert_int_equal(errors_folded(&fold), 2);
}

static void what_has_a_record_is_told_by_it_alone(void **state)
{
	struct drain_counters delta = { .requests = 9 };
	struct errors e = { .told = 2 };

	(void)state;
	delta.status[4] = 3;
	assert_int_equal(errors_untold(&e, &delta), 0);
	assert_int_equal(e.told, 0);
	assert_int_equal(e.owed, 0);
}

static void what_was_left_out_is_told_by_the_counters(void **state)
{
	struct drain_counters delta = { .requests = 9 };
	struct errors e = { .told = 2 };

	(void)state;
	delta.status[4] = 3;
	delta.dropped[RS_KIND_REQUEST] = 7;
	assert_int_equal(errors_untold(&e, &delta), 1);
	e.told = 5; /* two of them late: told by the counters of the round before */
	assert_int_equal(errors_untold(&e, &delta), 0);
	assert_int_equal(e.owed, -2);
	e.told = 0;
	assert_int_equal(errors_untold(&e, &delta), 1);
	assert_int_equal(e.owed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_tell_an_upper_bound),
		cmocka_unit_test(what_has_a_record_is_told_by_it_alone),
		cmocka_unit_test(what_was_left_out_is_told_by_the_counters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
