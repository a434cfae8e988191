#include "late.h"
#include "rs_test.h"

static struct late l;

static bool put(uint32_t block)
{
	const struct drain_request request = { .id = block };
	const struct decode_raw raw = { .block = block };

	return late_put(&l, &request, &raw);
}

static void they_come_back_in_order_and_once(void **state)
{
	struct drain_request request;
	struct decode_raw raw;
	uint32_t at = 0;

	(void)state;
	assert_false(late_take(&l, &at, &request, &raw));
	for (uint32_t i = 0; i < LATE_MOST; i++)
		assert_true(put(i));
	assert_false(put(LATE_MOST));
	for (uint32_t i = 0; i < LATE_MOST; i++) {
		assert_true(late_take(&l, &at, &request, &raw));
		assert_int_equal(request.id, i);
		assert_int_equal(raw.block, i);
	}
	assert_false(late_take(&l, &at, &request, &raw));
	assert_true(put(1));
	at = 0;
	assert_true(late_take(&l, &at, &request, &raw));
	assert_int_equal(raw.block, 1);
	assert_false(late_take(&l, &at, &request, &raw));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_come_back_in_order_and_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
