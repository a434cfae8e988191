#include "channel.h"
#include "rs_test.h"

#include <stdio.h>
#include <string.h>

static struct channel c;
static struct channel_error why;

static void a_channel_is_a_name_and_keys(void **state)
{
	(void)state;
	assert_int_equal(
		channel_parse("ops type=webhook url=https://a.example/x timeout=2s", &c, &why), 0);
	assert_string_equal(c.name, "ops");
	assert_int_equal(c.type, CHANNEL_WEBHOOK);
	assert_string_equal(c.values[CHANNEL_URL], "https://a.example/x");
	assert_int_equal(c.timeout_ms, 2000);
	assert_int_equal(channel_parse("p\ntype=pagerduty\nrouting_key=a b\n", &c, &why), 0);
	assert_string_equal(c.values[CHANNEL_ROUTING_KEY], "a b");
	assert_string_equal(c.values[CHANNEL_URL], "https://events.pagerduty.com/v2/enqueue");
	assert_int_equal(c.timeout_ms, 10000);
	assert_int_equal(channel_parse("d type=dogstatsd", &c, &why), 0);
	assert_string_equal(c.values[CHANNEL_ADDRESS], "127.0.0.1:8125");
	assert_int_equal(
		channel_parse("m type=email smtp=smtp://[::1]:25 from=a@b to=c@d,e@f", &c, &why),
		0);
	assert_string_equal(c.values[CHANNEL_TO], "c@d,e@f");
}

static void what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *text, *key, *reason;
	} cases[] = {
		{ "ops", "", "needs a type" },
		{ "Ops type=log", "", "name has 1 to 23" },
		{ "abcdefghijklmnopqrstuvwx type=log", "", "name has 1 to 23" },
		{ "a type=webhok url=http://x/", "type", "did you mean webhook?" },
		{ "a type=carrier-pigeon", "type", "unknown type 'carrier-pigeon'" },
		{ "a type=webhook urll=http://x/", "urll", "did you mean url?" },
		{ "a type=webhook colour=red", "colour", "unknown key" },
		{ "a type=webhook", "", "needs url" },
		{ "a type=pagerduty", "", "needs routing_key" },
		{ "a type=email smtp=smtp://x from=a@b", "", "needs to" },
		{ "a type=log url=http://x/", "url", "is no key of a channel of type log" },
		{ "a type=webhook url=ftp://x/", "url", "must be http" },
		{ "a type=webhook url=http:///x", "url", "must be http" },
		{ "a type=webhook url=http://u:p@x/", "url", "must be http" },
		{ "a type=webhook url=http://u@x/", "url", "must be http" },
		{ "a type=webhook url=http://x:0/", "url", "must be http" },
		{ "a type=webhook url=http://x:70000/", "url", "must be http" },
		{ "a type=webhook url=http://x:/", "url", "must be http" },
		{ "a\ntype=webhook\nurl=http://x/ y", "url", "must be http" },
		{ "a type=webhook url=http://x url_file=/x", "url_file", "the value itself" },
		{ "a type=webhook url_file=x", "url_file", "absolute path" },
		{ "a type=webhook url=http://x timeout=2m", "timeout", "from 100ms to 60s" },
		{ "a type=webhook url=http://x timeout=9ms", "timeout", "from 100ms to 60s" },
		{ "a type=webhook url=http://x username=u", "", "go together" },
		{ "a type=email smtp=http://x from=a@b to=c@d", "smtp", "must be smtp" },
		{ "a type=email smtp=smtp://x from=ab to=c@d", "from", "mail address" },
		{ "a type=email smtp=smtp://x from=a@b to=c@d,e", "to", "mail address" },
		{ "a type=email smtp=smtp://x from=a@b to=c@d starttls=on", "starttls", "auto" },
		{ "a type=email smtp=smtp://x from=a@b to=c@d username=u password=p starttls=none",
		  "starttls", "in the clear" },
		{ "a type=dogstatsd address=x", "address", "address and port" },
		{ "a type=webhook url=", "url", "must not be empty" },
		{ "a type=exec user=ops", "", "needs command" },
		{ "a type=exec command=/bin/true", "", "needs user" },
		{ "a type=exec command=true user=ops", "command", "absolute path" },
		{ "a type=exec command=/bin/true user=root", "user", "other than root" },
		{ "a type=exec command=/b user=u url=http://x", "url", "is no key" },
		{ "a type=exec command=/b user=u at_most_every=1ms", "at_most_every", "1s to 24h" },
		{ "a type=restart_unit", "", "needs units" },
		{ "a type=restart_unit units=shop", "units", "as shop.service" },
		{ "a type=cache_clear", "", "needs pattern" },
		{ "a type=cache_clear pattern=x timeout=1s", "timeout", "is no key" },
		{ "a type=webhook url=http://x/ command=/b", "command", "is no key" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&why, 0, sizeof(why));
		assert_true(channel_parse(cases[i].text, &c, &why) < 0);
		assert_string_equal(why.key, cases[i].key);
		if (!strstr(why.reason, cases[i].reason))
			fail_msg("%s: %s", cases[i].text, why.reason);
	}
}

