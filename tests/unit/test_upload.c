#include "upload.h"

#include "rs_test.h"

#include <string.h>

static void a_body_is_put_together_from_its_pieces(void **state)
{
	struct upload *u = upload_open("/a?b=c");

	(void)state;
	u->limit = 8;
	assert_string_equal(u->target, "/a?b=c");
	assert_null(u->body);
	assert_true(upload_take(u, "ab", 2));
	assert_true(upload_take(u, "cdef", 4));
	assert_int_equal(u->length, 6);
	assert_memory_equal(u->body, "abcdef", 6);
	upload_close(u);
	upload_close(NULL);
}

static void what_is_too_long_is_counted_and_not_kept(void **state)
{
	struct upload *u = upload_open("/");

	(void)state;
	u->limit = 8;
	assert_true(upload_take(u, "12345678", 8));
	assert_int_equal(u->length, 8);
	assert_true(upload_take(u, "9", 1));
	assert_null(u->body);
	assert_int_equal(u->length, 0);
	assert_true(upload_take(u, "0", 1));
	assert_null(u->body);
	assert_int_equal(u->received, 10);
	upload_close(u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_body_is_put_together_from_its_pieces),
		cmocka_unit_test(what_is_too_long_is_counted_and_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
