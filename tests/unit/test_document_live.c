#include "document_fixture.h"

#include "alerts.h"

#include <stdio.h>

static struct document_fixture d;

static int setup(void **state)
{
	(void)state;
	document_open(&d);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	document_close(&d);
	return 0;
}

static char *live(void)
{
	struct json j;

	json_init(&j);
	assert_int_equal(document_live(&d.site, NOW, NOW_MS, &j), 0);
	assert_int_equal(json_finish(&j), 0);
	return j.bytes;
}

static void without_requests_what_is_measured_is_null(void **state)
{
	char *text = live();

	(void)state;
	assert_holds(text,
		     "{\"timestamp\":\"2026-01-01T00:00:00.000Z\",\"window\":\"10s\",\"count\":0,"
		     "\"requestsPerSecond\":null,\"errorRate\":null,\"avg\":null,\"p50\":null");
	assert_holds(text, "\"alerts\":null"); /* they are turned off */
	free(text);
}

static void the_last_ten_seconds_are_told_of_all_and_of_each_service(void **state)
{
	char *text;

	(void)state;
	fixture_counters(&d.f, &d.f.target, 20, 20, NOW - 12 * SECOND);
	fixture_counters(&d.f, &d.f.target, 30, 30, NOW - 2 * SECOND);
	for (int i = 0; i < 30; i++)
		fixture_request(&d.f, NOW - 2 * SECOND, 20 * MILLISECOND);
	fixture_tick(&d.f, NOW);
	text = live();
	assert_holds(text, "\"count\":30,\"requestsPerSecond\":3,\"errorRate\":0,");
	assert_holds(text, "\"services\":[{\"service\":\"shop\",\"environment\":null,\"count\":30,"
			   "\"requestsPerSecond\":3,");
	assert_holds(text, "\"omitted\":0}");
	free(text);
}

static void a_crowd_of_services_is_cut_to_the_busiest(void **state)
{
	struct capture_target targets[60];
	char *text;
	size_t rows = 0;

	(void)state;
	for (uint64_t i = 0; i < 60; i++) {
		char name[16];

		snprintf(name, sizeof(name), "s%02d", (int)i);
		fixture_target(&targets[i], 100 + i, 100 + (int32_t)i, name);
		d.f.sink.seen(d.f.sink.ctx, &targets[i]);
		fixture_counters(&d.f, &targets[i], i + 1, i + 1, NOW - 2 * SECOND);
	}
	fixture_tick(&d.f, NOW);
	text = live();
	for (const char *at = text; (at = strstr(at, "{\"service\":")); at++)
		rows++;
	assert_int_equal(rows, 50);
	assert_holds(text, "\"services\":[{\"service\":\"s59\"");
	assert_holds(text, "\"omitted\":11}");
	assert_lacks(text, "\"s09\"");
	free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_requests_what_is_measured_is_null),
		TEST(the_last_ten_seconds_are_told_of_all_and_of_each_service),
		TEST(a_crowd_of_services_is_cut_to_the_busiest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
