#include "describe.h"
#include "rs_test.h"

#include <string.h>

static const struct spec_defaults defaults = { INT64_C(30000000000), INT64_C(300000000000) };

static struct spec rule(void)
{
	struct spec s;
	const char *reason;

	spec_init(&s, &defaults);
	strcpy(s.name, "slow");
	s.metric = METRIC_REQUESTS_DURATION;
	s.function = METRIC_P95;
	s.limits[SPEC_WARNING] = (struct spec_limit){ true, 2000, 1600 };
	s.limits[SPEC_CRITICAL] = (struct spec_limit){ true, 5000, 4000 };
	assert_int_equal(spec_labels_add(&s.labels, "team", "web", &reason), 0);
	return s;
}

static struct instance alert(const char *service)
{
	struct instance i = { .rule = "slow", .id = 7 };

	strcpy(i.labels.service, service);
	alarm_init(&i.alarm);
	i.alarm.severity = SPEC_CRITICAL;
	i.alarm.value = 6000;
	i.alarm.peak = 7000;
	i.alarm.notices = 3;
	i.alarm.level = 2;
	i.alarm.since_ms = INT64_C(1767225600000);
	return i;
}

static void a_notice_is_the_alert_as_it_stands(void **state)
{
	struct instance i = alert("shop");
	struct spec s = rule();
	struct notice n;

	(void)state;
	i.cause = (struct notice_cause){ NOTICE_CAUSE_SLOWEST, .name = "GET /a" };
	describe_alert("http://x", &s, &i, 5, &n);
	assert_int_equal(n.id, 7);
	assert_int_equal(n.severity, SPEC_CRITICAL);
	assert_true(n.value == 6000 && n.peak == 7000 && n.limit == 5000);
	assert_int_equal(n.unit, METRIC_UNIT_MS);
	assert_int_equal(n.number, 3);
	assert_int_equal(n.level, 2);
	assert_int_equal(n.at_ms, 5);
	assert_int_equal(n.since_ms, INT64_C(1767225600000));
	assert_int_equal(n.given.count, 1);
	assert_string_equal(n.given.at[0], "team=web");
	assert_string_equal(n.summary, "slow: 6 s (limit 5 s); GET /a was the slowest");
}

static void a_link_is_to_the_service(void **state)
{
	struct instance i = alert("shop");
	char base[sizeof("http://") + 140] = "";
	struct spec s = rule();
	struct notice n;

	(void)state;
	describe_alert("http://x", &s, &i, 5, &n);
	assert_string_equal(n.link, "http://x/api/performance/metrics?service=shop");
	i = alert("a&route=/x#%41 b");
	describe_alert("http://x", &s, &i, 5, &n);
	assert_string_equal(n.link, "http://x/api/performance/metrics?"
				    "service=a%26route%3D%2Fx%23%2541%20b");
	i = alert("");
	memset(base, 'b', sizeof(base) - 1);
	memset(i.labels.service, '&', sizeof(i.labels.service) - 1);
	describe_alert(base, &s, &i, 5, &n); /* none is longer */
	assert_int_equal(strlen(n.link), sizeof(base) - 1 +
						 strlen("/api/performance/metrics?"
							"service=") +
						 3 * (sizeof(i.labels.service) - 1));
	i = alert("");
	describe_alert("http://x", &s, &i, 5, &n);
	assert_string_equal(n.link, "http://x/api/performance/metrics");
}

static void a_sentence_has_the_fields_that_its_rule_names(void **state)
{
	struct instance i = alert("shop");
	struct spec s = rule();
	struct notice n;

	(void)state;
	strcpy(s.summary, "{severity}: {service} {value} of {window} since {since}");
	describe_alert("", &s, &i, 5, &n);
	assert_string_equal(n.summary,
			    "critical: shop 6 s of 300 s since 2026-01-01T00:00:00.000Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_notice_is_the_alert_as_it_stands),
		cmocka_unit_test(a_link_is_to_the_service),
		cmocka_unit_test(a_sentence_has_the_fields_that_its_rule_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
