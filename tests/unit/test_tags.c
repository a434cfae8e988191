#include "tags.h"

#include "rs_test.h"

static const uint64_t key[2] = { 1, 2 };

static void a_name_leads_to_all_that_carry_it(void **state)
{
	struct tag_link a = { .owner = &a }, b = { .owner = &b }, c = { .owner = &c };
	const struct tag_link *at;
	struct tags t;

	(void)state;
	assert_int_equal(tags_open(&t, 3, key), 0);
	assert_null(tags_first(&t, "x", 1));
	assert_int_equal(tags_add(&t, "x", 1, &a), 0);
	assert_int_equal(tags_add(&t, "x", 1, &b), 0);
	assert_int_equal(tags_add(&t, "xy", 2, &c), 0);
	assert_int_equal(t.count, 2);
	at = tags_first(&t, "x", 1);
	assert_ptr_equal(at->owner, &b);
	assert_ptr_equal(at->after->owner, &a);
	assert_null(at->after->after);
	assert_ptr_equal(tags_first(&t, "xy", 2)->owner, &c);
	tags_drop(&t, &b);
	tags_drop(&t, &b); /* it is in none any more */
	assert_ptr_equal(tags_first(&t, "x", 1)->owner, &a);
	tags_drop(&t, &a);
	assert_null(tags_first(&t, "x", 1));
	assert_int_equal(t.count, 1);
	tags_drop(&t, &c);
	tags_close(&t);
}

static void names_go_with_their_last_link(void **state)
{
	struct tag_link links[200];
	struct tags t;

	(void)state;
	assert_int_equal(tags_open(&t, 1, key), 0); /* all of them in one chain */
	for (unsigned char i = 0; i < 200; i++)
		assert_int_equal(tags_add(&t, (char *)&i, 1, &links[i]), 0);
	assert_int_equal(t.count, 200);
	for (unsigned char i = 0; i < 200; i += 2)
		tags_drop(&t, &links[i]);
	for (unsigned char i = 0; i < 200; i++)
		assert_int_equal(tags_first(&t, (char *)&i, 1) != NULL, i % 2);
	for (unsigned char i = 1; i < 200; i += 2)
		tags_drop(&t, &links[i]);
	assert_int_equal(t.count, 0);
	tags_close(&t);
}

/* What was taken has nothing to do with those that are given the name later. */
static void a_name_that_was_taken_is_free_for_others(void **state)
{
	struct tag_link a = { .owner = &a }, b = { .owner = &b }, c = { .owner = &c };
	struct tag *list = NULL;
	struct tags t;

	(void)state;
	assert_int_equal(tags_open(&t, 3, key), 0);
	assert_false(tags_take(&t, "x", 1, 9, &list));
	assert_null(tags_rest(&list));
	assert_int_equal(tags_add(&t, "x", 1, &a), 0);
	assert_int_equal(tags_add(&t, "y", 1, &b), 0);
	assert_int_equal(tags_taker(&a), 0);
	assert_true(tags_take(&t, "x", 1, 9, &list));
	assert_true(tags_take(&t, "y", 1, 9, &list));
	assert_int_equal(t.count, 0);
	assert_null(tags_first(&t, "x", 1));
	assert_int_equal(tags_add(&t, "x", 1, &c), 0);
	assert_int_equal(tags_taker(&a), 9);
	assert_int_equal(tags_taker(&c), 0);
	assert_ptr_equal(tags_rest(&list), &b);
	tags_drop(&t, &b);
	assert_ptr_equal(tags_rest(&list), &a);
	tags_drop(&t, &a);
	assert_ptr_equal(tags_first(&t, "x", 1), &c);
	assert_null(tags_rest(&list));
	assert_null(list);
	tags_drop(&t, &c);
	assert_int_equal(t.count, 0);
	tags_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_leads_to_all_that_carry_it),
		cmocka_unit_test(names_go_with_their_last_link),
		cmocka_unit_test(a_name_that_was_taken_is_free_for_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
