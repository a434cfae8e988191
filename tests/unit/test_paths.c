#include "paths.h"
#include "rs_test.h"

#include <stdio.h>
#include <string.h>

static uint16_t add(struct paths *p, uint16_t *list, const char *text)
{
	return paths_add(p, list, (const uint8_t *)text, strlen(text));
}

static void a_path_is_canonical_and_good_for_one_request(void **state)
{
	struct paths p = { 0 };
	uint16_t list = 0, one, two;

	(void)state;
	one = add(&p, &list, "/a b");
	two = add(&p, &list, "/c");
	assert_true(one && two && one != two);
	assert_string_equal(paths_take(&p, &list, one), "/a%20b");
	assert_string_equal(paths_take(&p, &list, one), ""); /* it is on no list any more */
	assert_string_equal(paths_take(&p, &list, two), "/c");
	assert_string_equal(paths_take(&p, &list, 0), "");
	assert_int_equal(list, 0);
	paths_fini(&p);
}

static void a_list_that_is_dropped_makes_room(void **state)
{
	struct paths p = { 0 };
	uint16_t list = 0;

	(void)state;
	for (uint32_t i = 1; i < PATHS_MOST; i++)
		assert_true(add(&p, &list, "/x"));
	assert_int_equal(add(&p, &list, "/x"), 0); /* full */
	paths_drop(&p, &list);
	assert_int_equal(list, 0);
	assert_true(add(&p, &list, "/y"));
	paths_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_is_canonical_and_good_for_one_request),
		cmocka_unit_test(a_list_that_is_dropped_makes_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
