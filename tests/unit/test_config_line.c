#include "config_line.h"
#include "rs_test.h"

#include <stdio.h>
#include <string.h>

static unsigned int line_of(const char *text, const char *path)
{
	return config_line(&(struct config_text){ "r", text, strlen(text) }, path);
}

static void members_and_elements_have_their_lines(void **state)
{
	static const char text[] = "{\"a\":\n {\"b\": 1,\n  \"c\": [2,\n {\"d\": 3}]}}";

	(void)state;
	assert_int_equal(line_of(text, "a"), 1);
	assert_int_equal(line_of(text, "a.b"), 2);
	assert_int_equal(line_of(text, "a.c"), 3);
	assert_int_equal(line_of(text, "a.c[0]"), 3);
	assert_int_equal(line_of(text, "a.c[1]"), 4);
	assert_int_equal(line_of(text, "a.c[1].d"), 4);
	assert_int_equal(line_of(text, "d"), 1);
}

static void names_inside_strings_and_lists_are_no_members(void **state)
{
	(void)state;
	assert_int_equal(line_of("{\"log\": {\"x\": [\"run_dir\", \"a\\\"run_dir\\\": \"]},\n"
				 "\"run_dir\" : 1}",
				 "run_dir"),
			 2);
}

/* One that is found nowhere: the scan goes all the way down and up again. */
static void what_is_deeper_than_any_key_is_passed_safely(void **state)
{
	enum { DEPTH = 500 };
	char text[DEPTH * 16];
	size_t n = 0;

	(void)state;
	for (int i = 0; i < DEPTH; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "{\"k%d\":\n", i);
	text[n++] = '1';
	memset(text + n, '}', DEPTH);
	n += DEPTH;
	text[n] = '\0';
	assert_int_equal(line_of(text, "none"), 1);
	assert_int_equal(line_of(text, "k0.k1.k2"), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_and_elements_have_their_lines),
		cmocka_unit_test(names_inside_strings_and_lists_are_no_members),
		cmocka_unit_test(what_is_deeper_than_any_key_is_passed_safely),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
