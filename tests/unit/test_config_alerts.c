#include "config_alerts.h"
#include "rs_test.h"

#include <stdio.h>
#include <string.h>

#define OPS "\"channels\": {\"ops\": {\"type\": \"webhook\", \"url\": \"http://x/\"}}"

static struct config_alerts a; /* the last good ones */
static struct config_error error;

static int read_alerts(const char *keys)
{
	struct config_alerts *opened = NULL;
	struct config *c;
	char text[1024];
	int n = snprintf(text, sizeof(text), "{\"alerts\": {%s}}", keys), ret;

	error.text[0] = '\0';
	assert_int_equal(config_open(&c), 0);
	ret = config_read(c, "r.json", text, (size_t)n, &error);
	if (!ret)
		ret = config_alerts_open(&opened, c, &error);
	if (opened)
		a = *opened;
	config_alerts_close(opened);
	config_close(c);
	return ret;
}

static void log_and_email_are_always_there(void **state)
{
	(void)state;
	assert_int_equal(read_alerts(""), 0);
	assert_int_equal(a.count, 2);
	assert_int_equal(a.in_use, 1); /* mail is not configured */
	assert_int_equal(a.levels[0], 3);
	assert_int_equal(a.second, 3);
	assert_int_equal(a.third, 6);
	assert_int_equal(read_alerts("\"channels\": {\"email\": {\"type\": \"email\", \"smtp\": "
				     "\"smtp://x\", \"from\": \"a@b\", \"to\": \"c@d\"}}"),
			 0);
	assert_int_equal(a.count, 2);
	assert_int_equal(a.in_use, 3);
}

static void each_level_adds_its_channels(void **state)
{
	(void)state;
	assert_int_equal(read_alerts(OPS ", \"notify\": \"log\", \"escalation\": [{\"after\": 4, "
					 "\"notify\": \"ops\"}, {\"after\": 9, \"notify\": "
					 "[\"ops\", \"log\"], \"when\": \"service-impacting\"}]"),
			 0);
	assert_int_equal(a.levels[0], 1);
	assert_int_equal(a.levels[1], 4);
	assert_int_equal(a.levels[2], 5);
	assert_int_equal(a.second, 4);
	assert_int_equal(a.third, 9);
	assert_int_equal(read_alerts(OPS ", \"escalation_further\": 2, \"escalation\": "
					 "[{\"after\": 5, \"notify\": \"ops\"}]"),
			 0);
	assert_int_equal(a.third, 7);
}

static void what_does_not_fit_together_is_named(void **state)
{
	static const struct {
		const char *keys, *text;
	} cases[] = {
		{ OPS ", \"notify\": [\"opps\"]",
		  "alerts.notify: there is no channel 'opps'; did you mean ops?" },
		{ "\"notify\": [\"pigeons\"]", "there is no channel 'pigeons'" },
		{ "\"channels\": {\"log\": {\"type\": \"slack\", \"url\": \"http://x\"}}",
		  "alerts.channels.log: log is always the log" },
		{ "\"channels\": {\"email\": {\"type\": \"slack\", \"url\": \"http://x\"}}",
		  "email is always of type email" },
		{ OPS ", \"escalation\": [{\"after\": 3, \"notify\": \"ops\", \"when\": "
		      "\"service-impacting\"}]",
		  "level 2 is for all rules" },
		{ OPS ", \"escalation\": [{\"after\": 3, \"notify\": \"ops\"}, {\"after\": 3, "
		      "\"notify\": \"ops\"}]",
		  "level 3 must come after level 2" },
		{ "\"escalation\": [{\"after\": 3, \"notify\": \"log\"}, {\"after\": 4, "
		  "\"notify\": \"log\"}, {\"after\": 5, \"notify\": \"log\"}]",
		  "and no more" },
		{ "\"escalation\": [{\"after\": 3, \"notify\": \"x\"}]", "no channel 'x'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(read_alerts(cases[i].keys) < 0);
		assert_memory_equal(error.text, "r.json:1: alerts.", 17);
		if (!strstr(error.text, cases[i].text))
			fail_msg("%s: %s", cases[i].keys, error.text);
	}
}

static void one_more_than_there_is_room_for_is_refused(void **state)
{
	char keys[1024] = "\"channels\": {";
	size_t n = strlen(keys);

	(void)state;
	for (int i = 0; i < 14; i++)
		n += (size_t)snprintf(keys + n, sizeof(keys) - n, "%s\"c%d\": {\"type\": \"log\"}",
				      i ? "," : "", i);
	snprintf(keys + n, sizeof(keys) - n, "}");
	assert_int_equal(read_alerts(keys), 0);
	assert_int_equal(a.count, CHANNEL_MAX);
	snprintf(keys + n, sizeof(keys) - n, ", \"one\": {\"type\": \"log\"}}");
	assert_true(read_alerts(keys) < 0);
	assert_non_null(strstr(error.text, "more than 14"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(log_and_email_are_always_there),
		cmocka_unit_test(each_level_adds_its_channels),
		cmocka_unit_test(what_does_not_fit_together_is_named),
		cmocka_unit_test(one_more_than_there_is_room_for_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
