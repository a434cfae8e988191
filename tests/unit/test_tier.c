#include "tier.h"

#include "metrics_fixture.h"

#include <errno.h>

#define STEP 10u

static struct series_budget budget;

static void put(struct tier *tier, uint32_t second, uint8_t fill, uint32_t size)
{
	uint8_t bytes[400];
	const struct tier_at record = { .second = second, .size = size, .packed = bytes };

	memset(bytes, fill, sizeof(bytes));
	assert_int_equal(tier_put(tier, STEP, &record, &budget), 0);
}

/* Each record is of its second's fill, and they are in order. */
static uint32_t walk(const struct tier *tier, uint8_t (*fill)(uint32_t second))
{
	struct tier_at at = { 0 };
	uint32_t count = 0, before = 0;

	while (tier_next(tier, STEP, &at)) {
		assert_true(at.second > before);
		before = at.second;
		for (uint32_t i = 0; i < at.size; i++)
			assert_int_equal(at.packed[i], fill(at.second));
		count++;
	}
	assert_int_equal(count, tier->count);
	if (count) {
		assert_int_equal(before, tier->last);
		assert_true(tier_last(tier, &at));
		assert_int_equal(at.packed[0], fill(at.second));
	}
	return count;
}

static uint8_t plain(uint32_t second)
{
	return (uint8_t)(second / STEP);
}

static void records_come_back_in_order_however_they_came(void **state)
{
	static const uint32_t order[] = { 500, 5000, 400, 410, 4990, 90000, 450, 480, 460 };
	struct tier tier = { 0 };

	(void)state;
	budget = (struct series_budget){ .limit = 100000 };
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		put(&tier, order[i], plain(order[i]), (uint32_t)(1 + i * 40));
		assert_int_equal(walk(&tier, plain), i + 1);
	}
	assert_int_equal(tier.first, 400);
	tier_fini(&tier, &budget);
	assert_int_equal(budget.used, 0);
}

static void a_second_that_is_put_again_is_replaced(void **state)
{
	struct tier tier = { 0 };
	struct tier_at at;

	(void)state;
	budget = (struct series_budget){ .limit = 100000 };
	for (uint32_t s = 100; s < 200; s += STEP)
		put(&tier, s, 1, 3);
	put(&tier, 190, plain(190), 200); /* the last one, longer */
	put(&tier, 190, plain(190), 1);
	for (uint32_t s = 100; s < 190; s += STEP)
		put(&tier, s, plain(s), s % 40 + 1);
	assert_int_equal(walk(&tier, plain), 10);
	assert_true(tier_find(&tier, STEP, 150, &at));
	assert_int_equal(at.size, 31);
	assert_false(tier_find(&tier, STEP, 200, &at));
	assert_false(tier_find(&tier, STEP, 90, &at));
	tier_fini(&tier, &budget);
}

static void what_is_dropped_makes_room_for_what_comes(void **state)
{
	struct tier tier = { 0 };
	uint32_t capacity = 0;

	(void)state;
	budget = (struct series_budget){ .limit = 100000 };
	for (uint32_t i = 1; i <= 5000; i++) {
		put(&tier, i * STEP, plain(i * STEP), 20);
		if (i > 300)
			assert_int_equal(tier_drop(&tier, STEP, (i - 99) * STEP, &budget),
					 i == 301 ? 201 : 1);
		if (i == 1000)
			capacity = tier.capacity;
	}
	assert_int_equal(tier.capacity, capacity); /* it does not grow for ever */
	assert_int_equal(walk(&tier, plain), 100);
	assert_int_equal(tier_drop(&tier, STEP, 4905 * STEP, &budget), 4);
	put(&tier, 4990 * STEP, plain(4990 * STEP), 60);
	assert_int_equal(walk(&tier, plain), 96);
	assert_int_equal(tier_drop(&tier, STEP, 90000, &budget), 96);
	assert_int_equal(walk(&tier, plain), 0);
	assert_int_equal(budget.used, 0);
}

/* A look from a second on finds what a look from the first record on finds there. */
static void check_seek(const struct tier *tier, uint32_t second)
{
	struct tier_at truth = { 0 }, at;
	bool is_there, found;

	while ((is_there = tier_next(tier, STEP, &truth)) && truth.second < second)
		;
	tier_seek(tier, STEP, second, &at);
	while ((found = tier_next(tier, STEP, &at)) && at.second < second)
		;
	assert_int_equal(found, is_there);
	if (!found)
		return;
	assert_int_equal(at.second, truth.second);
	assert_ptr_equal(at.packed, truth.packed);
}

static void a_second_is_found_whatever_came_before_it(void **state)
{
	uint64_t seed = 88172645463325252u;
	struct tier tier = { 0 };

	(void)state;
	budget = (struct series_budget){ .limit = 1000000 };
	for (uint32_t i = 1; i <= 6000; i++) {
		uint32_t newest = 1000 + i / 2, second;

		seed = seed * UINT64_C(6364136223846793005) + 1;
		second = newest - (i % 50 || i / 1500 % 2 ? 0 : (uint32_t)(seed >> 40) % 700);
		put(&tier, second * STEP, plain(second * STEP), 1 + (uint32_t)(seed >> 50) % 60);
		if (i % 400 == 0)
			tier_drop(&tier, STEP, (newest - 600) * STEP, &budget);
		for (int k = 0; k < 3; k++) {
			seed = seed * UINT64_C(6364136223846793005) + 1;
			check_seek(&tier, (newest - (uint32_t)(seed >> 40) % 1200) * STEP);
		}
		check_seek(&tier, newest * STEP + 1);
	}
	assert_true(walk(&tier, plain) > 500);
	tier_fini(&tier, &budget);
}

/* Most of what is before is passed over: else the marks would not be worth their bytes. */
static void a_look_from_a_second_on_is_short(void **state)
{
	struct tier tier = { 0 };
	struct tier_at at;
	uint32_t looks = 0;

	(void)state;
	budget = (struct series_budget){ .limit = 1000000 };
	for (uint32_t i = 0; i < 720; i++)
		put(&tier, (1000 + i) * STEP, plain((1000 + i) * STEP), 9);
	tier_seek(&tier, STEP, 1700 * STEP, &at);
	while (tier_next(&tier, STEP, &at) && at.second < 1700 * STEP)
		looks++;
	assert_true(looks < TIER_MARK_STEPS);
	tier_fini(&tier, &budget);
}

static void a_spent_budget_changes_nothing(void **state)
{
	uint8_t bytes[64] = { 0 };
	const struct tier_at more = { .second = 90000, .size = sizeof(bytes), .packed = bytes };
	const struct tier_at between = { .second = 110, .size = sizeof(bytes), .packed = bytes };
	struct tier tier = { 0 };

	(void)state;
	budget = (struct series_budget){ .limit = 100000 };
	for (uint32_t s = 100; s < 1000; s += 2 * STEP)
		put(&tier, s, plain(s), 20);
	budget.limit = budget.used;
	tier.capacity = tier.end; /* full */
	assert_int_equal(tier_put(&tier, STEP, &more, &budget), -ENOSPC);
	assert_int_equal(tier_put(&tier, STEP, &between, &budget), -ENOSPC);
	assert_int_equal(walk(&tier, plain), 45);
	free(tier.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_come_back_in_order_however_they_came),
		cmocka_unit_test(a_second_that_is_put_again_is_replaced),
		cmocka_unit_test(what_is_dropped_makes_room_for_what_comes),
		cmocka_unit_test(a_second_is_found_whatever_came_before_it),
		cmocka_unit_test(a_look_from_a_second_on_is_short),
		cmocka_unit_test(a_spent_budget_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
