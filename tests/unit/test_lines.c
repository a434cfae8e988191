#include "lines.h"
#include "rs_test.h"

#include <stdlib.h>

static void became(char *text, const char *wanted)
{
	assert_non_null(text);
	assert_string_equal(text, wanted);
	free(text);
}

static void a_line_is_added_once_at_the_end(void **state)
{
	(void)state;
	became(lines_with(NULL, "shop"), "shop\n");
	became(lines_with("", "shop"), "shop\n");
	became(lines_with("# mine\nbank", "shop"), "# mine\nbank\nshop\n");
	became(lines_with("bank\n  shop \nx\n", "shop"), "bank\n  shop \nx\n");
	became(lines_with("#shop\n", "shop"), "#shop\nshop\n");
}

static void only_that_line_is_taken_away(void **state)
{
	(void)state;
	became(lines_without("# mine\nbank\n shop\nshopping\nshop", "shop"),
	       "# mine\nbank\nshopping\n");
	became(lines_without("bank\n\nx", "shop"), "bank\n\nx");
	became(lines_without("#shop\n", "#shop"), "#shop\n");
	became(lines_without(NULL, "shop"), "");
}

static void a_line_is_found_without_its_blanks(void **state)
{
	(void)state;
	assert_true(lines_have("a\n\tshop\r\n", "shop"));
	assert_false(lines_have("a\nshopping\n", "shop"));
	assert_false(lines_have("# shop\n", "# shop"));
	assert_false(lines_have(NULL, "shop"));
}

static void what_cannot_be_a_line_is_told(void **state)
{
	char longest[257];

	(void)state;
	assert_true(lines_good("/usr/bin/node*"));
	assert_true(lines_good("my shop"));
	assert_false(lines_good(""));
	assert_false(lines_good("#x"));
	assert_false(lines_good(" x"));
	assert_false(lines_good("x\t"));
	assert_false(lines_good("a\nb"));
	assert_false(lines_good("caf\xc3\xa9"));
	for (int i = 0; i < 256; i++)
		longest[i] = 'x';
	longest[256] = '\0';
	assert_false(lines_good(longest));
	assert_true(lines_good(longest + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_added_once_at_the_end),
		cmocka_unit_test(only_that_line_is_taken_away),
		cmocka_unit_test(a_line_is_found_without_its_blanks),
		cmocka_unit_test(what_cannot_be_a_line_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
