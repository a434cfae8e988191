#include "arguments.h"
#include "rs_test.h"

#include <stdlib.h>
#include <string.h>

enum { TEST_JSON, TEST_NAME };

static const struct arguments test_arguments = {
	.verb = "look",
	.usage = "[OPTION]... THING",
	.about = "Looks.\n",
	.options = { { "json", NULL, "as JSON" }, { "name", "NAME", "its name" } },
};

static char test_words[16][64]; /* values point in here */

/* Standard error and output of one reading, in one text; the result in *result. */
static void test_read(const char *const *words, const char **values, int *result, char *said,
		      size_t size)
{
	FILE *file = tmpfile(), *err = stderr, *out = stdout;
	char *argv[17] = { NULL };
	int argc = 0;
	size_t n;

	assert_non_null(file);
	for (; words[argc]; argc++) {
		snprintf(test_words[argc], sizeof(test_words[argc]), "%s", words[argc]);
		argv[argc] = test_words[argc];
	}
	stderr = stdout = file;
	*result = arguments_read(&test_arguments, argc, argv, values);
	stderr = err;
	stdout = out;
	rewind(file);
	n = fread(said, 1, size - 1, file);
	said[n] = '\0';
	fclose(file);
}

static void options_end_at_the_first_word_that_is_none(void **state)
{
	const char *argv[] = {
		"look", "--json", "--name", "a b", "thing", "--name", "other", NULL
	};
	const char *values[ARGUMENTS_MAX];
	char said[1024];
	int result;

	(void)state;
	test_read(argv, values, &result, said, sizeof(said));
	assert_int_equal(result, 4);
	assert_string_equal(values[TEST_JSON], "");
	assert_string_equal(values[TEST_NAME], "a b");
	assert_string_equal(said, "");
}

static void two_dashes_end_the_options_and_are_skipped(void **state)
{
	const char *argv[] = { "look", "--", "--json", NULL };
	const char *values[ARGUMENTS_MAX];
	char said[1024];
	int result;

	(void)state;
	test_read(argv, values, &result, said, sizeof(said));
	assert_int_equal(result, 2);
	assert_null(values[TEST_JSON]);
	assert_null(values[TEST_NAME]);
}

static void value_behind_an_equals_sign_is_taken(void **state)
{
	const char *argv[] = { "look", "--name=", "--name=x=y", NULL };
	const char *values[ARGUMENTS_MAX];
	char said[1024];
	int result;

	(void)state;
	test_read(argv, values, &result, said, sizeof(said));
	assert_int_equal(result, 3);
	assert_string_equal(values[TEST_NAME], "x=y");
}

static void each_mistake_has_its_own_sentence(void **state)
{
	static const struct {
		const char *word;
		const char *said;
	} mistakes[] = {
		{ "--nmae=3", "ringside look: unknown option '--nmae'; did you mean --name?\n" },
		{ "--zzzzzz",
		  "ringside look: unknown option '--zzzzzz'; see ringside look --help\n" },
		{ "-j", "ringside look: unknown option '-j'; see ringside look --help\n" },
		{ "--name", "ringside look: option '--name' needs a value\n" },
		{ "--json=1", "ringside look: option '--json' takes no value\n" },
		{ "--help=1", "ringside look: option '--help' takes no value\n" },
	};
	const char *values[ARGUMENTS_MAX];
	char said[1024];
	int result;

	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		const char *argv[] = { "look", mistakes[i].word, NULL };

		test_read(argv, values, &result, said, sizeof(said));
		assert_int_equal(result, ARGUMENTS_WRONG);
		assert_string_equal(said, mistakes[i].said);
	}
}

static void help_names_every_option(void **state)
{
	const char *argv[] = { "look", "--help", NULL };
	const char *values[ARGUMENTS_MAX];
	char said[1024];
	int result;

	(void)state;
	test_read(argv, values, &result, said, sizeof(said));
	assert_int_equal(result, ARGUMENTS_HELP);
	assert_non_null(strstr(said, "usage: ringside look [OPTION]... THING\n\nLooks.\n"));
	assert_non_null(strstr(said, "--json "));
	assert_non_null(strstr(said, "--name NAME "));
	assert_non_null(strstr(said, "--help "));
}

static void nearest_is_a_slip_and_never_another_word(void **state)
{
	static const char *const names[] = { "run", "ps", "doctor", NULL };

	(void)state;
	assert_string_equal(arguments_nearest("rnu", names), "run");
	assert_string_equal(arguments_nearest("docter", names), "doctor");
	assert_null(arguments_nearest("xy", names));
	assert_null(arguments_nearest("attach", names));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_end_at_the_first_word_that_is_none),
		cmocka_unit_test(two_dashes_end_the_options_and_are_skipped),
		cmocka_unit_test(value_behind_an_equals_sign_is_taken),
		cmocka_unit_test(each_mistake_has_its_own_sentence),
		cmocka_unit_test(help_names_every_option),
		cmocka_unit_test(nearest_is_a_slip_and_never_another_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