static void a_secret_is_not_shown(void **state)
{
	char text[CHANNEL_TEXT];

	(void)state;
	assert_int_equal(channel_parse("s type=slack url=https://hooks.slack.com/services/T/B/xyz",
				       &c, &why),
			 0);
	channel_show(&c, text, sizeof(text));
	assert_string_equal(text, "s type=slack url=https://hooks.slack.com/…");
	assert_int_equal(channel_parse("w type=webhook url=http://x?token=xyz secret=xyz "
				       "username=u password=xyz",
				       &c, &why),
			 0);
	channel_show(&c, text, sizeof(text));
	assert_null(strstr(text, "xyz"));
	assert_non_null(strstr(text, "username=u password=********"));
	channel_show(&c, text, 20);
	assert_int_equal(strlen(text), 19);
}

static void an_action_is_done_at_most_so_often(void **state)
{
	char text[CHANNEL_TEXT];
	uint64_t sum;

	(void)state;
	assert_int_equal(channel_parse("x\ntype=exec\ncommand=/bin/x\x1f{service}\x1f a\nuser=ops",
				       &c, &why),
			 0);
	assert_true(channel_is_action(c.type));
	assert_int_equal(c.pause_ms, 600000);
	assert_int_equal(c.timeout_ms, 60000);
	channel_show(&c, text, sizeof(text));
	assert_string_equal(text, "x type=exec command=/bin/x {service}  a user=ops");
	sum = channel_sum(&c);
	assert_int_equal(
		channel_parse("x type=exec command=/bin/x user=ops at_most_every=2s", &c, &why), 0);
	assert_int_equal(c.pause_ms, 2000);
	assert_true(channel_sum(&c) != sum);
	sum = channel_sum(&c);
	assert_int_equal(
		channel_parse("x type=exec at_most_every=2s user=ops command=/bin/x", &c, &why), 0);
	assert_true(channel_sum(&c) == sum);
	assert_false(channel_is_action(CHANNEL_EMAIL));
}

static void a_value_may_come_from_a_file(void **state)
{
	(void)state;
	assert_int_equal(channel_parse("s type=slack url_file=/etc/x", &c, &why), 0);
	assert_int_equal(channel_file_of(CHANNEL_URL), CHANNEL_URL_FILE);
	assert_int_equal(channel_file_of(CHANNEL_PASSWORD), CHANNEL_PASSWORD_FILE);
	assert_int_equal(channel_file_of(CHANNEL_FROM), CHANNEL_KEYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_channel_is_a_name_and_keys),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(a_secret_is_not_shown),
		cmocka_unit_test(an_action_is_done_at_most_so_often),
		cmocka_unit_test(a_value_may_come_from_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
