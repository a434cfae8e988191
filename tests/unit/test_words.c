#include "words.h"

#include "rs_test.h"

#include <stdio.h>
#include <string.h>

/* What a text says, a word in brackets and a bar for the line's end, however it is cut. */
static void says(const char *text, const char *expected)
{
	size_t n = strlen(text);

	for (size_t cut = 0; cut <= n; cut++) {
		const uint8_t *at = (const uint8_t *)text;
		const uint8_t *ends[] = { at + cut, at + n };
		char told[256] = "";
		struct words w;

		words_init(&w);
		for (int i = 0; i < 2; i++) {
			enum words_event event;

			while ((event = words_next(&w, &at, ends[i])) != WORDS_MORE) {
				size_t done = strlen(told);

				if (event == WORDS_LINE)
					snprintf(told + done, sizeof(told) - done, "|%u:%u",
						 w.number, w.bytes);
				else
					snprintf(told + done, sizeof(told) - done, "[%.*s]",
						 w.length < WORDS_KEPT ? (int)w.length : 3,
						 (const char *)w.word);
				if (event == WORDS_LINE)
					words_init(&w);
			}
		}
		assert_string_equal(told, expected);
	}
}

static void a_line_is_its_words(void **state)
{
	(void)state;
	says("get k\r\n", "[get][k]|2:7");
	says("  a   b \n", "[a][b]|2:9");
	says("\r\na\r\n", "|0:2[a]|1:3");
	says("abcdefghijklmnopqrstuvwxyz x\n", "[abc][x]|2:29");
	says("unfinished", "");
}

static struct words word(const char *text)
{
	const uint8_t *at = (const uint8_t *)text;
	struct words w;

	words_init(&w);
	words_next(&w, &at, at + strlen(text));
	return w;
}

static void a_word_is_compared_as_a_whole(void **state)
{
	const struct words w = word("END ");

	(void)state;
	assert_true(words_are(&w, "END"));
	assert_false(words_are(&w, "EN"));
	assert_false(words_are(&w, "ENDS"));
}

static void a_number_is_all_digits_and_fits(void **state)
{
	struct words w = word("1048576 ");
	uint64_t n;

	(void)state;
	assert_true(words_count(&w, &n));
	assert_int_equal(n, 1048576);
	w = word("-1 ");
	assert_false(words_count(&w, &n));
	w = word("1x ");
	assert_false(words_count(&w, &n));
	w = word("99999999999999999999 ");
	assert_false(words_count(&w, &n));
	w = word(" \n");
	assert_false(words_count(&w, &n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_its_words),
		cmocka_unit_test(a_word_is_compared_as_a_whole),
		cmocka_unit_test(a_number_is_all_digits_and_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
