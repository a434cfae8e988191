#include "cache_control.h"

#include "http_head_fixture.h"

static char bytes[4096];
static struct http_head head;
static struct cache_control c;

static void read_lines(const char *lines)
{
	head_read_as(&head, bytes, sizeof(bytes), "HTTP/1.1 200 OK", lines);
	cache_control_read(&c, &head);
}

static void nothing_said_is_nothing(void **state)
{
	(void)state;
	read_lines("");
	assert_false(c.said || c.no_store || c.no_cache || c.is_private || c.is_public);
	assert_int_equal(c.max_age, CACHE_CONTROL_ABSENT);
	assert_int_equal(c.stale_error, CACHE_CONTROL_ABSENT);
}

static void directives_are_read_over_all_fields(void **state)
{
	(void)state;
	read_lines("Cache-Control: Max-Age=5 , PUBLIC\r\ncache-control: s-maxage=\"7\",,"
		   "must-revalidate,stale-if-error=9\r\n");
	assert_true(c.said && c.is_public && c.must_revalidate && !c.proxy_revalidate);
	assert_int_equal(c.max_age, 5);
	assert_int_equal(c.s_maxage, 7);
	assert_int_equal(c.stale_error, 9);
	read_lines("Cache-Control: no-store, no-cache, only-if-cached, proxy-revalidate, private, "
		   "min-fresh=3, stale-while-revalidate=4\r\n");
	assert_true(c.no_store && c.no_cache && c.only_if_cached && c.proxy_revalidate &&
		    c.is_private);
	assert_int_equal(c.min_fresh, 3);
	assert_int_equal(c.stale_while, 4);
}

static void what_is_of_some_fields_is_of_all(void **state)
{
	(void)state;
	read_lines("Cache-Control: private=\"Set-Cookie, max-age=9\", max-age=5\r\n");
	assert_true(c.is_private);
	assert_int_equal(c.max_age, 5);
	read_lines("Cache-Control: x=\"a\\\", no-store, b\", no-cache=\"Foo\"\r\n");
	assert_true(c.no_cache && !c.no_store); /* inside the quotes it is no directive */
}

static void what_cannot_be_read_keeps_less(void **state)
{
	static const struct {
		const char *lines;
		int64_t max_age;
	} cases[] = {
		{ "Cache-Control: max-age=x\r\n", 0 },
		{ "Cache-Control: max-age=\r\n", 0 },
		{ "Cache-Control: max-age\r\n", 0 },
		{ "Cache-Control: max-age=-1\r\n", 0 },
		{ "Cache-Control: max-age=5.5\r\n", 0 },
		{ "Cache-Control: max-age=99999999999999999999999\r\n", CACHE_CONTROL_MOST },
		{ "Cache-Control: max-age=9, max-age=5\r\n", 5 },
		{ "Cache-Control: max-age=5, max-age=9\r\n", 5 },
		{ "Cache-Control: xmax-age=5\r\n", CACHE_CONTROL_ABSENT },
		{ "Cache-Control: max-age =5\r\n", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		read_lines(cases[i].lines);
		if (c.max_age != cases[i].max_age)
			fail_msg("%s: %lld", cases[i].lines, (long long)c.max_age);
	}
	read_lines("Cache-Control: min-fresh=x\r\n");
	assert_int_equal(c.min_fresh, CACHE_CONTROL_MOST);
}

static void odd_bytes_end_it(void **state)
{
	(void)state;
	read_lines("Cache-Control: @@, =, \"x, no-store\r\n"); /* quotes that stay open */
	assert_false(c.no_store);
	read_lines("Cache-Control: @@,no-store\r\n");
	assert_true(c.no_store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_said_is_nothing),
		cmocka_unit_test(directives_are_read_over_all_fields),
		cmocka_unit_test(what_is_of_some_fields_is_of_all),
		cmocka_unit_test(what_cannot_be_read_keeps_less),
		cmocka_unit_test(odd_bytes_end_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
