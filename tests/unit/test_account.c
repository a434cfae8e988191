#include "account.h"

#include "metrics_fixture.h"

#define BUDGET (8u * 1024 * 1024)

static uint64_t counted(const struct series *series, uint32_t from, uint32_t to)
{
	static struct slot_window out;
	const struct series_budget plenty = { 0 };
	const struct series_span span = series_span_of(&plenty, from, to, to);

	slot_window_init(&out);
	series_window(series, &span, &out);
	return out.sums.count;
}

static void every_second_reaches_the_series_and_its_parent(void **state)
{
	struct series_budget budget = { .limit = BUDGET };
	struct account parent = { 0 }, child = { .parent = &parent };
	struct account_book book = { 0 };

	(void)state;
	account_slot(&book, &child, 100)->sums.count += 1;
	account_slot(&book, &child, 101)->sums.count += 2;
	account_slot(&book, &child, 100)->sums.count += 4;
	assert_int_equal(account_merge(&book, 101, &budget), 0);
	assert_int_equal(counted(&child.series, 100, 101), 5);
	assert_int_equal(counted(&child.series, 101, 102), 2);
	assert_int_equal(counted(&parent.series, 100, 102), 7);
	assert_null(book.dirty);
	series_fini(&child.series, &budget);
	series_fini(&parent.series, &budget);
	series_budget_fini(&budget);
	account_book_fini(&book);
}

static void a_time_to_come_is_booked_to_now_and_a_past_one_counted(void **state)
{
	struct series_budget budget = { .limit = BUDGET };
	struct account account = { 0 };
	struct account_book book = { 0 };
	uint32_t now = 20000;

	(void)state;
	account_slot(&book, &account, now + 3600)->sums.count += 1;
	account_slot(&book, &account, now - SERIES_SECONDS - 1)->sums.count += 2;
	assert_int_equal(account_merge(&book, now, &budget), 2);
	assert_int_equal(counted(&account.series, now, now + 1), 1);
	assert_int_equal(counted(&account.series, 0, now + 9000), 1);
	series_fini(&account.series, &budget);
	series_budget_fini(&budget);
	account_book_fini(&book);
}

static void seconds_without_end_find_a_bound(void **state)
{
	struct series_budget budget = { .limit = BUDGET };
	struct account account = { 0 };
	struct account_book book = { 0 };

	(void)state;
	for (uint32_t i = 0; i < ACCOUNT_SLOTS; i++)
		assert_non_null(account_slot(&book, &account, i));
	assert_null(account_slot(&book, &account, ACCOUNT_SLOTS));
	account_merge(&book, 1, &budget);
	assert_non_null(account_slot(&book, &account, ACCOUNT_SLOTS));
	account_merge(&book, 1, &budget);
	series_fini(&account.series, &budget);
	series_budget_fini(&budget);
	account_book_fini(&book);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_second_reaches_the_series_and_its_parent),
		cmocka_unit_test(a_time_to_come_is_booked_to_now_and_a_past_one_counted),
		cmocka_unit_test(seconds_without_end_find_a_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
