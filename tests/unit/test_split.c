#include "../../agent/split.c" /* white box: who needs a runner */
#include "rs_test.h"

static bool sends(const char *json)
{
	struct config_alerts *alerts;
	struct config_error error;
	struct config *config;
	struct split s = { .error = &error };
	bool result;

	assert_int_equal(config_open(&config), 0);
	assert_int_equal(config_read(config, "c", json, strlen(json), &error), 0);
	s.config = config;
	assert_int_equal(config_alerts_open(&alerts, config, &error), 0);
	result = split_sends(&s, alerts);
	config_alerts_close(alerts);
	config_close(config);
	return result;
}

static void a_runner_is_for_channels_that_need_it(void **state)
{
	(void)state;
	assert_false(sends("{}"));
	assert_false(sends("{\"alerts\": {\"channels\": {\"l\": {\"type\": \"log\"}}}}"));
	assert_true(sends("{\"alerts\": {\"channels\": {\"d\": {\"type\": \"dogstatsd\"}}}}"));
	assert_false(sends("{\"alerts\": {\"enabled\": false, \"channels\": {\"d\": {\"type\": "
			   "\"dogstatsd\"}}}}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(
		a_runner_is_for_channels_that_need_it) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
