#include "request.h"

#include "rs_test.h"

#include <errno.h>
#include <string.h>

static void a_refusal_is_filled_and_fails(void **state)
{
	struct refusal no = { .status = 0, .field = "window" };

	(void)state;
	assert_int_equal(refuse(&no, 404, "not_seen", "%s %d", "none", 5), -EINVAL);
	assert_int_equal(no.status, 404);
	assert_string_equal(no.code, "not_seen");
	assert_string_equal(no.message, "none 5");
	assert_string_equal(no.field, "window");
}

static void a_message_that_is_too_long_is_cut(void **state)
{
	struct refusal no = { .status = 0 };
	char text[2 * sizeof(no.message)];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	refuse(&no, 400, "long", "%s", text);
	assert_int_equal(strlen(no.message), sizeof(no.message) - 1);
}

static void the_first_header_of_a_name_counts_and_a_second_host_is_noted(void **state)
{
	struct request r = { .method = "GET" };

	(void)state;
	request_header(&r, "host", "a");
	request_header(&r, "Content-TYPE", "application/json");
	request_header(&r, "if-match", "\"a\"");
	request_header(&r, "X-Other", "x");
	assert_string_equal(r.host, "a");
	assert_string_equal(r.content_type, "application/json");
	assert_false(r.host_twice);
	request_header(&r, "Host", "b");
	assert_true(r.host_twice);
	assert_string_equal(r.host, "a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refusal_is_filled_and_fails),
		cmocka_unit_test(a_message_that_is_too_long_is_cut),
		cmocka_unit_test(the_first_header_of_a_name_counts_and_a_second_host_is_noted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
