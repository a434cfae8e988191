#include "reader.h"
#include "rs_test.h"

#include <stdio.h>
#include <string.h>

#define SECOND INT64_C(1000000000)

static const struct spec_defaults defaults = { 30 * SECOND, 300 * SECOND };
static struct spec got[4];
static bool switched[4];
static size_t count;
static struct findings findings;

static void put(void *ctx, const struct spec *spec, bool is_switch)
{
	(void)ctx;
	assert_true(count < 4);
	switched[count] = is_switch;
	got[count++] = *spec;
}

static void read_text(const char *text)
{
	const struct config_text document = { "a.json", text, strlen(text) };
	const struct reader_sink sink = { NULL, put };

	count = 0;
	findings_init(&findings);
	reader_read(&document, &defaults, &sink, &findings);
}

/* A good rule in which one member stands beside, or instead of, the others. */
static void read_with(const char *member)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "[{\"name\": \"r\",\n \"metric\": \"requests.duration\",\n"
		 " \"warning\": {\"above\": \"2s\", \"clear\": \"1s\"}%s%s}]",
		 *member ? ",\n " : "", member);
	read_text(text);
}

static void is_found(const char *what)
{
	if (findings.count != 1 || !strstr(findings.rows[0], what))
		fail_msg("%zu findings, '%s', not '%s'", findings.count,
			 findings.count ? findings.rows[0] : "", what);
	assert_int_equal(count, 0);
}

static void keys_have_camel_case_twins(void **state)
{
	(void)state;
	read_with("\"minCount\": 7, \"keepFiring\": \"1m\", \"serviceImpacting\": true");
	assert_int_equal(findings.count, 0);
	assert_true(got[0].min_count == 7);
	assert_int_equal(got[0].keep_ns, 60 * SECOND);
	assert_true(got[0].service_impacting);
	read_with("\"minCount\": 7, \"min_count\": 8");
	is_found("a.json:4: r: minCount: stands here in snake_case already");
	read_with("\"mincount\": 7");
	is_found("a.json:4: r: mincount: unknown key; did you mean min_count?");
}

static void a_rule_is_read_whole(void **state)
{
	(void)state;
	read_text("[{\"name\": \"slow-p95\", \"metric\": \"requests.duration\", \"p\": 95,\n"
		  "\"window\": \"1m\", \"scope\": {\"service\": \"sh*\", \"route\": \"/a*\"},\n"
		  "\"warning\": {\"above\": \"2s\", \"clear\": \"1.6s\"},"
		  "\"critical\": {\"above\": \"5s\"}, \"for\": \"3 of 5\", \"cooldown\": \"10m\","
		  "\"interval\": \"5s\", \"keep_firing\": \"1m\", \"nodata\": \"ok\","
		  "\"service_impacting\": true, \"labels\": {\"team\": \"web\"},"
		  "\"min_count\": 7, \"enabled\": false, \"summary\": \"{value}\"}]");
	assert_int_equal(findings.count, 0);
	assert_int_equal(count, 1);
	assert_string_equal(got[0].name, "slow-p95");
	assert_string_equal(got[0].where, "a.json:1");
	assert_int_equal(got[0].function, METRIC_P95);
	assert_int_equal(got[0].window_ns, 60 * SECOND);
	assert_string_equal(got[0].service, "sh*");
	assert_true(got[0].by_route);
	assert_true(got[0].limits[SPEC_WARNING].limit == 2000);
	assert_true(got[0].limits[SPEC_WARNING].clear == 1600);
	assert_true(got[0].limits[SPEC_CRITICAL].clear == 5000);
	assert_int_equal(got[0].need, 3);
	assert_int_equal(got[0].of, 5);
	assert_int_equal(got[0].cooldown_ns, 600 * SECOND);
	assert_int_equal(got[0].interval_ns, 5 * SECOND);
	assert_int_equal(got[0].keep_ns, 60 * SECOND);
	assert_int_equal(got[0].nodata, SPEC_OK);
	assert_true(got[0].service_impacting && !got[0].enabled && !got[0].below);
	assert_string_equal(got[0].labels.at[0], "team=web");
	assert_true(got[0].min_count == 7);
	assert_false(switched[0]);
}

