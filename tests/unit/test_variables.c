#include "variables.h"

#include "rs_test.h"

#include <string.h>

#define SCGI                                                                                       \
	"CONTENT_LENGTH\0"                                                                         \
	"0\0SCGI\0"                                                                                \
	"1\0REQUEST_METHOD\0POST\0REQUEST_URI\0/a/b?q=secret\0EMPTY\0\0"
#define UWSGI                                                                                      \
	"\x0e\0REQUEST_METHOD\x4\0POST\x5\0EMPTY\0\0\xb\0REQUEST_URI\xd\0/a/"                      \
	"b?q=secret\x4\0LAST\1\0x"
#define FASTCGI                                                                                    \
	"\xe\4REQUEST_METHODPOST\5\0EMPTY\xb\x80\0\0\xdREQUEST_URI/a/b?q=secret\x80\0\0\4\1LASTx"

static const struct {
	enum variables_form form;
	const char *bytes;
	size_t n;
} lists[] = {
	{ VARIABLES_SCGI, SCGI, sizeof(SCGI) - 1 },
	{ VARIABLES_UWSGI, UWSGI, sizeof(UWSGI) - 1 },
	{ VARIABLES_FASTCGI, FASTCGI, sizeof(FASTCGI) - 1 },
};

static void read_all(struct variables *v, enum variables_form form, const char *text, size_t n)
{
	variables_init(v, form);
	variables_read(v, (const uint8_t *)text, n);
}

static void every_form_tells_method_and_path_at_every_split(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3 * sizeof(SCGI); i++) {
		const char *bytes = lists[i % 3].bytes;
		size_t n = lists[i % 3].n, cut = i / 3 < n ? i / 3 : n;
		struct variables v;

		variables_init(&v, lists[i % 3].form);
		variables_read(&v, (const uint8_t *)bytes, cut);
		variables_read(&v, (const uint8_t *)bytes + cut, n - cut);
		assert_true(variables_is_whole(&v));
		assert_int_equal(variables_method(&v), RS_METHOD_POST);
		assert_int_equal(v.path_length, 4);
		assert_memory_equal(v.path, "/a/b", 4);
	}
}

static void a_list_that_is_cut_is_not_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct variables v;

		read_all(&v, lists[i].form, lists[i].bytes, lists[i].n - 1);
		assert_false(variables_is_whole(&v));
	}
}

static void a_script_is_the_path_where_no_uri_is(void **state)
{
	static const char with[] = "REQUEST_URI\0/u\0SCRIPT_NAME\0/s.php\0";
	static const char without[] = "SCRIPT_NAME\0/s.php\0REQUEST_METHOD_\0PUT\0";
	struct variables v;

	(void)state;
	read_all(&v, VARIABLES_SCGI, with, sizeof(with) - 1);
	assert_int_equal(v.path_length, 2);
	read_all(&v, VARIABLES_SCGI, without, sizeof(without) - 1);
	assert_int_equal(v.path_length, 6);
	assert_memory_equal(v.path, "/s.php", 6);
	assert_int_equal(variables_method(&v), RS_METHOD_OTHER);
}

static void what_is_too_long_is_cut(void **state)
{
	char text[600];
	struct variables v;
	size_t n = 0;

	(void)state;
	memcpy(text, "REQUEST_URI", 12);
	memset(text + 12, 'a', 300);
	text[12] = '/';
	text[312] = 0;
	n = 313;
	memcpy(text + n, "REQUEST_METHOD\0PROPFINDPROPFIND", 32);
	read_all(&v, VARIABLES_SCGI, text, n + 32);
	assert_int_equal(v.path_length, RS_PATH_BYTES);
	assert_int_equal(variables_method(&v), RS_METHOD_OTHER);
	assert_int_equal(v.method_length, VARIABLES_METHOD);
}

static void lengths_that_promise_the_most_read_to_the_end_of_input(void **state)
{
	static const char huge[] = "\xff\xff\xff\xff\xff\xff\xff\xffREQUEST_METHODGET";
	struct variables v;

	(void)state;
	read_all(&v, VARIABLES_FASTCGI, huge, sizeof(huge) - 1);
	assert_false(variables_is_whole(&v));
	assert_int_equal(v.method_length, 0);
	assert_int_equal(v.left, 0x7fffffffu - 17);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_tells_method_and_path_at_every_split),
		cmocka_unit_test(a_list_that_is_cut_is_not_whole),
		cmocka_unit_test(a_script_is_the_path_where_no_uri_is),
		cmocka_unit_test(what_is_too_long_is_cut),
		cmocka_unit_test(lengths_that_promise_the_most_read_to_the_end_of_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
