#include "rs_test.h"
#include "table.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct table_column test_columns[] = { { "N", true }, { "NAME", false } };

static void test_printed(const struct table *t, const char *expected)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	assert_non_null(file);
	assert_int_equal(table_print(t, file), 0);
	fclose(file);
	assert_string_equal(text, expected);
	free(text);
}

static void columns_are_as_wide_as_their_widest_cell(void **state)
{
	struct table t;

	(void)state;
	table_init(&t, test_columns, 2);
	table_number(&t, 7, 0);
	table_text(&t, "a");
	table_number(&t, 12345.678, 1);
	table_text(&t, "longer name");
	test_printed(&t, "      N  NAME\n"
			 "      7  a\n"
			 "12345.7  longer name\n");
	table_fini(&t);
}

static void unknown_is_a_dash_and_never_zero(void **state)
{
	struct table t;

	(void)state;
	table_init(&t, test_columns, 2);
	table_number(&t, NAN, 2);
	table_text(&t, NULL);
	table_bytes(&t, NAN);
	table_text(&t, "");
	test_printed(&t, "N  NAME\n-  -\n-  -\n");
	table_fini(&t);
}

static void bytes_take_the_unit_that_reads_best(void **state)
{
	struct table t;

	(void)state;
	table_init(&t, test_columns, 2);
	table_bytes(&t, 0);
	table_bytes(&t, 1023);
	table_bytes(&t, 1024);
	table_bytes(&t, 12.3 * 1048576);
	test_printed(&t, "   N  NAME\n"
			 "  0B  1023B\n"
			 "1.0K  12.3M\n");
	table_fini(&t);
}

static void bytes_that_a_terminal_obeys_are_not_printed(void **state)
{
	struct table t;

	(void)state;
	table_init(&t, test_columns, 2);
	table_text(&t, "\033[2J");
	table_text(&t, "a\xc3\xa4\n");
	test_printed(&t, "   N  NAME\n?[2J  a???\n");
	table_fini(&t);
}

static void many_rows_and_half_a_row_are_borne(void **state)
{
	struct table t;

	(void)state;
	table_init(&t, test_columns, 2);
	for (int i = 0; i < 1001; i++)
		table_number(&t, i, 0);
	assert_int_equal(t.count, 1001);
	assert_string_equal(t.cells[1000], "1000");
	table_fini(&t);
	t.failed = true;
	assert_int_equal(table_print(&t, stdout), -ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
		cmocka_unit_test(unknown_is_a_dash_and_never_zero),
		cmocka_unit_test(bytes_take_the_unit_that_reads_best),
		cmocka_unit_test(bytes_that_a_terminal_obeys_are_not_printed),
		cmocka_unit_test(many_rows_and_half_a_row_are_borne),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
