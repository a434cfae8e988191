#include "rs_test.h"
#include "spec.h"

#include <errno.h>
#include <string.h>

#define SECOND INT64_C(1000000000)

static const struct spec_defaults defaults = { 30 * SECOND, 300 * SECOND };

static struct spec good(void)
{
	struct spec s;

	spec_init(&s, &defaults);
	s.metric = METRIC_REQUESTS_DURATION;
	s.function = METRIC_AVG;
	s.limits[SPEC_WARNING] = (struct spec_limit){ true, 500, 400 };
	s.limits[SPEC_CRITICAL] = (struct spec_limit){ true, 1000, 800 };
	return s;
}

static void is_refused(const struct spec *s, const char *at)
{
	const char *key = NULL, *reason = NULL;

	assert_int_equal(spec_check(s, &key, &reason), -EINVAL);
	assert_string_equal(key, at);
	assert_true(strlen(reason) > 0);
}

static void a_rule_that_fits_together_is_good(void **state)
{
	const char *key, *reason;
	struct spec s = good();

	(void)state;
	assert_int_equal(spec_check(&s, &key, &reason), 0);
	assert_int_equal(s.interval_ns, 30 * SECOND);
	assert_int_equal(s.cooldown_ns, 300 * SECOND);
	s.limits[SPEC_WARNING].set = false;
	assert_int_equal(spec_check(&s, &key, &reason), 0);
}

static void limits_that_contradict_each_other_are_refused(void **state)
{
	struct spec s = good();

	(void)state;
	s.limits[SPEC_WARNING].limit = 2000;
	is_refused(&s, "warning");
	s = good();
	s.limits[SPEC_WARNING].clear = 501;
	is_refused(&s, "warning");
	s = good();
	s.limits[SPEC_CRITICAL].clear = 1001;
	is_refused(&s, "critical");
	s = good();
	s.limits[SPEC_WARNING].set = s.limits[SPEC_CRITICAL].set = false;
	is_refused(&s, "warning");
	s = good();
	s.below = true; /* 500 before 1000 is the wrong way round then */
	is_refused(&s, "warning");
}

static void what_can_never_match_is_refused(void **state)
{
	struct spec s = good();

	(void)state;
	s.metric = METRIC_CPU_PERCENT;
	s.by_route = true;
	is_refused(&s, "scope");
	s = good();
	s.metric = METRIC_AGENT_MEMORY;
	s.function = METRIC_LAST;
	strcpy(s.service, "*");
	is_refused(&s, "scope");
	s = good();
	strcpy(s.service, "my shop");
	is_refused(&s, "scope.service");
	memset(s.service, 'a', 80);
	s.service[80] = '\0';
	is_refused(&s, "scope.service");
	s = good();
	s.metric = METRIC_MEMORY_PERCENT;
	s.function = METRIC_LAST;
	s.limits[SPEC_WARNING].set = false;
	s.limits[SPEC_CRITICAL] = (struct spec_limit){ true, 100, 90 };
	is_refused(&s, "critical");
	s = good();
	s.limits[SPEC_CRITICAL].set = false;
	s.below = true;
	s.limits[SPEC_WARNING] = (struct spec_limit){ true, 0, 0 };
	is_refused(&s, "warning");
}

/* A rule with one limit of this kind, which no value passes, or one does. */
static void passes(const struct spec *of, bool below, double limit, bool can)
{
	const char *key = NULL, *reason = NULL;
	struct spec s = *of;

	s.below = below;
	s.limits[SPEC_WARNING].set = false;
	s.limits[SPEC_CRITICAL] = (struct spec_limit){ true, limit, limit };
	if (can)
		assert_int_equal(spec_check(&s, &key, &reason), 0);
	else
		is_refused(&s, "critical");
}

static void a_limit_that_no_value_passes_is_refused(void **state)
{
	struct spec s = good();

	(void)state;
	s.metric = METRIC_REQUESTS_RATE;
	s.function = METRIC_ABSENT;
	passes(&s, false, 0, true);
	passes(&s, false, 0.99, true);
	passes(&s, false, 1, false);
	passes(&s, true, 1, true);
	passes(&s, true, 0, false);
	s.function = METRIC_RATE;
	passes(&s, false, 1e9, true);
	s.against_ns = 3600 * SECOND;
	passes(&s, true, -99, true);
	passes(&s, true, -100, false);
	passes(&s, true, -150, false);
	passes(&s, false, 400, true); /* five times as much as before */
	s.metric = METRIC_REQUESTS_ERRORS;
	s.function = METRIC_RATIO;
	passes(&s, false, 400, true);
	s = good();
	s.metric = METRIC_SLO_BURN;
	s.function = METRIC_LAST;
	s.objective = 99.9;
	passes(&s, false, 999, true);
	passes(&s, false, 1000, false);
	s.objective = 50;
	passes(&s, false, 1.9, true);
	passes(&s, false, 2, false);
}

