#include "http_date.h"

#include "rs_test.h"

#include <string.h>

#define NOW INT64_C(1768471800) /* 2026-01-15 10:10:00 */

static int parse(const char *text, int64_t *out)
{
	const struct http_text span = { text, strlen(text) };

	return http_date_parse(&span, NOW, out);
}

static void all_three_forms_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t s;
	} dates[] = {
		{ "Sun, 06 Nov 1994 08:49:37 GMT", 784111777 },
		{ "Sunday, 06-Nov-94 08:49:37 GMT", 784111777 },
		{ "Sun Nov  6 08:49:37 1994", 784111777 },
		{ "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
		{ "Thursday, 15-Jan-26 10:10:00 GMT", NOW },
		{ "Fri, 31 Dec 9999 23:59:59 GMT", 253402300799 },
		{ "Tue, 29 Feb 2028 23:59:60 GMT", 1835481600 },
	};
	int64_t s;

	(void)state;
	for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
		if (parse(dates[i].text, &s) || s != dates[i].s)
			fail_msg("%s", dates[i].text);
	}
}

static void two_digits_are_a_year_that_is_near(void **state)
{
	int64_t s;

	(void)state;
	assert_int_equal(parse("Sunday, 06-Nov-77 00:00:00 GMT", &s), 0);
	assert_true(s < NOW); /* 1977 */
	assert_int_equal(parse("Sunday, 06-Nov-76 00:00:00 GMT", &s), 0);
	assert_true(s > NOW); /* 2076 */
}

static void what_is_none_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"0",
		"-1",
		"tomorrow",
		"Sun, 06 Nov 1994 08:49:37 UTC",
		"Sun, 06 Xyz 1994 08:49:37 GMT",
		"Sun, 00 Nov 1994 08:49:37 GMT",
		"Sun, 32 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 24:49:37 GMT",
		"Sun, 06 Nov 1994 08:60:37 GMT",
		"Sun, 06 Nov 1994 08:49:61 GMT",
		"Sun, 06 Nov 1994 08-49-37 GMT",
		"Sun  06 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1x94 08:49:37 GMT",
		"Sunday, 06 Nov 94 08:49:37 GMT",
		"Sun Nov  6 08:49:37 1x94",
		"Sun, 06 Nov 1994 08:49:37 GMT ",
	};
	int64_t s;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!parse(bad[i], &s))
			fail_msg("it takes %s", bad[i]);
}

static void it_is_written_as_it_is_read(void **state)
{
	char text[HTTP_DATE_TEXT];
	int64_t s;

	(void)state;
	http_date_format(784111777, text);
	assert_string_equal(text, "Sun, 06 Nov 1994 08:49:37 GMT");
	for (int64_t at = 0; at < INT64_C(4000000000); at += 86399 * 17) {
		http_date_format(at, text);
		assert_int_equal(parse(text, &s), 0);
		assert_int_equal(s, at);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_three_forms_are_read),
		cmocka_unit_test(two_digits_are_a_year_that_is_near),
		cmocka_unit_test(what_is_none_is_refused),
		cmocka_unit_test(it_is_written_as_it_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
