#include "hold.h"
#include "rs_test.h"

#include <stdlib.h>

#define SECOND INT64_C(1000000000)

static void it_is_time_once_a_minute(void **state)
{
	struct hold h = { .due_ns = 0 };

	(void)state;
	assert_true(hold_is_due(&h, 5 * SECOND));
	assert_false(hold_is_due(&h, 64 * SECOND));
	assert_true(hold_is_due(&h, 65 * SECOND));
}

static void some_are_told_at_a_time(void **state)
{
	struct hold h = { .due_ns = 0 };

	(void)state;
	assert_null(hold_next(&h));
	hold_begin(&h, calloc(20, sizeof(struct notice)), 20);
	for (int i = 0; i < HOLD_FLYING; i++) {
		assert_ptr_equal(hold_next(&h), &h.notices[i]);
		hold_told(&h, 1);
	}
	assert_null(hold_next(&h));
	hold_heard(&h);
	assert_non_null(hold_next(&h));
	hold_begin(&h, calloc(2, sizeof(struct notice)), 2); /* the next round */
	hold_told(&h, 1);
	hold_told(&h, 0);
	assert_null(h.notices);
	assert_null(hold_next(&h));
	hold_heard(&h);
	hold_heard(&h);
	assert_int_equal(h.flying, 0);
	hold_fini(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_time_once_a_minute),
		cmocka_unit_test(some_are_told_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
