#include "../../agent/base/json.c" /* white box: the buffer that cannot grow is built by hand */
#include "rs_test.h"

static void finished_as(struct json *j, const char *wanted)
{
	assert_int_equal(json_finish(j), 0);
	assert_int_equal(j->length, strlen(j->bytes));
	assert_string_equal(j->bytes, wanted);
	json_fini(j);
}

static void a_string_is(const char *value, const char *wanted)
{
	struct json j;

	json_init(&j);
	json_string(&j, NULL, value);
	finished_as(&j, wanted);
}

static void a_double_is(double value, const char *wanted)
{
	struct json j;

	json_init(&j);
	json_double(&j, NULL, value);
	finished_as(&j, wanted);
}

static void commas_stand_between_values_alone(void **state)
{
	struct json j;

	(void)state;
	json_init(&j);
	json_object_begin(&j, NULL);
	json_uint(&j, "a", 1);
	json_array_begin(&j, "b");
	json_array_end(&j);
	json_array_begin(&j, "c");
	json_int(&j, NULL, -1);
	json_object_begin(&j, NULL);
	json_object_end(&j);
	json_bool(&j, NULL, true);
	json_array_end(&j);
	json_bool(&j, "d", false);
	json_null(&j, "e");
	json_raw(&j, "f", "[1]", 3);
	json_object_end(&j);
	finished_as(&j, "{\"a\":1,\"b\":[],\"c\":[-1,{},true],\"d\":false,\"e\":null,\"f\":[1]}");
}

static void what_could_end_a_string_or_a_page_is_escaped(void **state)
{
	(void)state;
	a_string_is("a\"b\\c", "\"a\\\"b\\\\c\"");
	a_string_is("</script>&", "\"\\u003c/script\\u003e\\u0026\"");
	a_string_is("\n\t\x01\x1f\x7f", "\"\\n\\u0009\\u0001\\u001f\\u007f\"");
	a_string_is("", "\"\"");
	a_string_is(NULL, "null");
}

static void keys_are_escaped_like_values(void **state)
{
	struct json j;

	(void)state;
	json_init(&j);
	json_object_begin(&j, NULL);
	json_uint(&j, "\"<\xff", 1);
	json_object_end(&j);
	finished_as(&j, "{\"\\\"\\u003c\xef\xbf\xbd\":1}");
}

static void valid_utf8_passes_unchanged(void **state)
{
	(void)state;
	a_string_is("\xc3\xa4\xe2\x82\xac\xf0\x9f\x8e\xaf",
		    "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x8e\xaf\"");
	a_string_is("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf",
		    "\"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\"");
}

#define REPLACED "\xef\xbf\xbd"

static void each_byte_that_is_no_utf8_is_replaced(void **state)
{
	(void)state;
	a_string_is("\xff", "\"" REPLACED "\"");
	a_string_is("\x80z", "\"" REPLACED "z\"");
	a_string_is("\xc0\xaf", "\"" REPLACED REPLACED "\"");              /* overlong */
	a_string_is("\xe0\x80\x80", "\"" REPLACED REPLACED REPLACED "\""); /* overlong */
	a_string_is("\xed\xa0\x80", "\"" REPLACED REPLACED REPLACED "\""); /* surrogate */
	a_string_is("\xf4\x90\x80\x80", "\"" REPLACED REPLACED REPLACED REPLACED "\"");
	a_string_is("\xe2\x82", "\"" REPLACED REPLACED "\""); /* cut by the end */
	a_string_is("\xe2\x82\"", "\"" REPLACED REPLACED "\\\"\"");
}

static void numbers_have_as_many_decimals_as_they_need(void **state)
{
	(void)state;
	a_double_is(0, "0");
	a_double_is(-0.0, "0");
	a_double_is(1, "1");
	a_double_is(1234.5678, "1234.568");
	a_double_is(100, "100");
	a_double_is(0.000123456, "0.00012346");
	a_double_is(1.00051, "1.0005");
	a_double_is(0.01023456, "0.010235");
	a_double_is(0.9999999, "1");
	a_double_is(-0.000000001, "0");
	a_double_is(-2.5, "-2.5");
	a_double_is(1e15, "1000000000000000");
	a_double_is(1e300, "1.0000000000000001e+300");
}

static void what_is_no_number_is_null(void **state)
{
	struct json j;

	(void)state;
	a_double_is(NAN, "null");
	a_double_is(INFINITY, "null");
	a_double_is(-INFINITY, "null");
	json_init(&j);
	json_array_begin(&j, NULL);
	json_measure(&j, NULL, -1);
	json_measure(&j, NULL, NAN);
	json_measure(&j, NULL, 0);
	json_array_end(&j);
	finished_as(&j, "[null,null,0]");
}

static void the_largest_integers_are_exact(void **state)
{
	struct json j;

	(void)state;
	json_init(&j);
	json_array_begin(&j, NULL);
	json_uint(&j, NULL, UINT64_MAX);
	json_int(&j, NULL, INT64_MIN);
	json_time(&j, NULL, 0);
	json_array_end(&j);
	finished_as(&j, "[18446744073709551615,-9223372036854775808,\"1970-01-01T00:00:00.000Z\"]");
}

static void a_document_grows_over_many_buffers(void **state)
{
	struct json j;

	(void)state;
	json_init(&j);
	json_array_begin(&j, NULL);
	for (int i = 0; i < 20000; i++)
		json_int(&j, NULL, 7);
	json_array_end(&j);
	assert_int_equal(json_finish(&j), 0);
	assert_int_equal(j.length, 40001);
	assert_memory_equal(j.bytes, "[7,7", 4);
	assert_string_equal(j.bytes + 40001 - 4, "7,7]");
	json_fini(&j);
}

static void a_document_without_memory_fails_once_and_for_all(void **state)
{
	struct json j;

	(void)state;
	json_init(&j);
	json_string(&j, NULL, "kept");
	j.size = SIZE_MAX / 2; /* as if it were that full: the next doubling is out of reach */
	j.length = SIZE_MAX / 2;
	json_string(&j, NULL, "lost");
	assert_true(j.failed);
	assert_int_equal(j.length, SIZE_MAX / 2);
	json_uint(&j, NULL, 1);
	assert_int_equal(json_finish(&j), -ENOMEM);
	json_fini(&j);
	assert_null(j.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commas_stand_between_values_alone),
		cmocka_unit_test(what_could_end_a_string_or_a_page_is_escaped),
		cmocka_unit_test(keys_are_escaped_like_values),
		cmocka_unit_test(valid_utf8_passes_unchanged),
		cmocka_unit_test(each_byte_that_is_no_utf8_is_replaced),
		cmocka_unit_test(numbers_have_as_many_decimals_as_they_need),
		cmocka_unit_test(what_is_no_number_is_null),
		cmocka_unit_test(the_largest_integers_are_exact),
		cmocka_unit_test(a_document_grows_over_many_buffers),
		cmocka_unit_test(a_document_without_memory_fails_once_and_for_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
