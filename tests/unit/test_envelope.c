#include "envelope.h"
#include "rs_test.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static int test_open(struct envelope **out, const char *text, struct envelope_error *error)
{
	error->text[0] = '\0';
	return envelope_open(out, text, text ? strlen(text) : 0, error);
}

static void values_are_found_by_name(void **state)
{
	struct envelope_error error;
	struct envelope *r;
	const struct envelope_node *rows;

	(void)state;
	assert_int_equal(test_open(&r,
				   "{\"success\": true, \"data\": {\"lost\": {\"a\": 5, "
				   "\"b\": 0.5, \"c\": null}, \"rows\": [{\"pid\": 7, "
				   "\"name\": \"a\", \"rate\": 1.5}, {\"pid\": null}]}}",
				   &error),
			 0);
	rows = envelope_member(envelope_data(r), "rows");
	assert_int_equal(envelope_size(rows), 2);
	assert_true(envelope_number(envelope_at(rows, 0), "pid") == 7);
	assert_true(envelope_number(envelope_at(rows, 0), "rate") == 1.5);
	assert_string_equal(envelope_text(envelope_at(rows, 0), "name"), "a");
	assert_true(envelope_sum(envelope_data(r), "lost") == 5.5);
	envelope_close(r);
}

static void what_is_not_there_is_nothing(void **state)
{
	struct envelope_error error;
	struct envelope *r;

	(void)state;
	assert_int_equal(
		test_open(&r, "{\"success\": true, \"data\": {\"a\": null, \"b\": \"x\"}}", &error),
		0);
	assert_true(isnan(envelope_number(envelope_data(r), "a")));
	assert_true(isnan(envelope_number(envelope_data(r), "b")));
	assert_null(envelope_text(envelope_data(r), "a"));
	assert_null(envelope_member(envelope_data(r), "absent"));
	assert_int_equal(envelope_size(envelope_data(r)), 0);
	assert_int_equal(envelope_size(NULL), 0);
	assert_null(envelope_at(NULL, 0));
	assert_true(isnan(envelope_number(NULL, "a")));
	assert_true(isnan(envelope_sum(envelope_data(r), "b")));
	assert_true(isnan(envelope_sum(NULL, "b")));
	envelope_close(r);
	envelope_close(NULL);
}

static void failure_gives_the_agents_own_sentence(void **state)
{
	struct envelope_error error;
	struct envelope *r;

	(void)state;
	assert_int_equal(test_open(&r,
				   "{\"success\": false, \"error\": {\"code\": \"x\", "
				   "\"message\": \"token needed\"}}",
				   &error),
			 -EREMOTEIO);
	assert_null(r);
	assert_string_equal(error.text, "token needed");
	assert_int_equal(test_open(&r, "{\"success\": false}", &error), -EREMOTEIO);
	assert_non_null(strstr(error.text, "did not say why"));
}

static void failure_with_its_document_is_an_answer(void **state)
{
	struct envelope_error error;
	struct envelope *r;

	(void)state;
	assert_int_equal(test_open(&r,
				   "{\"success\": false, \"data\": {\"status\": \"unhealthy\"}}",
				   &error),
			 0);
	assert_string_equal(envelope_text(envelope_data(r), "status"), "unhealthy");
	envelope_close(r);
}

static void what_is_no_envelope_is_refused(void **state)
{
	static const char *const texts[] = {
		"",   "<html>",           "[]",
		"{}", "{\"success\": 1}", "{\"success\": true, \"success\": true}"
	};
	struct envelope_error error;
	struct envelope *r;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(test_open(&r, texts[i], &error), -EPROTO);
		assert_null(r);
		assert_non_null(strstr(error.text, "no agent"));
	}
	assert_int_equal(test_open(&r, NULL, &error), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_found_by_name),
		cmocka_unit_test(what_is_not_there_is_nothing),
		cmocka_unit_test(failure_gives_the_agents_own_sentence),
		cmocka_unit_test(failure_with_its_document_is_an_answer),
		cmocka_unit_test(what_is_no_envelope_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
