#include "host.h"
#include "rs_test.h"

#include <string.h>

static const char *form(const char *name)
{
	static uint8_t out[HOST_BYTES + 1];
	size_t n = host_canonical((const uint8_t *)name, strlen(name), out);

	out[n] = 0;
	return (const char *)out;
}

static void a_name_has_one_form(void **state)
{
	(void)state;
	assert_string_equal(form("www.example.org"), "www.example.org");
	assert_string_equal(form("WWW.Example.ORG."), "www.example.org");
	assert_string_equal(form("_a-1.b"), "_a-1.b");
}

static void what_is_no_name_is_none(void **state)
{
	char longest[HOST_BYTES + 2];

	(void)state;
	assert_string_equal(form(""), "");
	assert_string_equal(form("."), "");
	assert_string_equal(form("a b"), "");
	assert_string_equal(form("a/b"), "");
	assert_string_equal(form("a\xff"), "");
	assert_string_equal(form("secret=1"), "");
	memset(longest, 'a', sizeof(longest));
	longest[HOST_BYTES + 1] = '\0';
	assert_string_equal(form(longest), "");
	assert_int_equal(strlen(form(longest + 1)), HOST_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_has_one_form),
		cmocka_unit_test(what_is_no_name_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
