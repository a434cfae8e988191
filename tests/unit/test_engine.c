#include "engine_fixture.h"

static struct engine_fixture f;

static int setup(void **state)
{
	(void)state;
	fixture_open(&f, "[" SLOW "," GONE "]");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	engine_close(f.engine);
	engine_close(NULL);
	return 0;
}

static void good_series_make_no_alarms(void **state)
{
	(void)state;
	assert_int_equal(f.engine->instances.count, 0);
	assert_int_equal(f.engine->outbox_count, 0);
	assert_true(fixture_rule(&f, "slow")->value == 100);
	assert_int_equal(fixture_rule(&f, "slow")->series, 1);
	assert_int_equal(fixture_rule(&f, "cpu")->error, -ENODATA);
}

static void a_rule_is_looked_at_in_its_interval_and_not_before(void **state)
{
	(void)state;
	f.slow[0].value = 2000;
	fixture_step(&f, 9);
	assert_int_equal(f.engine->outbox_count, 0);
	fixture_step(&f, 1);
	assert_int_equal(f.engine->outbox_count, 1);
	assert_int_equal(engine_step(f.engine, f.now_s * SECOND, f.wall_ms),
			 (f.now_s + 10) * SECOND);
}

static void a_notice_says_what_who_reads_it_needs(void **state)
{
	const struct notice *n;

	(void)state;
	f.slow[0].value = 2000;
	fixture_step(&f, 10);
	n = f.engine->outbox;
	assert_string_equal(n->rule, "slow");
	assert_string_equal(n->labels.service, "shop");
	assert_int_equal(n->kind, NOTICE_FIRING);
	assert_int_equal(n->severity, SPEC_WARNING);
	assert_int_equal(n->level, 1);
	assert_int_equal(n->number, 1);
	assert_int_equal(n->sequence, 1);
	assert_true(n->value == 2000 && n->limit == 1000);
	assert_int_equal(n->since_ms, f.wall_ms);
	assert_string_equal(n->summary, "shop 2 s");
	assert_string_equal(n->link, "http://x/api/performance/metrics?service=shop");
	assert_true(f.engine->changed);
}

static void a_recovery_has_duration_and_peak_and_stays_in_the_past(void **state)
{
	const struct notice *n;

	(void)state;
	f.slow[0].value = 2000;
	fixture_step(&f, 10);
	f.slow[0].value = 4000;
	fixture_step(&f, 10);
	f.slow[0].value = 300;
	fixture_step(&f, 10);
	assert_int_equal(f.engine->outbox_count, 2);
	n = &f.engine->outbox[1];
	assert_int_equal(n->kind, NOTICE_RECOVERED);
	assert_int_equal(n->lasted_ns, 20 * SECOND);
	assert_true(n->peak == 4000 && n->value == 300);
	assert_int_equal(n->id, f.engine->outbox[0].id);
	assert_int_equal(f.engine->past_count, 1);
	assert_int_equal(f.engine->past[0].id, n->id);
}

static void a_notice_says_when_the_severity_is_another(void **state)
{
	const struct notice *outbox;

	(void)state;
	f.slow[0].value = 2000;
	fixture_step(&f, 10);
	assert_false(f.engine->outbox[0].turned);
	f.slow[0].value = 6000;
	fixture_step(&f, 10);
	outbox = f.engine->outbox;
	assert_int_equal(f.engine->outbox_count, 2);
	assert_int_equal(outbox[1].severity, SPEC_CRITICAL);
	assert_true(outbox[1].turned);
	fixture_step(&f, 60);
	outbox = f.engine->outbox;
	assert_int_equal(f.engine->outbox_count, 3);
	assert_false(outbox[2].turned); /* as critical as before */
	f.slow[0].value = 2000;         /* nobody is told yet that it is but a warning */
	fixture_step(&f, 10);
	f.slow[0].value = 300;
	fixture_step(&f, 10);
	outbox = f.engine->outbox;
	assert_int_equal(f.engine->outbox_count, 4);
	assert_int_equal(outbox[3].kind, NOTICE_RECOVERED);
	assert_int_equal(outbox[3].severity, SPEC_WARNING);
	assert_true(outbox[3].turned);
	f.slow[0].value = 2000;
	fixture_step(&f, 60);
	outbox = f.engine->outbox;
	assert_int_equal(f.engine->outbox_count, 5);
	assert_false(outbox[4].turned); /* that was another time */
}

