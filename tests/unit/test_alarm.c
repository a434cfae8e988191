#include "alarm.h"
#include "rs_test.h"

#include <math.h>
#include <string.h>

#define SECOND INT64_C(1000000000)
#define HOUR_MS INT64_C(3600000)

static struct spec spec;
static struct alarm alarm_;
static int64_t now_s;
static int64_t wall_ms;
static bool muted;

static int setup(void **state)
{
	(void)state;
	memset(&spec, 0, sizeof(spec));
	spec.interval_ns = 30 * SECOND;
	spec.cooldown_ns = 300 * SECOND;
	spec.need = spec.of = 1;
	spec.limits[SPEC_WARNING] = (struct spec_limit){ true, 80, 70 };
	spec.limits[SPEC_CRITICAL] = (struct spec_limit){ true, 90, 85 };
	alarm_init(&alarm_);
	now_s = 1000;
	wall_ms = INT64_C(1767225600000);
	muted = false;
	return 0;
}

/* The next look, so many seconds later. */
static unsigned int look(int64_t after_s, double value)
{
	struct alarm_look l = {
		.value = value, .muted = muted, .second_level = 3, .third_level = 6
	};

	now_s += after_s;
	wall_ms += after_s * 1000;
	l.now_ns = now_s * SECOND;
	l.wall_ms = wall_ms;
	return alarm_step(&alarm_, &spec, &l);
}

static void a_good_value_leaves_it_quiet(void **state)
{
	(void)state;
	assert_int_equal(look(0, 80), 0);
	assert_int_equal(alarm_.state, ALARM_QUIET);
}

static void a_bad_value_fires_and_is_told_at_once(void **state)
{
	(void)state;
	assert_int_equal(look(0, 81), ALARM_CHANGED | ALARM_NOTICE);
	assert_int_equal(alarm_.state, ALARM_FIRING);
	assert_int_equal(alarm_.severity, SPEC_WARNING);
	assert_int_equal(alarm_.level, 1);
	assert_int_equal(alarm_.notices, 1);
	assert_int_equal(alarm_.since_ns, 1000 * SECOND);
	assert_int_equal(alarm_.since_ms, wall_ms);
}

static void it_ends_at_its_clear_value_and_not_before(void **state)
{
	(void)state;
	look(0, 81);
	assert_int_equal(look(30, 75), 0);
	assert_int_equal(alarm_.state, ALARM_FIRING);
	assert_int_equal(look(30, 70), ALARM_CHANGED | ALARM_RECOVERY);
	assert_int_equal(alarm_.state, ALARM_QUIET);
	assert_int_equal(look(30, 75), 0);
}

static void each_severity_has_its_own_clear_value(void **state)
{
	(void)state;
	look(0, 95);
	assert_int_equal(alarm_.severity, SPEC_CRITICAL);
	assert_int_equal(look(30, 86), 0);
	assert_int_equal(alarm_.severity, SPEC_CRITICAL);
	assert_int_equal(look(30, 85), ALARM_CHANGED);
	assert_int_equal(alarm_.severity, SPEC_WARNING);
	assert_true(alarm_.peak == 95);
}

static void what_gets_worse_is_told_within_the_cooldown(void **state)
{
	(void)state;
	look(0, 81);
	assert_int_equal(look(30, 91), ALARM_CHANGED | ALARM_NOTICE);
	look(30, 80);
	assert_int_equal(alarm_.severity, SPEC_WARNING);
	assert_int_equal(look(30, 91), ALARM_CHANGED); /* that was told already */
}

static void below_is_bad_below(void **state)
{
	(void)state;
	spec.below = true;
	spec.limits[SPEC_WARNING] = (struct spec_limit){ true, 80, 85 };
	spec.limits[SPEC_CRITICAL] = (struct spec_limit){ true, 50, 60 };
	assert_int_equal(look(0, 80), 0);
	look(30, 79);
	assert_int_equal(alarm_.state, ALARM_FIRING);
	look(30, 40);
	assert_int_equal(alarm_.severity, SPEC_CRITICAL);
	assert_true(alarm_.peak == 40);
	look(30, 61);
	assert_int_equal(alarm_.severity, SPEC_WARNING);
	assert_int_equal(look(30, 85), ALARM_CHANGED | ALARM_RECOVERY);
}

