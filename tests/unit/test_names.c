#include "names.h"
#include "rs_test.h"

#include <stdio.h>
#include <string.h>

static struct names n;

static int setup(void **state)
{
	(void)state;
	memset(&n, 0, sizeof(n));
	return 0;
}

static void add(const char *name)
{
	names_add(&n, (const uint8_t *)name, (uint32_t)strlen(name));
}

static void a_name_has_one_row(void **state)
{
	(void)state;
	add("a.example");
	add("A.Example.");
	add("b.example");
	assert_int_equal(n.count, 2);
	assert_string_equal(n.rows[0].text, "a.example");
	assert_int_equal(n.rows[0].count, 2);
	assert_int_equal(n.rows[1].count, 1);
	assert_int_equal(n.other, 0);
}

static void what_is_no_name_is_other(void **state)
{
	(void)state;
	add("");
	add("no name");
	names_add(&n, (const uint8_t *)"a\0b", 3);
	assert_int_equal(n.count, 0);
	assert_int_equal(n.other, 3);
}

static void beyond_the_most_all_is_other(void **state)
{
	char name[16];

	(void)state;
	for (unsigned int turn = 0; turn < 2; turn++) {
		for (unsigned int i = 0; i < NAMES_MOST + 5; i++) {
			snprintf(name, sizeof(name), "h%u.example", i);
			add(name);
		}
	}
	assert_int_equal(n.count, NAMES_MOST);
	assert_int_equal(n.rows[NAMES_MOST - 1].count, 2);
	assert_int_equal(n.other, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_name_has_one_row, setup),
		cmocka_unit_test_setup(what_is_no_name_is_other, setup),
		cmocka_unit_test_setup(beyond_the_most_all_is_other, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