static void windows_are_those_that_are_kept(void **state)
{
	struct spec s = good();

	(void)state;
	s.window_ns = SPEC_KEPT_NS + 1;
	is_refused(&s, "window");
	s = good();
	s.against_ns = SECOND;
	is_refused(&s, "against");
	s.against_ns = SPEC_KEPT_NS;
	is_refused(&s, "window");
	s.against_ns = 600 * SECOND;
	s.function = METRIC_P95;
	is_refused(&s, "against");
	s = good();
	s.interval_ns = SECOND - 1;
	is_refused(&s, "interval");
	s = good();
	s.objective = 99;
	is_refused(&s, "objective");
	s.metric = METRIC_SLO_BURN;
	s.function = METRIC_LAST;
	s.objective = 100;
	is_refused(&s, "objective");
	s.objective = 0;
	is_refused(&s, "objective");
}

static void a_limit_is_passed_strictly_and_cleared_at_its_own_value(void **state)
{
	struct spec s = good();

	(void)state;
	assert_false(spec_is_over(&s, SPEC_WARNING, 500));
	assert_true(spec_is_over(&s, SPEC_WARNING, 500.1));
	assert_false(spec_is_clear(&s, SPEC_WARNING, 401));
	assert_true(spec_is_clear(&s, SPEC_WARNING, 400));
	s.below = true;
	assert_true(spec_is_over(&s, SPEC_WARNING, 499));
	assert_false(spec_is_over(&s, SPEC_WARNING, 500));
	s.limits[SPEC_WARNING].set = false;
	assert_false(spec_is_over(&s, SPEC_WARNING, 1));
	assert_true(spec_is_clear(&s, SPEC_WARNING, 1));
}

static void a_scope_is_globs_of_what_a_series_has(void **state)
{
	struct spec s = good();

	(void)state;
	assert_true(spec_has(&s, "shop", "", NULL));
	strcpy(s.service, "sh*");
	strcpy(s.route, "/a/?");
	assert_true(spec_has(&s, "shop", "", "/a/b"));
	assert_false(spec_has(&s, "bank", "", "/a/b"));
	assert_false(spec_has(&s, "shop", "", "/a/bc"));
	assert_true(spec_has(&s, NULL, NULL, NULL));
	strcpy(s.environment, "test");
	assert_false(spec_has(&s, "shop", "", "/a/b"));
}

static void a_comparison_is_in_percent(void **state)
{
	struct spec s = good();

	(void)state;
	assert_int_equal(spec_unit(&s), METRIC_UNIT_MS);
	s.against_ns = SECOND;
	assert_int_equal(spec_unit(&s), METRIC_UNIT_PERCENT);
	assert_string_equal(spec_severity_name(SPEC_CRITICAL), "critical");
	assert_string_equal(spec_nodata_name(SPEC_ALERT), "alert");
}

static void labels_are_named_as_receivers_take_them(void **state)
{
	static const char *const bad[] = { "", "1a", "a-b", "a.b", "\xc3\xa4", "a=b" };
	char text[SPEC_LABELS_TEXT], name[] = "a0";
	struct spec_labels l = { .count = 0 };
	struct spec_label label;
	const char *reason;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(spec_labels_add(&l, bad[i], "x", &reason), -EINVAL);
		assert_non_null(strstr(reason, "begins with no digit"));
	}
	assert_int_equal(spec_labels_add(&l, "severity", "page", &reason), -EINVAL);
	assert_non_null(strstr(reason, "of this name already"));
	assert_int_equal(spec_labels_add(&l, "team", "a=b", &reason), 0);
	spec_labels_get(&l, 0, &label);
	assert_string_equal(label.name, "team");
	assert_string_equal(label.value, "a=b");
	for (int i = 1; i < SPEC_LABELS; i++, name[1]++)
		assert_int_equal(spec_labels_add(&l, name, "", &reason), 0);
	assert_int_equal(spec_labels_add(&l, "b", "c", &reason), -EINVAL);
	spec_labels_text(&l, text, sizeof(text));
	assert_string_equal(text, "team=a=b, a0=, a1=, a2=, a3=, a4=, a5=, a6=");
	spec_labels_text(&l, text, 12);
	assert_string_equal(text, "team=a=b, a");
}

static void labels_from_outside_are_looked_at(void **state)
{
	struct spec_labels l = { .at = { "a=b", "c" }, .count = 1 };

	(void)state;
	assert_true(spec_labels_are_sound(&l));
	l.count = 2;
	assert_false(spec_labels_are_sound(&l));
	memset(l.at[1], '=', SPEC_LABEL);
	assert_false(spec_labels_are_sound(&l));
	l.at[1][SPEC_LABEL - 1] = '\0';
	assert_true(spec_labels_are_sound(&l));
	l.count = SPEC_LABELS + 1;
	assert_false(spec_labels_are_sound(&l));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_that_fits_together_is_good),
		cmocka_unit_test(limits_that_contradict_each_other_are_refused),
		cmocka_unit_test(what_can_never_match_is_refused),
		cmocka_unit_test(a_limit_that_no_value_passes_is_refused),
		cmocka_unit_test(windows_are_those_that_are_kept),
		cmocka_unit_test(a_limit_is_passed_strictly_and_cleared_at_its_own_value),
		cmocka_unit_test(a_scope_is_globs_of_what_a_series_has),
		cmocka_unit_test(a_comparison_is_in_percent),
		cmocka_unit_test(labels_are_named_as_receivers_take_them),
		cmocka_unit_test(labels_from_outside_are_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