static void each_series_has_an_alert_of_its_own(void **state)
{
	(void)state;
	f.slow_count = 3;
	fixture_series(&f.slow[0], "a", 2000);
	fixture_series(&f.slow[1], "b", 100);
	fixture_series(&f.slow[2], "c", 6000);
	fixture_step(&f, 10);
	assert_int_equal(f.engine->outbox_count, 2);
	assert_string_equal(f.engine->outbox[0].labels.service, "a");
	assert_int_equal(f.engine->outbox[1].severity, SPEC_CRITICAL);
	assert_int_equal(fixture_rule(&f, "slow")->firing, 2);
	assert_true(fixture_rule(&f, "slow")->value == 6000);
	assert_int_not_equal(f.engine->outbox[0].id, f.engine->outbox[1].id);
}

static void a_series_that_vanished_keeps_firing(void **state)
{
	(void)state;
	f.slow[0].value = 2000;
	fixture_step(&f, 10);
	f.slow_count = 0;
	fixture_step(&f, 10);
	assert_int_equal(fixture_rule(&f, "slow")->firing, 1);
	assert_true(f.engine->instances.first->alarm.blind);
}

static void a_read_that_fails_changes_nothing(void **state)
{
	(void)state;
	f.slow[0].value = 2000;
	fixture_step(&f, 10);
	f.slow_count = -ENOMEM;
	fixture_step(&f, 10);
	assert_int_equal(fixture_rule(&f, "slow")->error, -ENOMEM);
	assert_int_equal(f.engine->instances.first->alarm.state, ALARM_FIRING);
}

static void a_gone_target_inhibits_what_else_is_wrong_with_it(void **state)
{
	(void)state;
	f.gone_count = 1;
	fixture_series(&f.gone[0], "shop", 0);
	fixture_step(&f, 10); /* slow is looked at first, and good */
	assert_int_equal(f.engine->outbox_count, 1);
	f.slow_count = 2;
	f.slow[0].value = 2000;
	fixture_series(&f.slow[1], "bank", 2000);
	fixture_step(&f, 10);
	assert_int_equal(f.engine->outbox_count, 2);
	assert_string_equal(f.engine->outbox[1].labels.service, "bank");
	f.gone[0].value = 1;
	fixture_step(&f, 10); /* it comes back; slow was looked at before that */
	fixture_step(&f, 10);
	assert_int_equal(f.engine->outbox_count, 4);
	assert_string_equal(f.engine->outbox[2].rule, "gone");
	assert_int_equal(f.engine->outbox[2].kind, NOTICE_RECOVERED);
	assert_string_equal(f.engine->outbox[3].labels.service, "shop");
	assert_string_equal(f.engine->outbox[3].rule, "slow");
}

static void a_silence_holds_notices_back_until_it_ends(void **state)
{
	struct hush *h = &f.engine->hushes.rows[0];

	(void)state;
	h->id = 4;
	strcpy(h->service, "sh*");
	h->until_ns = 1025 * SECOND;
	f.engine->hushes.count = 1;
	f.slow[0].value = 2000;
	fixture_step(&f, 10);
	assert_int_equal(f.engine->outbox_count, 0);
	assert_int_equal(f.engine->instances.first->silence, 4);
	fixture_step(&f, 20);
	assert_int_equal(f.engine->hushes.count, 0);
	assert_int_equal(f.engine->outbox_count, 1);
}

static void an_acknowledgement_is_for_what_fires(void **state)
{
	(void)state;
	assert_int_equal(engine_acknowledge(f.engine, 1, f.wall_ms), -ENOENT);
	f.slow[0].value = 2000;
	fixture_step(&f, 10);
	f.engine->changed = false;
	assert_int_equal(engine_acknowledge(f.engine, f.engine->outbox[0].id, f.wall_ms), 0);
	assert_true(f.engine->changed);
	for (int i = 0; i < 12; i++)
		fixture_step(&f, 10);
	assert_int_equal(f.engine->outbox_count, 1);
}

static void alerts_of_a_rule_that_was_removed_end(void **state)
{
	(void)state;
	f.slow[0].value = 2000;
	fixture_step(&f, 10);
	assert_int_equal(
		engine_rules(f.engine, fixture_book("[" GONE "]"), f.now_s * SECOND, f.wall_ms), 0);
	assert_int_equal(f.engine->outbox_count, 2);
	assert_int_equal(f.engine->outbox[1].kind, NOTICE_RECOVERED);
	fixture_step(&f, 1);
	assert_int_equal(f.engine->instances.count, 0);
}

