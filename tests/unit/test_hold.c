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

static void a_round_comes_to_its_end_or_makes_room_after_four_minutes(void **state)
{
	struct hold h = { .due_ns = 0 };

	(void)state;
	assert_true(hold_is_due(&h, 5 * SECOND));
	hold_begin(&h, calloc(2, sizeof(struct notice)), 2);
	hold_told(&h, 1);
	assert_false(hold_is_due(&h, 65 * SECOND));
	assert_false(hold_is_due(&h, 244 * SECOND));
	assert_true(hold_is_due(&h, 245 * SECOND));
	hold_begin(&h, calloc(1, sizeof(struct notice)), 1);
	hold_told(&h, 1);
	assert_true(hold_is_due(&h, 305 * SECOND));
	hold_fini(&h);
}

static void what_there_is_news_of_is_not_told_any_more(void **state)
{
	struct notice *notices = calloc(3, sizeof(*notices));
	struct hold h = { .due_ns = 0 };

	(void)state;
	for (uint64_t i = 0; i < 3; i++)
		notices[i].id = i + 7;
	hold_begin(&h, notices, 3);
	hold_told(&h, 1);
	hold_forget(&h, 9);
	assert_int_equal(hold_next(&h)->id, 8);
	hold_told(&h, 1);
	assert_int_equal(hold_next(&h)->id, 0);
	hold_fini(&h);
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
		cmocka_unit_test(a_round_comes_to_its_end_or_makes_room_after_four_minutes),
		cmocka_unit_test(what_there_is_news_of_is_not_told_any_more),
		cmocka_unit_test(some_are_told_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
