#include "header.h"
#include "rs_test.h"

#include <string.h>

static void says(struct header *h, const char *name, const char *value)
{
	const struct hpack_field field = { .name = (const uint8_t *)name,
					   .value = (const uint8_t *)value,
					   .name_bytes = strlen(name),
					   .value_bytes = strlen(value) };

	header_field(h, &field);
}

static void a_path_is_taken_without_its_query(void **state)
{
	struct header h = { 0 };

	(void)state;
	says(&h, ":path", "/a/b?c=d");
	assert_int_equal(h.path_bytes, 4);
	assert_memory_equal(h.path, "/a/b", 4);
	says(&h, ":path", "aaaa"); /* filler */
	assert_int_equal(h.path_bytes, 4);
}

static void a_long_path_is_cut(void **state)
{
	char text[2 * RS_PATH_BYTES];
	struct header h = { 0 };

	(void)state;
	memset(text, 'x', sizeof(text));
	text[0] = '/';
	text[sizeof(text) - 1] = '\0';
	says(&h, ":path", text);
	assert_int_equal(h.path_bytes, RS_PATH_BYTES);
}

static void methods_go_by_their_names(void **state)
{
	struct header h = { 0 };

	(void)state;
	says(&h, ":method", "PATCH");
	assert_int_equal(h.method, RS_METHOD_PATCH);
	says(&h, ":method", "PATCHES");
	assert_int_equal(h.method, RS_METHOD_OTHER);
}

static void what_it_carries_makes_it_grpc(void **state)
{
	struct header h = { 0 };

	(void)state;
	says(&h, "content-type", "application/json");
	assert_false(h.grpc);
	says(&h, "content-type", "application/grpc+proto");
	assert_true(h.grpc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_is_taken_without_its_query),
		cmocka_unit_test(a_long_path_is_cut),
		cmocka_unit_test(methods_go_by_their_names),
		cmocka_unit_test(what_it_carries_makes_it_grpc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