static void a_time_must_pass_before_it_fires(void **state)
{
	(void)state;
	spec.for_ns = 60 * SECOND;
	assert_int_equal(look(0, 95), ALARM_CHANGED);
	assert_int_equal(alarm_.state, ALARM_PENDING);
	assert_int_equal(alarm_.severity, SPEC_CRITICAL);
	assert_int_equal(look(30, 95), 0);
	assert_int_equal(look(30, 95), ALARM_CHANGED | ALARM_NOTICE);
	assert_int_equal(alarm_.state, ALARM_FIRING);
}

static void a_good_value_starts_the_time_anew(void **state)
{
	(void)state;
	spec.for_ns = 60 * SECOND;
	look(0, 95);
	assert_int_equal(look(30, 50), ALARM_CHANGED);
	assert_int_equal(alarm_.state, ALARM_QUIET);
	look(30, 95);
	look(30, 95);
	assert_int_equal(alarm_.state, ALARM_PENDING);
}

static void three_of_five_looks_fire_and_fewer_do_not(void **state)
{
	(void)state;
	spec.need = 3;
	spec.of = 5;
	look(0, 81);
	look(30, 60);
	look(30, 81);
	assert_int_equal(alarm_.state, ALARM_PENDING);
	look(30, 60);
	assert_int_equal(look(30, 81), ALARM_CHANGED | ALARM_NOTICE);
	assert_int_equal(look(30, 60), ALARM_CHANGED | ALARM_RECOVERY); /* two of five are left */
	assert_int_equal(alarm_.state, ALARM_QUIET);
}

static void a_lone_bad_look_is_forgotten_after_m(void **state)
{
	(void)state;
	spec.need = 2;
	spec.of = 3;
	look(0, 81);
	look(30, 60);
	look(30, 60);
	assert_int_equal(alarm_.state, ALARM_PENDING);
	assert_int_equal(look(30, 60), ALARM_CHANGED);
	assert_int_equal(alarm_.state, ALARM_QUIET);
}

static void one_notice_a_cooldown_and_the_third_goes_to_level_2(void **state)
{
	(void)state;
	assert_true(look(0, 81) & ALARM_NOTICE);
	for (int notice = 2; notice <= 7; notice++) {
		for (int i = 0; i < 9; i++)
			assert_int_equal(look(30, 81), 0);
		assert_int_equal(look(30, 81), ALARM_NOTICE);
		assert_int_equal(alarm_.notices, notice);
		assert_int_equal(alarm_.level, notice < 3 ? 1 : 2);
	}
}

static void level_3_is_for_what_impacts_the_service(void **state)
{
	(void)state;
	spec.service_impacting = true;
	for (int i = 0; i < 5; i++)
		look(300, 81);
	assert_int_equal(alarm_.level, 2);
	look(300, 81);
	assert_int_equal(alarm_.level, 3);
}

static void what_fires_again_begins_at_level_1(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		look(300, 81);
	assert_int_equal(alarm_.level, 2);
	look(300, 60);
	assert_true(look(300, 81) & ALARM_NOTICE);
	assert_int_equal(alarm_.level, 1);
	assert_int_equal(alarm_.notices, 1);
}

static void what_fires_again_within_the_cooldown_waits_for_its_end(void **state)
{
	(void)state;
	look(0, 81);
	assert_true(look(30, 60) & ALARM_RECOVERY);
	assert_int_equal(look(30, 81), ALARM_CHANGED);
	assert_int_equal(look(30, 60), ALARM_CHANGED); /* nobody knew of it */
	look(30, 81);
	assert_int_equal(look(179, 81), 0);
	assert_int_equal(look(1, 81), ALARM_NOTICE);
	assert_int_equal(alarm_.notices, 1);
}

