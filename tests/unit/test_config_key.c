#include "config_key.h"
#include "rs_test.h"

#include <errno.h>
#include <string.h>

static void every_key_is_complete_and_its_default_is_good(void **state)
{
	(void)state;
	for (int i = 0; i < CONFIG_KEYS; i++) {
		const struct config_info *info = config_info((enum config_key)i);
		const char *reason = "";

		assert_non_null(info->path);
		assert_non_null(info->unit);
		assert_true(strlen(info->help) > 0);
		assert_true(strlen(config_type_name(info->type)) > 0);
		if (*info->initial)
			assert_int_equal(config_value_check(info->type, info->initial, &reason), 0);
		assert_int_equal(config_key_find(info->path), i);
		if (info->flag)
			assert_int_equal(config_key_find_flag(info->flag), i);
	}
}

static void what_is_no_key_is_not_found(void **state)
{
	(void)state;
	assert_int_equal(config_key_find("http"), -ENOENT);
	assert_int_equal(config_key_find(""), -ENOENT);
	assert_int_equal(config_key_find_flag("labels"), -ENOENT); /* it has no flag */
	assert_int_equal(config_key_find_flag("http.listen"), -ENOENT);
}

static void a_slip_of_the_hand_finds_its_key(void **state)
{
	(void)state;
	assert_string_equal(config_key_nearest("http.lisen"), "http.listen");
	assert_string_equal(config_key_nearest("htpt.listen"), "http.listen");
	assert_string_equal(config_key_nearest("run-dir"), "run_dir");
	assert_string_equal(config_key_nearest("listen"), "http.listen");
	assert_null(config_key_nearest("something.else"));
}

static void the_environment_speaks_in_capitals(void **state)
{
	char name[64];

	(void)state;
	config_key_environment(CONFIG_HTTP_ALLOWED_HOSTS, name, sizeof(name));
	assert_string_equal(name, "RINGSIDE_HTTP_ALLOWED_HOSTS");
	config_key_environment(CONFIG_RUN_DIR, name, sizeof(name));
	assert_string_equal(name, "RINGSIDE_RUN_DIR");
}

static void each_type_takes_its_values_and_no_others(void **state)
{
	static const struct {
		enum config_type type;
		const char *good, *bad;
	} cases[] = {
		{ CONFIG_TYPE_PERCENT, "0", "-1" },
		{ CONFIG_TYPE_PERCENT, "100", "100.1" },
		{ CONFIG_TYPE_PERCENT, "12.5", "80%" },
		{ CONFIG_TYPE_PERCENT, "1e1", "nan" },
		{ CONFIG_TYPE_SPAN, "250ms", "250" },
		{ CONFIG_TYPE_SPAN, "1.5h", "soon" },
		{ CONFIG_TYPE_ADDRESS, "127.0.0.1:1", "127.0.0.1" },
		{ CONFIG_TYPE_ADDRESS, "none", "example.org:80" },
		{ CONFIG_TYPE_PATH, "/run", "run" },
		{ CONFIG_TYPE_PATH, "", "./run" },
		{ CONFIG_TYPE_PATH, "none", "~/run" },
		{ CONFIG_TYPE_LEVEL, "debug", "verbose" },
		{ CONFIG_TYPE_SWITCH, "true", "yes" },
		{ CONFIG_TYPE_SWITCH, "false", "" },
		{ CONFIG_TYPE_COUNT, "1", "0" },
		{ CONFIG_TYPE_COUNT, "1000", "1001" },
		{ CONFIG_TYPE_COUNT, "3", "2.5" },
		{ CONFIG_TYPE_SOURCE, "syscalls", "calls" },
		{ CONFIG_TYPE_REDIS, "redis://h", "rediss://h" },
		{ CONFIG_TYPE_REDIS, "unix:///run/s", "/run/s" },
		{ CONFIG_TYPE_PREFIX, "ringside:", "*:" },
		{ CONFIG_TYPE_MAP, "zone=a", "=a" },
		{ CONFIG_TYPE_MAP, "z_1=", "1z=a" },
		{ CONFIG_TYPE_MAP, "a=b=c", "a-b=c" },
		{ CONFIG_TYPE_MAP, "_=x", "zone" },
		{ CONFIG_TYPE_RULES, "exe=/x", "exe=" },
		{ CONFIG_TYPE_RULES, "service=x", "colour=x" },
		{ CONFIG_TYPE_NAMES, "exe=/x service=x", "service=x" },
		{ CONFIG_TYPE_ESCALATION, "after=3 notify=a", "after=3 whom=a" },
		{ CONFIG_TYPE_CHANNELS, "a type=log", "a type=slack url=x" },
		{ CONFIG_TYPE_PROXY, "listen=[::1]:1 upstream=127.0.0.1:2", "listen=[::1]:1" },
		{ CONFIG_TYPE_ORIGINS, "prefix=a: url=http://h/{rest}",
		  "prefix=a: url=http://{rest}" },
	};
	const char *reason;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(config_value_check(cases[i].type, cases[i].good, &reason), 0);
		reason = NULL;
		assert_true(config_value_check(cases[i].type, cases[i].bad, &reason) < 0);
		assert_memory_equal(reason, "must ", 5);
	}
	assert_int_equal(config_value_check(CONFIG_TYPE_TEXT, "any", &reason), 0);
	assert_int_equal(config_value_check(CONFIG_TYPE_SECRET, "any", &reason), 0);
	assert_int_equal(config_value_check(CONFIG_TYPE_LIST, "any", &reason), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_is_complete_and_its_default_is_good),
		cmocka_unit_test(what_is_no_key_is_not_found),
		cmocka_unit_test(a_slip_of_the_hand_finds_its_key),
		cmocka_unit_test(the_environment_speaks_in_capitals),
		cmocka_unit_test(each_type_takes_its_values_and_no_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
