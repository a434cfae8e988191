#include "moment.h"
#include "rs_test.h"

#include <errno.h>
#include <string.h>
#include <time.h>

static void a_moment_is_written_with_milliseconds_and_z(void **state)
{
	char text[MOMENT_TEXT];

	(void)state;
	moment_format(1768473000000, text);
	assert_string_equal(text, "2026-01-15T10:30:00.000Z");
	moment_format(7, text);
	assert_string_equal(text, "1970-01-01T00:00:00.007Z");
}

static void moments_before_1970_keep_their_milliseconds(void **state)
{
	char text[MOMENT_TEXT];

	(void)state;
	moment_format(-1, text);
	assert_string_equal(text, "1969-12-31T23:59:59.999Z");
	moment_format(-1000, text);
	assert_string_equal(text, "1969-12-31T23:59:59.000Z");
}

static void no_moment_overruns_its_text(void **state)
{
	char text[MOMENT_TEXT];

	(void)state;
	moment_format(INT64_MAX, text);
	assert_true(strlen(text) < MOMENT_TEXT);
	moment_format(INT64_MIN + 1000, text);
	assert_true(strlen(text) < MOMENT_TEXT);
}

static void what_was_written_is_read_again(void **state)
{
	static const int64_t moments[] = { 0, 1768473000123, 951782400000, 4102444799999 };
	char text[MOMENT_TEXT];
	int64_t again;

	(void)state;
	for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
		moment_format(moments[i], text);
		assert_int_equal(moment_parse(text, &again), 0);
		assert_int_equal(again, moments[i]);
	}
}

static void forms_that_people_and_programs_write_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
		{ "2026-01-15T10:30:00Z", 1768473000000 },
		{ "2026-01-15T10:30Z", 1768473000000 },
		{ "2026-01-15T12:30:00+02:00", 1768473000000 },
		{ "2026-01-15T12:30:00 02:00", 1768473000000 }, /* a + that a query decoded */
		{ "2026-01-15T05:00:00.5-05:30", 1768473000500 },
		{ "2026-01-15T10:30:00.123456789Z", 1768473000123 },
		{ "1768473000", 1768473000000 },
		{ "1768473000.25", 1768473000250 },
		{ "0", 0 },
	};
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(moment_parse(good[i].text, &ms), 0);
		assert_int_equal(ms, good[i].ms);
	}
}

static void what_is_no_moment_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"now",
		"-1",
		"1.2.3",
		"999999999999",
		"2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z",
		"2026-01-32T00:00:00Z",
		"2026-01-15 10:30:00Z",
		"2026-01-15T24:00:00Z",
		"2026-01-15T10:60:00Z",
		"2026-01-15T10:30:61Z",
		"2026-01-15T10:30:00",
		"2026-01-15T10:30:00ZZ",
		"2026-01-15T10:30:00+2:00",
		"2026-01-15T10:30:00+24:00",
		"2026-01-15T10:30:00+02:60",
		"1899-01-15T10:30:00Z",
		"2026-1-15T10:30:00Z",
	};
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(moment_parse(bad[i], &ms), -EINVAL);
}

static void the_clocks_are_those_of_the_kernel(void **state)
{
	struct timespec before, after;
	uint64_t ns;
	int64_t ms;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &before);
	ns = moment_monotonic_ns();
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_in_range(ns, (uint64_t)before.tv_sec * 1000000000u + (uint64_t)before.tv_nsec,
			(uint64_t)after.tv_sec * 1000000000u + (uint64_t)after.tv_nsec);
	clock_gettime(CLOCK_BOOTTIME, &before);
	ns = moment_boot_ns();
	clock_gettime(CLOCK_BOOTTIME, &after);
	assert_in_range(ns, (uint64_t)before.tv_sec * 1000000000u + (uint64_t)before.tv_nsec,
			(uint64_t)after.tv_sec * 1000000000u + (uint64_t)after.tv_nsec);
	ms = (int64_t)time(NULL) * 1000;
	assert_in_range(moment_wall_ms(), ms - 60000, ms + 60000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_moment_is_written_with_milliseconds_and_z),
		cmocka_unit_test(moments_before_1970_keep_their_milliseconds),
		cmocka_unit_test(no_moment_overruns_its_text),
		cmocka_unit_test(what_was_written_is_read_again),
		cmocka_unit_test(forms_that_people_and_programs_write_are_read),
		cmocka_unit_test(what_is_no_moment_is_refused),
		cmocka_unit_test(the_clocks_are_those_of_the_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
