#include "document_fixture.h"

#include <errno.h>
#include <stdio.h>

static void each_method_and_level_has_its_name(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < RS_METHODS; i++)
		assert_non_null(document_method(i));
	assert_string_equal(document_method(RS_METHOD_DELETE), "DELETE");
	assert_string_equal(document_method(RS_METHODS + 5), "_OTHER");
	assert_string_equal(document_level(METRICS_CRITICAL), "critical");
	assert_null(document_level(METRICS_LEVEL_UNKNOWN));
}

static void reasons_are_named_up_to_the_last(void **state)
{
	unsigned int lost = 0, unparsed = 0;

	(void)state;
	while (document_lost(lost))
		lost++;
	while (document_unparsed(unparsed))
		unparsed++;
	assert_int_equal(lost, RS_LOST_RACE + 1);
	assert_int_equal(unparsed, RS_UNPARSED_UNPAIRED + 1);
	assert_null(document_lost(RS_LOST_REASONS));
	assert_null(document_unparsed(RS_UNPARSED_REASONS));
}

static void what_was_not_seen_is_a_404_that_names_its_parameter(void **state)
{
	struct refusal no = { .status = 0 };
	struct question q = { .no = &no };

	(void)state;
	q.ask.scope.service = "shop";
	document_refuse(&q, -ENOENT);
	assert_int_equal(no.status, 404);
	assert_string_equal(no.field, "service");
	q.ask.scope.route = "/a";
	document_refuse(&q, -ENOENT);
	assert_string_equal(no.field, "route");
	q.ask.scope.pid = 5;
	document_refuse(&q, -ENOENT);
	assert_string_equal(no.field, "pid");
	document_refuse(&q, -ENOTSUP);
	assert_int_equal(no.status, 400);
	no.status = 0;
	assert_int_equal(document_refuse(&q, -ENOMEM), -ENOMEM);
	assert_int_equal(no.status, 0);
}

static const char *page(unsigned int offset, unsigned int limit, size_t count, size_t *from,
			size_t *to)
{
	static char text[64];
	struct question q = { .ask = { .limit = limit, .offset = offset } };
	struct json j;

	json_init(&j);
	document_page(&q, &j, count, from, to);
	assert_int_equal(json_finish(&j), 0);
	snprintf(text, sizeof(text), "%s", j.bytes);
	json_fini(&j);
	return text;
}

static void pages_follow_each_other_and_end(void **state)
{
	size_t from, to;

	(void)state;
	assert_string_equal(page(0, 50, 0, &from, &to), "\"nextCursor\":null");
	assert_true(from == 0 && to == 0);
	assert_string_equal(page(0, 50, 50, &from, &to), "\"nextCursor\":null");
	assert_true(from == 0 && to == 50);
	assert_string_equal(page(0, 50, 51, &from, &to), "\"nextCursor\":\"50\"");
	assert_true(from == 0 && to == 50);
	assert_string_equal(page(50, 50, 51, &from, &to), "\"nextCursor\":null");
	assert_true(from == 50 && to == 51);
	assert_string_equal(page(4000000000, 50, 51, &from, &to), "\"nextCursor\":null");
	assert_true(from == 51 && to == 51);
}

static void an_unknown_time_stays_unknown(void **state)
{
	struct json j;

	(void)state;
	json_init(&j);
	json_object_begin(&j, NULL);
	document_measure_ms(&j, "a", METRICS_UNKNOWN);
	document_measure_ms(&j, "b", 1500000);
	document_measure_ms(&j, "c", 1234);
	json_object_end(&j);
	assert_int_equal(json_finish(&j), 0);
	assert_string_equal(j.bytes, "{\"a\":null,\"b\":1.5,\"c\":0.001234}");
	json_fini(&j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_method_and_level_has_its_name),
		cmocka_unit_test(reasons_are_named_up_to_the_last),
		cmocka_unit_test(what_was_not_seen_is_a_404_that_names_its_parameter),
		cmocka_unit_test(pages_follow_each_other_and_end),
		cmocka_unit_test(an_unknown_time_stays_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
