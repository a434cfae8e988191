#include "../../agent/metrics/leaf.c" /* white box: keys of one place are looked for */

#include "metrics_fixture.h"

#define BUDGET (8u * 1024 * 1024)

struct tree {
	struct series_budget budget;
	struct account_book book;
	struct process process;
	struct route route;
	struct leaves leaves;
};

static void tree_init(struct tree *t)
{
	memset(t, 0, sizeof(*t));
	t->budget.limit = BUDGET;
}

static void tree_fini(struct tree *t)
{
	leaf_roll(&t->leaves, &t->book);
	account_merge(&t->book, 1000, &t->budget);
	series_fini(&t->process.account.series, &t->budget);
	series_fini(&t->route.account.series, &t->budget);
	series_budget_fini(&t->budget);
	account_book_fini(&t->book);
}

static struct leaf *opened(struct tree *t, uint64_t key, uint32_t second)
{
	struct leaf *leaf = leaf_open(&t->leaves, &t->book, key, second);

	assert_non_null(leaf);
	leaf->process = &t->process;
	leaf->route = &t->route;
	leaf->slot->sums.count = 1;
	leaf->slot->sums.bytes_in = 40;
	leaf->slot->sums.errors = 1;
	leaf->slot->sums.min_ns = leaf->slot->sums.max_ns = 1000 * key;
	slot_bucket_add(leaf->slot, (uint32_t)key % RS_HIST_SLOTS, 1);
	return leaf;
}

static uint64_t counted(const struct slot *slot)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < RS_HIST_SLOTS; i++)
		sum += slot->buckets[i];
	return sum;
}

/* Keys that begin at the same place. */
static void keys_of_one_place(uint64_t *keys, uint32_t n)
{
	uint32_t found = 1;

	keys[0] = 1;
	for (uint64_t key = 2; found < n; key++) {
		if (leaf_place(key) == leaf_place(1))
			keys[found++] = key;
	}
}

static void a_leaf_is_found_by_key_and_second_until_it_is_rolled(void **state)
{
	static struct tree t;
	struct leaf *leaf;

	(void)state;
	tree_init(&t);
	assert_null(leaf_find(&t.leaves, 5, 100));
	leaf = opened(&t, 5, 100);
	assert_ptr_equal(leaf_find(&t.leaves, 5, 100), leaf);
	assert_null(leaf_find(&t.leaves, 5, 101));
	assert_null(leaf_find(&t.leaves, 6, 100));
	assert_ptr_not_equal(opened(&t, 5, 101), leaf);
	assert_ptr_equal(leaf_find(&t.leaves, 5, 100), leaf);
	leaf_roll(&t.leaves, &t.book);
	assert_null(leaf_find(&t.leaves, 5, 100));
	assert_null(t.leaves.used);
	tree_fini(&t);
}

static void a_route_takes_all_of_it_and_a_process_the_detail(void **state)
{
	static struct tree t;
	const struct slot *whole, *part;

	(void)state;
	tree_init(&t);
	opened(&t, 3, 100);
	opened(&t, 9, 100);
	leaf_roll(&t.leaves, &t.book);
	whole = t.process.account.parts;
	part = t.route.account.parts;
	assert_int_equal(part->sums.count, 2);
	assert_int_equal(part->sums.recorded, 2);
	assert_int_equal(part->sums.bytes_in, 80);
	assert_int_equal(part->sums.errors, 2);
	assert_int_equal(counted(part), 2);
	/* Its own counters say how many there were. */
	assert_int_equal(whole->sums.count, 0);
	assert_int_equal(whole->sums.bytes_in, 0);
	assert_int_equal(whole->sums.recorded, 2);
	assert_int_equal(whole->sums.errors, 2);
	assert_int_equal(whole->sums.min_ns, 3000);
	assert_int_equal(whole->sums.max_ns, 9000);
	assert_int_equal(counted(whole), 2);
	assert_null(whole->next);
	assert_null(part->next);
	tree_fini(&t);
}

static void a_leaf_without_a_place_makes_one_give_way_and_nothing_is_lost(void **state)
{
	static struct tree t;
	uint64_t keys[3 * LEAF_WAYS];

	(void)state;
	tree_init(&t);
	keys_of_one_place(keys, 3 * LEAF_WAYS);
	for (uint32_t i = 0; i < 3 * LEAF_WAYS; i++) {
		struct leaf *leaf = opened(&t, keys[i], 100);

		assert_ptr_equal(leaf_find(&t.leaves, keys[i], 100), leaf);
	}
	assert_null(leaf_find(&t.leaves, keys[0], 100));
	assert_int_equal(t.route.account.parts->sums.count, 2 * LEAF_WAYS);
	leaf_roll(&t.leaves, &t.book);
	assert_int_equal(t.route.account.parts->sums.count, 3 * LEAF_WAYS);
	assert_int_equal(t.process.account.parts->sums.recorded, 3 * LEAF_WAYS);
	assert_int_equal(t.leaves.lost, 0);
	tree_fini(&t);
}

static void a_book_without_slots_rolls_all_and_counts_what_has_no_place_even_so(void **state)
{
	static struct tree t;
	uint32_t second = 0;

	(void)state;
	tree_init(&t);
	while (t.book.slots < ACCOUNT_SLOTS - 1)
		assert_non_null(account_slot(&t.book, &t.process.account, second++));
	opened(&t, 1, second - 1); /* the last slot of the book */
	/* What was in it goes to the process, whose second is there; the route has none. */
	opened(&t, 2, 3);
	assert_null(leaf_find(&t.leaves, 1, second - 1));
	assert_int_equal(t.leaves.lost, 1);
	tree_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_leaf_is_found_by_key_and_second_until_it_is_rolled),
		cmocka_unit_test(a_route_takes_all_of_it_and_a_process_the_detail),
		cmocka_unit_test(a_leaf_without_a_place_makes_one_give_way_and_nothing_is_lost),
		cmocka_unit_test(
			a_book_without_slots_rolls_all_and_counts_what_has_no_place_even_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
