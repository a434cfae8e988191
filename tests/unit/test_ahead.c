#include "ahead.h"
#include "rs_test.h"

static struct ahead a;

static bool put(uint32_t connection, uint32_t number)
{
	struct lane_record record = { .head.connection = connection };

	record.head.headers.number = number;
	return ahead_put(&a, &record);
}

static void each_is_found_by_its_number_once(void **state)
{
	const struct lane_record *record;

	(void)state;
	for (uint32_t i = 0; i < AHEAD_MOST; i++)
		assert_true(put(5 + i % 2, i));
	assert_false(put(5, AHEAD_MOST));
	assert_null(ahead_take(&a, 6, 0));
	assert_null(ahead_take(&a, 5, AHEAD_MOST));
	for (uint32_t i = AHEAD_MOST; i-- > 0;) {
		uint32_t number = (7 * i) % AHEAD_MOST;

		record = ahead_take(&a, 5 + number % 2, number);
		assert_non_null(record);
		assert_int_equal(record->head.headers.number, number);
		assert_int_equal(record->head.connection, 5 + number % 2);
		assert_null(ahead_take(&a, 5 + number % 2, number));
	}
	assert_int_equal(a.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_found_by_its_number_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
