#include "glob.h"

#include "rs_test.h"

#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool matches(const char *pattern, size_t length, const char *key, size_t key_length)
{
	struct glob *g;
	bool does;

	assert_int_equal(glob_open(&g, pattern, length), 0);
	does = glob_matches(g, key, key_length);
	glob_close(g);
	return does;
}

static bool text_matches(const char *pattern, const char *key)
{
	return matches(pattern, strlen(pattern), key, strlen(key));
}

static void stars_and_question_marks_are_all_there_is(void **state)
{
	static const struct {
		const char *pattern, *key;
		bool does;
	} cases[] = {
		{ "leads:*", "leads:", true },
		{ "leads:*", "leads:1:x", true },
		{ "leads:*", "lead:1", false },
		{ "*", "anything", true },
		{ "**", "", true },
		{ "*", "", true },
		{ "a", "", false },
		{ "a", "a", true },
		{ "a", "ab", false },
		{ "ab", "a", false },
		{ "a?c", "abc", true },
		{ "a?c", "ac", false },
		{ "*b*", "abc", true },
		{ "*b", "abc", false },
		{ "a*c*e", "abcde", true },
		{ "a*c*e", "abdce", true },
		{ "a*c*e", "abde", false },
		{ "*aab", "aaaaab", true },
		{ "[a-z]", "b", false },
		{ "[a-z]", "[a-z]", true },
		{ "[", "[", true },
		{ "\\*", "*", true },
		{ "\\*", "x", false },
		{ "\\?x", "?x", true },
		{ "\\?x", "ax", false },
		{ "\\\\", "\\", true },
		{ "a\\", "a\\", true }, /* there is nothing that it could quote */
		{ "\\[", "[", true },
		{ "\\\\*", "\\abc", true },
		{ "{a,b}", "a", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (text_matches(cases[i].pattern, cases[i].key) != cases[i].does)
			fail_msg("%s over %s", cases[i].pattern, cases[i].key);
}

static void keys_are_bytes(void **state)
{
	(void)state;
	assert_true(matches("a*\0b", 4, "a\xff\0\0b", 5));
	assert_false(matches("a*\0b", 4, "a\xff\0b\0", 5));
	assert_true(matches("a?b", 3, "a\0b", 3));
	assert_true(matches("\xff*", 2, "\xff\xfe", 2));
}

static void a_pattern_has_its_length(void **state)
{
	char pattern[GLOB_BYTES + 1], key[GLOB_BYTES];
	struct glob *g;

	(void)state;
	memset(pattern, 'a', sizeof(pattern));
	memset(key, 'a', sizeof(key));
	assert_int_equal(glob_open(&g, pattern, sizeof(pattern)), -EINVAL);
	assert_int_equal(glob_open(&g, pattern, 0), -EINVAL);
	assert_true(matches(pattern, GLOB_BYTES, key, GLOB_BYTES));
	assert_false(matches(pattern, GLOB_BYTES, key, GLOB_BYTES - 1));
	for (size_t n = 60; n < 70; n++) { /* around the end of a word */
		assert_true(matches(pattern, n, key, n));
		assert_false(matches(pattern, n, key, n + 1));
	}
	glob_close(NULL);
}

/* What patterns of another kind do: the agent's own globs over texts. */
static void it_says_what_the_agents_other_globs_say(void **state)
{
	static const char letters[] = "ab*?\\";
	char pattern[8], key[10];

	(void)state;
	srand(7); /* NOLINT(cert-msc51-cpp): the same each time */
	for (int i = 0; i < 200000; i++) {
		size_t n = 1 + (size_t)rand() % 6, m = (size_t)rand() % 9;

		for (size_t k = 0; k < n; k++)
			pattern[k] = letters[rand() % 5];
		for (size_t k = 0; k < m; k++)
			key[k] = letters[rand() % 2 ? 4 * (rand() % 2) : rand() % 2];
		pattern[n] = key[m] = '\0';
		if (text_matches(pattern, key) != text_glob(pattern, key))
			fail_msg("%s over %s", pattern, key);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stars_and_question_marks_are_all_there_is),
		cmocka_unit_test(keys_are_bytes),
		cmocka_unit_test(a_pattern_has_its_length),
		cmocka_unit_test(it_says_what_the_agents_other_globs_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
