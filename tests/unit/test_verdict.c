#include "verdict.h"

#include "rs_test.h"

#include <errno.h>
#include <string.h>

static struct scenario_turn expected[4];
static struct scenario scenario;
static struct verdict v;
static struct spec spec;

static int setup(void **state)
{
	(void)state;
	memset(&scenario, 0, sizeof(scenario));
	memset(expected, 0, sizeof(expected));
	memset(&spec, 0, sizeof(spec));
	scenario.expected = expected;
	scenario.is_expecting = true;
	strcpy(spec.where, "t.json:3");
	verdict_init(&v, &scenario);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	verdict_fini(&v);
	return 0;
}

static void turned(uint32_t at_s, enum alarm_state now, unsigned int turn, bool over)
{
	struct notice notice = { .rule = "x", .level = 1, .severity = SPEC_CRITICAL };
	struct instance instance = { .alarm.state = now };
	const struct alarm before = { .state = over ? ALARM_FIRING : ALARM_PENDING };
	const struct engine_turn told = { &spec, &instance, &before, &notice, turn };

	strcpy(notice.labels.service, "shop");
	v.now_s = at_s;
	verdict_turned(&v, &told);
}

static void expect(uint32_t at_s, enum scenario_state what)
{
	struct scenario_turn *e = &expected[scenario.expected_count++];

	*e = (struct scenario_turn){ .at_s = at_s, .state = what, .severity = -1, .level = -1 };
	strcpy(e->rule, "x");
}

static void fire_and_resolve(void)
{
	turned(10, ALARM_PENDING, ALARM_CHANGED, false);
	turned(20, ALARM_FIRING, ALARM_CHANGED | ALARM_NOTICE, false);
	turned(30, ALARM_QUIET, ALARM_CHANGED | ALARM_RECOVERY, true);
}

static void all_that_was_expected_is_good(void **state)
{
	(void)state;
	expect(20, SCENARIO_FIRING);
	expect(30, SCENARIO_RESOLVED);
	fire_and_resolve();
	assert_int_equal(v.count, 4);
	assert_int_equal(verdict_compare(&v), 0);
	assert_int_equal(v.missed + v.extra, 0);
}

static void what_did_not_come_and_what_came_unasked_are_told(void **state)
{
	(void)state;
	expect(20, SCENARIO_FIRING);
	expect(31, SCENARIO_RESOLVED);
	fire_and_resolve();
	assert_int_equal(verdict_compare(&v), 0);
	assert_int_equal(v.missed, 1);
	assert_true(v.is_missed[1]);
	assert_int_equal(v.extra, 1);
	assert_false(v.is_met[3]);
}

static void a_turn_may_come_within_its_span(void **state)
{
	(void)state;
	expect(18, SCENARIO_FIRING);
	expect(33, SCENARIO_RESOLVED);
	expected[0].within_s = 2;
	expected[1].within_s = 3;
	fire_and_resolve();
	assert_int_equal(verdict_compare(&v), 0);
	assert_int_equal(v.missed + v.extra, 0);
}

static void a_turn_beyond_its_span_is_none(void **state)
{
	(void)state;
	expect(17, SCENARIO_FIRING);
	expect(34, SCENARIO_RESOLVED);
	expected[0].within_s = 2;
	expected[1].within_s = 3;
	fire_and_resolve();
	assert_int_equal(verdict_compare(&v), 0);
	assert_int_equal(v.missed, 2);
}

static void an_empty_list_expects_nothing_at_all(void **state)
{
	(void)state;
	fire_and_resolve();
	assert_int_equal(verdict_compare(&v), 0);
	assert_int_equal(v.extra, 2);
}

static void without_a_list_nothing_is_wrong(void **state)
{
	(void)state;
	scenario.is_expecting = false;
	fire_and_resolve();
	assert_int_equal(verdict_compare(&v), 0);
	assert_int_equal(v.missed + v.extra, 0);
}

static void one_pending_that_is_expected_asks_for_all(void **state)
{
	(void)state;
	expect(20, SCENARIO_FIRING);
	expect(30, SCENARIO_RESOLVED);
	expect(10, SCENARIO_PENDING);
	fire_and_resolve();
	turned(50, ALARM_PENDING, ALARM_CHANGED, false);
	assert_int_equal(verdict_compare(&v), 0);
	assert_int_equal(v.missed, 0);
	assert_int_equal(v.extra, 1);
}

static void what_is_written_must_be_so(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++)
		expect(20, SCENARIO_FIRING);
	expected[0].severity = SPEC_WARNING;
	expected[1].level = 2;
	strcpy(expected[2].labels.service, "bank");
	strcpy(expected[3].rule, "y");
	turned(20, ALARM_FIRING, ALARM_CHANGED, false);
	assert_int_equal(verdict_compare(&v), 0);
	assert_int_equal(v.missed, 4);
}

static void shipped_rules_count_only_where_all_do(void **state)
{
	(void)state;
	strcpy(spec.where, "shipped:3");
	fire_and_resolve();
	assert_int_equal(v.count, 0);
	v.all = true;
	fire_and_resolve();
	assert_int_equal(v.count, 4);
}

static void too_many_turns_are_an_error(void **state)
{
	(void)state;
	for (uint32_t i = 0; i <= SCENARIO_ROWS; i++)
		turned(i, ALARM_PENDING, ALARM_CHANGED, false);
	assert_int_equal(verdict_compare(&v), -E2BIG);
}

static void json_says_the_same(void **state)
{
	char text[2048] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	(void)state;
	expect(20, SCENARIO_FIRING);
	expect(99, SCENARIO_RESOLVED);
	fire_and_resolve();
	assert_int_equal(verdict_compare(&v), 0);
	assert_int_equal(verdict_json(&v, out), 0);
	fclose(out);
	assert_non_null(strstr(text, "{\"good\":false,\"expected\":true,"));
	assert_non_null(strstr(text, "\"missed\":[{\"at\":\"1970-01-01T00:01:39.000Z\""));
	assert_non_null(strstr(text, "\"unexpected\":[{\"at\":\"1970-01-01T00:00:30.000Z\""));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_that_was_expected_is_good),
		TEST(what_did_not_come_and_what_came_unasked_are_told),
		TEST(a_turn_may_come_within_its_span),
		TEST(a_turn_beyond_its_span_is_none),
		TEST(an_empty_list_expects_nothing_at_all),
		TEST(without_a_list_nothing_is_wrong),
		TEST(one_pending_that_is_expected_asks_for_all),
		TEST(what_is_written_must_be_so),
		TEST(shipped_rules_count_only_where_all_do),
		TEST(too_many_turns_are_an_error),
		TEST(json_says_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
