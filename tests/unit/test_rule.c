#include "rs_test.h"
#include "rule.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct rule parsed(const char *text, bool names)
{
	const char *reason = "";
	struct rule rule;

	assert_int_equal(rule_parse(text, names, &rule, &reason), 0);
	return rule;
}

static enum rule_match matched(const char *text, const char *exe, const char *cgroup, uint16_t port)
{
	const struct rule_subject subject = { .text = { exe, "shop", cgroup },
					      .ports = &port,
					      .port_count = port != 0 };
	struct rule rule = parsed(text, false);

	return rule_matches(&rule, false, &subject);
}

static void a_rule_is_its_members(void **state)
{
	struct rule rule = parsed("  exe=/a/*   port=65535 service=s=t cgroup=/c ", false);

	(void)state;
	assert_string_equal(rule.text[RULE_EXE], "/a/*");
	assert_string_equal(rule.text[RULE_SERVICE], "s=t");
	assert_string_equal(rule.text[RULE_CGROUP], "/c");
	assert_int_equal(rule.port, 65535);
	assert_int_equal(parsed("port=1 port=2", false).port, 2);
}

static void what_is_no_rule_is_refused(void **state)
{
	static const char *const bad[] = {
		"",        " ",       "x",        "exe",    "exe=",
		"exe=a b", "exes=a",  "port=0",   "port=x", "port=65536",
		"port=-1", "port=+1", "port=80x", "=a",     "exe=a port="
	};
	char text[RULE_TEXT + 32];
	const char *reason;
	struct rule rule;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		reason = NULL;
		assert_int_equal(rule_parse(bad[i], false, &rule, &reason), -EINVAL);
		assert_non_null(reason);
	}
	for (int length = RULE_TEXT - 2; length <= RULE_TEXT + 12; length++) {
		snprintf(text, sizeof(text), "exe=%0*d", length, 0);
		assert_int_equal(rule_parse(text, false, &rule, &reason),
				 length < RULE_TEXT ? 0 : -EINVAL);
	}
}

static void a_name_needs_a_service_and_somebody_to_bear_it(void **state)
{
	const char *reason;
	struct rule rule;

	(void)state;
	assert_int_equal(rule_parse("service=x", true, &rule, &reason), -EINVAL);
	assert_non_null(strstr(reason, "which processes"));
	assert_int_equal(rule_parse("exe=x", true, &rule, &reason), -EINVAL);
	assert_non_null(strstr(reason, "how they are called"));
	assert_int_equal(rule_parse("service=x port=1", true, &rule, &reason), 0);
	assert_int_equal(rule_parse("service=x cgroup=/", true, &rule, &reason), 0);
}

static void all_of_a_rule_must_match(void **state)
{
	(void)state;
	assert_int_equal(matched("exe=/usr/*", "/usr/sbin/nginx", "/", 0), RULE_YES);
	assert_int_equal(matched("exe=/usr/*", "/opt/nginx", "/", 0), RULE_NO);
	assert_int_equal(matched("exe=/usr/* cgroup=/a", "/usr/x", "/a", 0), RULE_YES);
	assert_int_equal(matched("exe=/usr/* cgroup=/a", "/usr/x", "/b", 0), RULE_NO);
	assert_int_equal(matched("service=s?op", "/usr/x", "/b", 0), RULE_YES);
	assert_int_equal(matched("service=store", "/usr/x", "/b", 0), RULE_NO);
}

static void an_exe_without_a_slash_is_a_base_name(void **state)
{
	(void)state;
	assert_int_equal(matched("exe=nginx", "/usr/sbin/nginx", "/", 0), RULE_YES);
	assert_int_equal(matched("exe=n*x", "/usr/sbin/nginx", "/", 0), RULE_YES);
	assert_int_equal(matched("exe=sbin*", "/usr/sbin/nginx", "/", 0), RULE_NO);
	assert_int_equal(matched("exe=nginx", "nginx", "/", 0), RULE_YES);
	assert_int_equal(matched("exe=*", "", "/", 0), RULE_YES); /* it could not be read */
	/* other fields have no base name */
	assert_int_equal(matched("cgroup=b", "/x", "/a/b", 0), RULE_NO);
}

static void a_port_that_is_not_known_yet_is_told_apart(void **state)
{
	(void)state;
	assert_int_equal(matched("port=80", "/x", "/", 80), RULE_YES);
	assert_int_equal(matched("port=80", "/x", "/", 81), RULE_NO);
	assert_int_equal(matched("port=80", "/x", "/", 0), RULE_BY_PORT);
	assert_int_equal(matched("port=80 exe=/y", "/x", "/", 0), RULE_NO);
}

static void a_name_does_not_ask_for_the_service(void **state)
{
	const struct rule_subject subject = { .text = { "/x", "other", "/" } };
	struct rule rule = parsed("exe=/x service=shop", true);

	(void)state;
	assert_int_equal(rule_matches(&rule, true, &subject), RULE_YES);
	assert_int_equal(rule_matches(&rule, false, &subject), RULE_NO);
}

static void a_slip_of_the_hand_finds_its_field(void **state)
{
	const char *near = "";

	(void)state;
	assert_int_equal(rule_field_find("cgroup", &near), RULE_CGROUP);
	assert_int_equal(rule_field_find("prot", &near), -ENOENT);
	assert_string_equal(near, rule_field_name(RULE_PORT));
	assert_int_equal(rule_field_find("colour", &near), -ENOENT);
	assert_null(near);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_is_its_members),
		cmocka_unit_test(what_is_no_rule_is_refused),
		cmocka_unit_test(a_name_needs_a_service_and_somebody_to_bear_it),
		cmocka_unit_test(all_of_a_rule_must_match),
		cmocka_unit_test(an_exe_without_a_slash_is_a_base_name),
		cmocka_unit_test(a_port_that_is_not_known_yet_is_told_apart),
		cmocka_unit_test(a_name_does_not_ask_for_the_service),
		cmocka_unit_test(a_slip_of_the_hand_finds_its_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