static void an_acknowledged_one_is_silent_until_it_gets_worse_or_ends(void **state)
{
	(void)state;
	look(0, 81);
	alarm_.acknowledged = true;
	assert_int_equal(look(300, 81), 0);
	assert_int_equal(look(300, 91), ALARM_CHANGED | ALARM_NOTICE);
	assert_false(alarm_.acknowledged);
	alarm_.acknowledged = true;
	assert_true(look(30, 60) & ALARM_RECOVERY);
	assert_true(look(300, 81) & ALARM_NOTICE);
}

static void a_muted_one_is_told_once_it_is_muted_no_more(void **state)
{
	(void)state;
	muted = true;
	assert_int_equal(look(0, 81), ALARM_CHANGED);
	assert_int_equal(look(300, 81), 0);
	muted = false;
	assert_int_equal(look(30, 81), ALARM_NOTICE);
	assert_int_equal(alarm_.level, 1);
	muted = true;
	assert_true(look(30, 60) & ALARM_RECOVERY); /* who was told of it is told of its end */
}

static void nobody_is_told_the_end_of_what_nobody_knew(void **state)
{
	(void)state;
	muted = true;
	look(0, 81);
	assert_int_equal(look(30, 60), ALARM_CHANGED);
}

static void it_keeps_firing_for_as_long_as_it_is_told_to(void **state)
{
	(void)state;
	spec.keep_ns = 60 * SECOND;
	look(0, 81);
	assert_int_equal(look(30, 60), 0);
	assert_int_equal(look(29, 60), 0);
	assert_true(look(1, 60) & ALARM_RECOVERY);
}

static void without_data_it_stays_as_it_is(void **state)
{
	(void)state;
	assert_int_equal(look(0, (double)NAN), 0);
	look(30, 81);
	assert_int_equal(look(30, (double)NAN), 0);
	assert_int_equal(alarm_.state, ALARM_FIRING);
	assert_true(alarm_.blind);
	assert_true(alarm_.value == 81);
	assert_int_equal(look(270, (double)NAN), ALARM_NOTICE); /* it is not known to be over */
}

static void without_data_ok_ends_it(void **state)
{
	(void)state;
	spec.nodata = SPEC_OK;
	look(0, 81);
	assert_int_equal(look(30, (double)NAN), ALARM_CHANGED | ALARM_RECOVERY);
}

static void without_data_alert_fires_as_the_worst(void **state)
{
	(void)state;
	spec.nodata = SPEC_ALERT;
	assert_int_equal(look(0, (double)NAN), ALARM_CHANGED | ALARM_NOTICE);
	assert_int_equal(alarm_.severity, SPEC_CRITICAL);
	assert_true(look(30, 60) & ALARM_RECOVERY);
	spec.limits[SPEC_CRITICAL].set = false;
	look(300, (double)NAN);
	assert_int_equal(alarm_.severity, SPEC_WARNING);
}

static void without_data_a_pending_one_neither_fires_nor_ends(void **state)
{
	(void)state;
	spec.for_ns = 60 * SECOND;
	look(0, 81);
	assert_int_equal(look(90, (double)NAN), 0);
	assert_int_equal(alarm_.state, ALARM_PENDING);
}

static void one_that_flaps_is_held_for_a_cooldown(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		look(30, 81);
		assert_int_equal(alarm_.state, ALARM_FIRING);
		assert_false(alarm_.flapping);
		look(30, 60);
		assert_int_equal(alarm_.state, ALARM_QUIET);
	}
	look(30, 81); /* the ninth change within half an hour */
	assert_true(alarm_.flapping);
	look(30, 60);
	assert_int_equal(alarm_.state, ALARM_FIRING);
	look(269, 60);
	assert_int_equal(alarm_.state, ALARM_FIRING);
	look(1, 60);
	assert_int_equal(alarm_.state, ALARM_QUIET);
	assert_false(alarm_.flapping);
}

static void one_that_fires_seldom_does_not_flap(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++) {
		look(300, 81);
		assert_false(alarm_.flapping);
		look(300, 60);
	}
}

