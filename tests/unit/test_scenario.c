#include "scenario.h"

#include "rs_test.h"

#include <ringside/abi.h>

#include <errno.h>
#include <math.h>
#include <string.h>

#define SAMPLES(text) "\"samples\":[" text "]"
#define OF_SHOP "\"service\":\"shop\",\"route\":\"/a\","
#define WHOLE(series, more) "{\"lasts\":\"10m\",\n\"series\":[\n" series "\n]" more "}"

static struct scenario s;
static struct scenario_error error;

static int opened(const char *json)
{
	static struct config_text text;

	text = (struct config_text){ "t.json", json, strlen(json) };
	return scenario_open(&s, &text, &error);
}

static void series_and_expectations_are_read(void **state)
{
	(void)state;
	assert_int_equal(
		opened(WHOLE("{" OF_SHOP SAMPLES("{\"to\":\"60s\",\"rate\":5,\"duration\":"
						 "\"90ms\"}") "},{\"service\":\"shop\",\"metric\":"
							      "\"cpu.percent\"," SAMPLES(
								      "{\"from\":\"1m\",\"value\":"
								      "null}") "}",
			     ",\"rules\":[],\"begin\":\"2026-01-15T10:00:00Z\",\"expect\":[{\"at\":"
			     "\"31s\",\"within\":\"2s\",\"rule\":\"x\",\"service\":\"shop\","
			     "\"state\":"
			     "\"firing\",\"severity\":\"critical\",\"level\":2}]")),
		0);
	assert_int_equal(s.lasts_s, 600);
	assert_int_equal(s.begin_ms, 1768471200000);
	assert_int_equal(s.load_count, 1);
	assert_int_equal(s.loads[0].to_s, 60);
	assert_int_equal(s.loads[0].per_s, 5);
	assert_int_equal(s.loads[0].span_ns, 90000000);
	assert_int_equal(s.loads[0].status, 200);
	assert_int_equal(s.loads[0].method, RS_METHOD_GET);
	assert_int_equal(s.value_count, 1);
	assert_int_equal(s.values[0].metric, METRIC_CPU_PERCENT);
	assert_int_equal(s.values[0].from_s, 60);
	assert_int_equal(s.values[0].to_s, 600);
	assert_true(isnan(s.values[0].value));
	assert_true(s.rules != NULL && s.is_expecting);
	assert_int_equal(s.expected_count, 1);
	assert_int_equal(s.expected[0].at_s, 31);
	assert_int_equal(s.expected[0].state, SCENARIO_FIRING);
	assert_int_equal(s.expected[0].severity, SPEC_CRITICAL);
	assert_int_equal(s.expected[0].level, 2);
	scenario_close(&s);
}

static void what_is_not_written_is_not_compared(void **state)
{
	(void)state;
	assert_int_equal(opened(WHOLE("", ",\"expect\":[{\"at\":\"0s\",\"rule\":\"x\","
					  "\"state\":\"resolved\"}]")),
			 0);
	assert_int_equal(s.expected[0].severity, -1);
	assert_int_equal(s.expected[0].level, -1);
	assert_null(s.rules);
	scenario_close(&s);
}

static void what_is_wrong_is_told_with_file_line_and_reason(void **state)
{
	static const struct {
		const char *json, *told;
	} cases[] = {
		{ "{", "t.json:1: " },
		{ "[]", "t.json:1: must be an object" },
		{ "{\"lasts\":\"10m\",\n\"serie\":[]}",
		  "t.json:2: serie: unknown key; did you mean series?" },
		{ "{\"series\":[],\n\"lasts\":\"1.5s\"}",
		  "t.json:2: lasts: must be whole seconds with their unit" },
		{ "{\"series\":[],\n\"lasts\":\"0s\"}",
		  "t.json:2: lasts: must be from 1s to 168h" },
		{ "{\"lasts\":\"10m\"}", "t.json:1: series: must be a list" },
		{ WHOLE("{\"service\":\"shop\"," SAMPLES("{\"rate\":1,\"duration\":\"1s\"}") "}",
			""),
		  "t.json:3: series[0]: requests need a service and a route" },
		{ WHOLE("{" OF_SHOP SAMPLES("{\"rate\":1}") "}", ""),
		  "t.json:3: series[0].samples[0]: needs a rate" },
		{ WHOLE("{" OF_SHOP SAMPLES("{\"rate\":0.5,\"duration\":\"1s\"}") "}", ""),
		  "t.json:3: series[0].samples[0].rate: must be a whole number from 1 to" },
		{ WHOLE("{" OF_SHOP SAMPLES("{\"rate\":1,\"duration\":90}") "}", ""),
		  "t.json:3: series[0].samples[0].duration: must be a duration" },
		{ WHOLE("{" OF_SHOP SAMPLES("{\"from\":\"2m\",\"to\":\"1m\",\"rate\":1,"
					    "\"duration\":\"1s\"}") "}",
			""),
		  "t.json:3: series[0].samples[0]: needs a `from` before its `to`" },
		{ WHOLE("{" OF_SHOP SAMPLES("{\"to\":\"11m\",\"rate\":1,\"duration\":\"1s\"}") "}",
			""),
		  "t.json:3: series[0].samples[0]: needs a `from` before its `to`" },
		{ WHOLE("{\"service\":\"shop\",\"metric\":\"cpu.percnt\"," SAMPLES("{}") "}", ""),
		  "did you mean cpu.percent?" },
		{ WHOLE("{\"service\":\"shop\",\"metric\":\"cpu.percent\"," SAMPLES("{}") "}", ""),
		  "t.json:3: series[0].samples[0]: needs a value" },
		{ WHOLE("{" OF_SHOP SAMPLES("{\"rate\":100000,\"duration\":\"1s\"}") "}", ""),
		  "t.json:1: comes to 60000000 requests" },
		{ WHOLE("", ",\n\"expect\":[{\"at\":\"1s\",\"rule\":\"x\"}]"),
		  "t.json:5: expect[0]: needs at, rule and state" },
		{ WHOLE("", ",\n\"expect\":[{\"state\":\"fire\"}]"),
		  "t.json:5: expect[0].state: must be one of pending, firing" },
		{ WHOLE("", ",\n\"begin\":\"soon\""), "t.json:5: begin: must be a time" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(opened(cases[i].json), -EINVAL);
		if (!strstr(error.text, cases[i].told))
			fail_msg("%s\nis not: %s", error.text, cases[i].told);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(series_and_expectations_are_read),
		cmocka_unit_test(what_is_not_written_is_not_compared),
		cmocka_unit_test(what_is_wrong_is_told_with_file_line_and_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