static void alerts_are_held_while_not_all_rules_are_known(void **state)
{
	(void)state;
	f.slow[0].value = 2000;
	fixture_step(&f, 10);
	f.engine->holds = true;
	assert_int_equal(engine_rules(f.engine, fixture_book("[]"), f.now_s * SECOND, f.wall_ms),
			 0);
	fixture_step(&f, 50);
	assert_int_equal(f.engine->outbox_count, 1);
	assert_int_equal(f.engine->instances.count, 1);
	f.engine->holds = false;
	assert_int_equal(
		engine_rules(f.engine, fixture_book("[" SLOW "]"), f.now_s * SECOND, f.wall_ms), 0);
	fixture_step(&f, 10); /* it fires on, a cooldown after it was told */
	assert_int_equal(f.engine->outbox_count, 2);
	assert_int_equal(f.engine->outbox[1].kind, NOTICE_FIRING);
	assert_int_equal(f.engine->outbox[1].number, 2);
}

static void alerts_of_a_rule_that_stays_go_on_with_it(void **state)
{
	(void)state;
	f.slow[0].value = 2000;
	fixture_step(&f, 10);
	assert_int_equal(
		engine_rules(f.engine, fixture_book("[" SLOW "]"), f.now_s * SECOND, f.wall_ms), 0);
	fixture_step(&f, 9);
	assert_int_equal(fixture_rule(&f, "slow")->looked_ms, 0); /* not earlier for that */
	fixture_step(&f, 1);
	assert_int_equal(f.engine->outbox_count, 1);
	assert_int_equal(fixture_rule(&f, "slow")->firing, 1);
}

static void alerts_that_find_no_room_are_counted(void **state)
{
	(void)state;
	f.engine->instances.max = 1;
	f.slow_count = 2;
	f.slow[0].value = 2000;
	fixture_series(&f.slow[1], "bank", 2000);
	fixture_step(&f, 10);
	assert_int_equal(f.engine->outbox_count, 1);
	assert_int_equal(f.engine->instances.refused, 1);
}

static void what_was_sent_leaves_the_outbox(void **state)
{
	(void)state;
	f.slow_count = 2;
	f.slow[0].value = 2000;
	fixture_series(&f.slow[1], "bank", 2000);
	fixture_step(&f, 10);
	engine_sent(f.engine, 1);
	assert_int_equal(f.engine->outbox_count, 1);
	assert_int_equal(f.engine->outbox[0].sequence, 2);
}

static void an_agent_that_stood_still_looks_once_and_not_for_each_time(void **state)
{
	(void)state;
	fixture_step(&f, 1000);
	assert_int_equal(engine_step(f.engine, f.now_s * SECOND, f.wall_ms),
			 (f.now_s + 10) * SECOND);
}

static void the_past_holds_the_newest(void **state)
{
	(void)state;
	for (int i = 0; i < ENGINE_PAST + 2; i++) {
		f.slow[0].value = 2000;
		fixture_step(&f, 700);
		f.slow[0].value = 100;
		fixture_step(&f, 700);
	}
	assert_int_equal(f.engine->past_count, ENGINE_PAST);
	assert_int_equal(f.engine->past[(f.engine->past_next + ENGINE_PAST - 1) % ENGINE_PAST].id,
			 ENGINE_PAST + 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(good_series_make_no_alarms),
		TEST(a_rule_is_looked_at_in_its_interval_and_not_before),
		TEST(a_notice_says_what_who_reads_it_needs),
		TEST(a_recovery_has_duration_and_peak_and_stays_in_the_past),
		TEST(a_notice_says_when_the_severity_is_another),
		TEST(each_series_has_an_alert_of_its_own),
		TEST(a_series_that_vanished_keeps_firing),
		TEST(a_read_that_fails_changes_nothing),
		TEST(a_gone_target_inhibits_what_else_is_wrong_with_it),
		TEST(a_silence_holds_notices_back_until_it_ends),
		TEST(an_acknowledgement_is_for_what_fires),
		TEST(alerts_of_a_rule_that_was_removed_end),
		TEST(alerts_are_held_while_not_all_rules_are_known),
		TEST(alerts_of_a_rule_that_stays_go_on_with_it),
		TEST(alerts_that_find_no_room_are_counted),
		TEST(what_was_sent_leaves_the_outbox),
		TEST(an_agent_that_stood_still_looks_once_and_not_for_each_time),
		TEST(the_past_holds_the_newest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