static void what_a_rule_leaves_out_has_its_default(void **state)
{
	(void)state;
	read_with("");
	assert_int_equal(findings.count, 0);
	assert_int_equal(got[0].function, METRIC_AVG);
	assert_int_equal(got[0].window_ns, 300 * SECOND);
	assert_int_equal(got[0].interval_ns, 30 * SECOND);
	assert_int_equal(got[0].need, 1);
	assert_int_equal(got[0].for_ns, 0);
	assert_int_equal(got[0].nodata, SPEC_KEEP);
	read_with("\"for\": \"90s\"");
	assert_int_equal(got[0].for_ns, 90 * SECOND);
}

static void each_mistake_is_told_with_its_line_and_key(void **state)
{
	static const char *const cases[][2] = {
		{ "\"windw\": \"1m\"", "a.json:4: r: windw: unknown key; did you mean window?" },
		{ "\"window\": \"1\"", "a.json:4: r: window: must be a duration" },
		{ "\"window\": \"1d\"", "a.json:4: r: window: must be from 1s to 2h" },
		{ "\"function\": \"mx\"", "function: unknown function; did you mean max?" },
		{ "\"function\": \"ratio\"", "function: this metric has no such function" },
		{ "\"p\": 42", "p: must be one of 50" },
		{ "\"p\": 95,\n \"function\": \"max\"", "a.json:4: r: p: is a function too" },
		{ "\"function\": \"max\",\n \"p\": 95", "a.json:5: r: p: is a function too" },
		{ "\"for\": \"3 of 2\"", "for: must be n of m" },
		{ "\"for\": \"3 of 33\"", "for: must be n of m" },
		{ "\"for\": 3", "for: must be a duration" },
		{ "\"nodata\": \"maybe\"", "nodata: must be keep, ok or alert" },
		{ "\"enabled\": 1", "enabled: must be true or false" },
		{ "\"min_count\": -1", "min_count: must be a number from 0 on" },
		{ "\"summary\": \"{valeu}\"", "unknown field {valeu}; did you mean value?" },
		{ "\"summary\": 5", "summary: must be a text" },
		{ "\"labels\": {\"a\": 1}", "a.json:4: r: labels.a: must be an object of texts" },
		{ "\"labels\": {\"a-b\": \"c\"}", "labels.a-b: a name is letters, digits and _" },
		{ "\"labels\": {\"route\": \"/\"}",
		  "labels.route: an alert has a label of this name already" },
		{ "\"labels\": 1", "labels: must be an object" },
		{ "\"scope\": \"shop\"", "scope: must be an object" },
		{ "\"scope\": {\"servce\": \"a\"}",
		  "scope.servce: unknown key; did you mean service?" },
		{ "\"scope\": {\"service\": \"my shop\"}", "scope.service: can never match" },
		{ "\"critical\": {\"above\": \"1s\"}", "a.json:3: r: warning: warning is above" },
		{ "\"critical\": {\"above\": 80}",
		  "a.json:4: r: critical.above: unit mismatch: a limit of "
		  "requests.duration must be a duration" },
		{ "\"critical\": {\"above\": \"5s\", \"over\": 1}", "critical.over: unknown key" },
		{ "\"critical\": {\"clear\": \"5s\"}", "critical: needs either above or below" },
		{ "\"critical\": {\"below\": \"5s\"}", "must look into one direction" },
		{ "\"critical\": 5", "critical: must be an object" },
		{ "\"critical\": {\"above\": \"5s\", \"clear\": \"6s\"}",
		  "critical: clear must not be" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		read_with(cases[i][0]);
		is_found(cases[i][1]);
	}
}

static void a_limit_that_no_value_passes_is_told_with_why(void **state)
{
	static const char *const cases[][2] = {
		{ "\"metric\": \"requests.rate\", \"function\": \"absent\",\n"
		  "\"warning\": {\"above\": 1}",
		  "a.json:2: r: warning: can never match: absent is 0 or 1" },
		{ "\"metric\": \"requests.rate\", \"against\": \"1h\",\n\n"
		  "\"critical\": {\"below\": \"-100%\"}",
		  "a.json:3: r: critical: can never match: nothing is below this" },
		{ "\"metric\": \"slo.burn\", \"objective\": 99,\n\"warning\": {\"above\": 2},\n"
		  "\"critical\": {\"above\": 100}",
		  "a.json:3: r: critical: can never match: when all fails" },
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(text, sizeof(text), "[{\"name\": \"r\", %s}]", cases[i][0]);
		read_text(text);
		is_found(cases[i][1]);
	}
}

static void a_rule_needs_a_name_and_a_metric_that_there_is(void **state)
{
	(void)state;
	read_text("[{\"metric\": \"cpu.percent\", \"warning\": {\"above\": 1}}]");
	is_found("a.json:1: [0]: a rule needs a name");
	read_text(
		"[{\"name\": \"a b\", \"metric\": \"cpu.percent\", \"warning\": {\"above\": 1}}]");
	is_found("a rule needs a name");
	read_text("[{\"name\": \"a\", \"warning\": {\"above\": 1}}]");
	is_found("a.json:1: a: a rule needs a metric");
	read_text(
		"[\n{\"name\": \"a\",\n\"metric\": \"cpu.percnt\", \"warning\": {\"above\": 1}}]");
	is_found("a.json:3: a: metric: unknown metric 'cpu.percnt'; did you mean cpu.percent?; "
		 "there "
		 "are requests.rate, requests.errors,");
	assert_non_null(strstr(findings.rows[0], "pool.waiting"));
}

static void all_that_is_wrong_is_told_at_once(void **state)
{
	(void)state;
	read_text("[{\"name\": \"a\", \"metric\": \"cpu.percent\", \"warning\": {\"above\": 1}},\n"
		  "{\"name\": \"b\", \"metric\": \"cpu.percent\", \"for\": 1, \"x\": 2},\n 7]");
	assert_int_equal(findings.count, 3);
	assert_int_equal(count, 1);
	assert_non_null(strstr(findings.rows[0], "a.json:2: b: for:"));
	assert_non_null(strstr(findings.rows[1], "a.json:2: b: x:"));
	assert_non_null(strstr(findings.rows[2], "a.json:3: [2]: must be an object"));
}

static void what_is_no_list_of_rules_is_refused(void **state)
{
	(void)state;
	read_text("[{]");
	is_found("a.json:1: ");
	read_text("{\"name\": \"a\"}");
	is_found("a.json:1: must be a list");
	read_text("[]");
	assert_int_equal(findings.count, 0);
}

static void a_name_and_enabled_alone_are_a_switch(void **state)
{
	(void)state;
	read_text("[{\"name\": \"a\", \"enabled\": false}]");
	assert_int_equal(findings.count, 0);
	assert_true(switched[0] && !got[0].enabled);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_have_camel_case_twins),
		cmocka_unit_test(a_rule_is_read_whole),
		cmocka_unit_test(what_a_rule_leaves_out_has_its_default),
		cmocka_unit_test(each_mistake_is_told_with_its_line_and_key),
		cmocka_unit_test(a_limit_that_no_value_passes_is_told_with_why),
		cmocka_unit_test(a_rule_needs_a_name_and_a_metric_that_there_is),
		cmocka_unit_test(all_that_is_wrong_is_told_at_once),
		cmocka_unit_test(what_is_no_list_of_rules_is_refused),
		cmocka_unit_test(a_name_and_enabled_alone_are_a_switch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