static void a_step_of_the_wall_clock_neither_fires_nor_ends_anything(void **state)
{
	(void)state;
	spec.for_ns = 60 * SECOND;
	look(0, 81);
	wall_ms += HOUR_MS;
	assert_int_equal(look(30, 81), 0);
	assert_int_equal(alarm_.state, ALARM_PENDING);
	assert_true(look(30, 81) & ALARM_NOTICE);
	wall_ms += HOUR_MS;
	assert_int_equal(look(30, 81), 0); /* no cooldown has passed */
	wall_ms -= 3 * HOUR_MS;
	assert_int_equal(look(30, 81), 0);
	assert_int_equal(alarm_.state, ALARM_FIRING);
	assert_int_equal(look(240, 81), ALARM_NOTICE); /* and one has, whatever the clock says */
}

static void one_whose_rule_is_gone_ends(void **state)
{
	struct alarm_look l = { .now_ns = 2000 * SECOND, .wall_ms = 1 };

	(void)state;
	assert_int_equal(alarm_end(&alarm_, &l), 0);
	look(0, 81);
	assert_int_equal(alarm_end(&alarm_, &l), ALARM_CHANGED | ALARM_RECOVERY);
	assert_int_equal(alarm_.state, ALARM_QUIET);
	look(0, 60);
	assert_int_equal(alarm_.state, ALARM_QUIET);
}

static void it_is_forgotten_when_nothing_of_it_matters_any_more(void **state)
{
	(void)state;
	assert_true(alarm_is_over(&alarm_, &spec, now_s * SECOND));
	look(0, 81);
	assert_false(alarm_is_over(&alarm_, &spec, now_s * SECOND + 2 * ALARM_FLAP_NS));
	look(30, 60);
	assert_false(alarm_is_over(&alarm_, &spec, now_s * SECOND + 200 * SECOND));
	assert_false(alarm_is_over(&alarm_, &spec, now_s * SECOND + ALARM_FLAP_NS - 1));
	assert_true(alarm_is_over(&alarm_, &spec, now_s * SECOND + ALARM_FLAP_NS));
}

static void another_boot_moves_all_its_times(void **state)
{
	(void)state;
	look(0, 81);
	alarm_shift(&alarm_, -900 * SECOND);
	now_s -= 900;
	assert_int_equal(alarm_.since_ns, 100 * SECOND);
	assert_int_equal(look(299, 81), 0);
	assert_int_equal(look(1, 81), ALARM_NOTICE);
	assert_int_equal(alarm_.limits[SPEC_CRITICAL].over_ns, ALARM_NEVER);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_good_value_leaves_it_quiet),
		TEST(a_bad_value_fires_and_is_told_at_once),
		TEST(it_ends_at_its_clear_value_and_not_before),
		TEST(each_severity_has_its_own_clear_value),
		TEST(what_gets_worse_is_told_within_the_cooldown),
		TEST(below_is_bad_below),
		TEST(a_time_must_pass_before_it_fires),
		TEST(a_good_value_starts_the_time_anew),
		TEST(three_of_five_looks_fire_and_fewer_do_not),
		TEST(a_lone_bad_look_is_forgotten_after_m),
		TEST(one_notice_a_cooldown_and_the_third_goes_to_level_2),
		TEST(level_3_is_for_what_impacts_the_service),
		TEST(what_fires_again_begins_at_level_1),
		TEST(what_fires_again_within_the_cooldown_waits_for_its_end),
		TEST(an_acknowledged_one_is_silent_until_it_gets_worse_or_ends),
		TEST(a_muted_one_is_told_once_it_is_muted_no_more),
		TEST(nobody_is_told_the_end_of_what_nobody_knew),
		TEST(it_keeps_firing_for_as_long_as_it_is_told_to),
		TEST(without_data_it_stays_as_it_is),
		TEST(without_data_ok_ends_it),
		TEST(without_data_alert_fires_as_the_worst),
		TEST(without_data_a_pending_one_neither_fires_nor_ends),
		TEST(one_that_flaps_is_held_for_a_cooldown),
		TEST(one_that_fires_seldom_does_not_flap),
		TEST(a_step_of_the_wall_clock_neither_fires_nor_ends_anything),
		TEST(one_whose_rule_is_gone_ends),
		TEST(it_is_forgotten_when_nothing_of_it_matters_any_more),
		TEST(another_boot_moves_all_its_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
