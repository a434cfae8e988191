#include "rs_test.h"
#include "way.h"

#include <stddef.h>
#include <string.h>

static void the_first_that_moves_says_where_it_was(void **state)
{
	struct way y = { 0 };

	(void)state;
	assert_int_equal(way_to(&y, 110, 10), 110);
	assert_int_equal(y.at, 100);
	assert_true(y.known);
}

static void the_end_of_the_stream_is_no_byte(void **state)
{
	struct way y = { 0 };

	(void)state;
	way_begin(&y, 100);
	assert_int_equal(way_to(&y, 111, 10), 110);
}

static void what_was_seen_and_what_was_not_come_in_turn(void **state)
{
	const uint8_t *text;
	struct way y = { 0 };
	uint32_t bytes, to;

	(void)state;
	way_begin(&y, UINT32_MAX - 1); /* positions wrap */
	pieces_put(&y.pieces, 3, (const uint8_t *)"seen", 4);
	to = way_to(&y, 8, 7); /* an event was lost before, of three bytes */
	assert_true(way_next(&y, to, 7, &text, &bytes));
	assert_null(text);
	assert_int_equal(bytes, 3);
	assert_true(way_next(&y, to, 7, &text, &bytes));
	assert_null(text); /* bytes that were not seen */
	assert_int_equal(bytes, 2);
	assert_true(way_next(&y, to, 7, &text, &bytes));
	assert_memory_equal(text, "seen", bytes);
	assert_int_equal(bytes, 4);
	assert_non_null(y.pieces.first); /* borrowed */
	assert_true(way_next(&y, to, 7, &text, &bytes));
	assert_null(text);
	assert_int_equal(bytes, 1);
	assert_null(y.pieces.first); /* what is behind us is not passed by again */
	assert_false(way_next(&y, to, 7, &text, &bytes));
	assert_int_equal(y.at, 8);
	pieces_clear(&y.pieces);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_that_moves_says_where_it_was),
		cmocka_unit_test(the_end_of_the_stream_is_no_byte),
		cmocka_unit_test(what_was_seen_and_what_was_not_come_in_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
