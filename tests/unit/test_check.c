#include "check.h"
#include "rs_test.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static struct checks checks;

static int test_setup(void **state)
{
	(void)state;
	memset(&checks, 0, sizeof(checks));
	return 0;
}

static char *test_printed(bool json)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	assert_non_null(file);
	if (json)
		assert_int_equal(check_print_json(&checks, file), 0);
	else
		check_print(&checks, file);
	fclose(file);
	return text;
}

static void lines_show_level_name_and_advice(void **state)
{
	char *text;

	(void)state;
	check_add(&checks, "kernel", CHECK_OK, NULL, "%d.%d", 6, 1);
	check_add(&checks, "user", CHECK_WARN, "make it", "none\033");
	text = test_printed(false);
	assert_string_equal(text, "ok    kernel         6.1\n"
				  "warn  user           none \n"
				  "                     → make it\n");
	free(text);
}

static void json_has_the_same_and_the_worst(void **state)
{
	char *text;

	(void)state;
	check_add(&checks, "kernel", CHECK_OK, NULL, "6.1");
	check_add(&checks, "library", CHECK_BAD, "install it", "not there");
	text = test_printed(true);
	assert_string_equal(text,
			    "{\"status\":\"bad\",\"checks\":["
			    "{\"name\":\"kernel\",\"status\":\"ok\",\"found\":\"6.1\","
			    "\"advice\":null},"
			    "{\"name\":\"library\",\"status\":\"bad\",\"found\":\"not there\","
			    "\"advice\":\"install it\"}]}\n");
	free(text);
}

static void worst_of_nothing_is_ok(void **state)
{
	(void)state;
	assert_int_equal(check_worst(&checks), CHECK_OK);
	check_add(&checks, "a", CHECK_WARN, NULL, "x");
	check_add(&checks, "b", CHECK_OK, NULL, "x");
	assert_int_equal(check_worst(&checks), CHECK_WARN);
}

static void more_than_fits_is_said(void **state)
{
	(void)state;
	for (int i = 0; i <= CHECK_MAX; i++)
		check_add(&checks, "a", CHECK_OK, NULL, "x");
	assert_int_equal(checks.count, CHECK_MAX);
	assert_int_equal(check_worst(&checks), CHECK_BAD);
	assert_non_null(strstr(checks.items[CHECK_MAX - 1].found, "more"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(lines_show_level_name_and_advice, test_setup),
		cmocka_unit_test_setup(json_has_the_same_and_the_worst, test_setup),
		cmocka_unit_test_setup(worst_of_nothing_is_ok, test_setup),
		cmocka_unit_test_setup(more_than_fits_is_said, test_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
