#include "asset.h"

#include "rs_test.h"

#include <string.h>

static void the_description_is_whole_and_of_this_version(void **state)
{
	struct body *b;

	(void)state;
	assert_int_equal(asset_openapi_open(&b), 0);
	assert_true(b->length > 10000);
	assert_memory_equal(b->bytes, "{\n", 2);
	assert_memory_equal(b->bytes + b->length - 3, "\n}\n", 3);
	assert_non_null(memmem(b->bytes, b->length, "\"openapi\": \"3.1.0\"", 18));
	assert_non_null(memmem(b->bytes, b->length, "\"version\": \"" RS_VERSION "\"",
			       strlen("\"version\": \"" RS_VERSION "\"")));
	assert_null(memchr(b->bytes, '\0', b->length));
	body_put(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_description_is_whole_and_of_this_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
