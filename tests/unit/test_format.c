#include "format.h"
#include "herald.h"
#include "rs_test.h"

#include <stdio.h>
#include <string.h>

static struct notice n;
static struct format f;
static struct json j;

static int setup(void **state)
{
	(void)state;
	n = (struct notice){ .sequence = 9,
			     .id = 4,
			     .rule = "slow-p95",
			     .labels = { .service = "shop", .route = "/a,b|c", .method = "GET" },
			     .given = { .at = { "team=web", "tier=a,b" }, .count = 2 },
			     .kind = NOTICE_FIRING,
			     .severity = SPEC_CRITICAL,
			     .number = 1,
			     .level = 2,
			     .unit = METRIC_UNIT_MS,
			     .value = 6120,
			     .peak = 7000,
			     .limit = 5000,
			     .at_ms = INT64_C(1767225660000),
			     .since_ms = INT64_C(1767225600000),
			     .lasted_ns = INT64_C(60000000000),
			     .summary = "it is \"slow\"\r\nBcc: x@y",
			     .link = "http://x/y" };
	f = (struct format){ .notice = &n,
			     .host = "web1",
			     .routing_key = "R",
			     .from = "a@b",
			     .to = "c@d,e@f",
			     .now_ms = INT64_C(1767225661000) };
	return 0;
}

static const char *body(enum channel_type type)
{
	json_fini(&j);
	json_init(&j);
	format_body(&f, type, &j);
	assert_int_equal(json_finish(&j), 0);
	return j.bytes;
}

static void has(enum channel_type type, const char *text)
{
	if (!strstr(body(type), text))
		fail_msg("no %s in %s", text, j.bytes);
}

static void has_not(enum channel_type type, const char *text)
{
	if (strstr(body(type), text))
		fail_msg("%s in %s", text, j.bytes);
}

static void a_notice_keeps_its_key_and_an_incident_its_own(void **state)
{
	char key[FORMAT_KEY], other[FORMAT_KEY], incident[FORMAT_KEY];

	(void)state;
	format_key(&f, key);
	assert_string_equal(key, "web1-9-19b76db9260");
	f.now_ms += 5000;
	format_key(&f, other);
	assert_string_equal(key, other);
	n.at_ms++; /* numbers may begin anew: the time is not the same */
	format_key(&f, other);
	assert_string_not_equal(key, other);
	format_incident(&f, incident);
	n.sequence++;
	n.severity = SPEC_WARNING;
	n.kind = NOTICE_RECOVERED;
	format_incident(&f, other);
	assert_string_equal(incident, other);
}

static void a_webhook_gets_everything(void **state)
{
	(void)state;
	has(CHANNEL_WEBHOOK, "{\"id\":\"web1-9-19b76db9260\",\"test\":false,\"status\":\"firing\"");
	has(CHANNEL_WEBHOOK,
	    "\"severity\":\"critical\",\"level\":2,\"notice\":1,\"host\":\"web1\"");
	has(CHANNEL_WEBHOOK, "\"labels\":{\"service\":\"shop\",\"route\":\"/a,b|c\"");
	has(CHANNEL_WEBHOOK, "\"value\":6120,\"limit\":5000,\"peak\":7000,\"unit\":\"ms\"");
	has(CHANNEL_WEBHOOK, "\"since\":\"2026-01-01T00:00:00.000Z\",\"durationMs\":null,"
			     "\"topCause\":null,\"link\":\"http://x/y\"");
	n.cause = (struct notice_cause){ NOTICE_CAUSE_TIME, .share = 80, .name = "GET /slow" };
	has(CHANNEL_WEBHOOK, "\"topCause\":\"GET /slow ");
	n.kind = NOTICE_RECOVERED;
	has(CHANNEL_WEBHOOK, "\"status\":\"resolved\"");
	has(CHANNEL_WEBHOOK, "\"durationMs\":60000");
}

static void slack_gets_text_and_blocks(void **state)
{
	(void)state;
	has(CHANNEL_SLACK, "{\"text\":\"[CRITICAL] it is \\\"slow\\\"  Bcc: x@y\",\"blocks\":[");
	has(CHANNEL_SLACK, "\"*limit*\\n5 s\"");
	n.kind = NOTICE_RECOVERED;
	has(CHANNEL_SLACK, "[RESOLVED]");
	has(CHANNEL_SLACK, "\"*duration*\\n60.0 s\"");
}

static void pagerduty_is_triggered_and_resolved(void **state)
{
	(void)state;
	has(CHANNEL_PAGERDUTY, "\"routing_key\":\"R\",\"event_action\":\"trigger\","
			       "\"dedup_key\":\"web1-alert-4-19b76daa800\"");
	has(CHANNEL_PAGERDUTY, "\"source\":\"web1\",\"severity\":\"critical\"");
	n.kind = NOTICE_RECOVERED;
	has(CHANNEL_PAGERDUTY,
	    "\"event_action\":\"resolve\",\"dedup_key\":\"web1-alert-4-19b76daa800\"");
}

static void alertmanager_is_told_when_it_ends(void **state)
{
	(void)state;
	has(CHANNEL_ALERTMANAGER, "[{\"labels\":{\"alertname\":\"slow-p95\",\"severity\":"
				  "\"critical\",\"instance\":\"web1\",\"service\":\"shop\"");
	has(CHANNEL_ALERTMANAGER, "\"startsAt\":\"2026-01-01T00:00:00.000Z\",\"endsAt\":"
				  "\"2026-01-01T00:06:01.000Z\"");
	has_not(CHANNEL_ALERTMANAGER, "\"severity\":\"warning\"");
	n.number = 2; /* told before, and as critical as now */
	has_not(CHANNEL_ALERTMANAGER, "\"severity\":\"warning\"");
	n.kind = NOTICE_RECOVERED;
	has(CHANNEL_ALERTMANAGER, "\"endsAt\":\"2026-01-01T00:01:00.000Z\"");
	has_not(CHANNEL_ALERTMANAGER, "00:06");
	has_not(CHANNEL_ALERTMANAGER, "\"severity\":\"warning\"");
}

static void alertmanager_is_told_that_the_severity_turned(void **state)
{
	(void)state;
	n.number = 2;
	n.turned = true; /* it was told as a warning, which is over */
	has(CHANNEL_ALERTMANAGER, "\"severity\":\"critical\"");
	has(CHANNEL_ALERTMANAGER, "\"endsAt\":\"2026-01-01T00:06:01.000Z\"");
	has(CHANNEL_ALERTMANAGER, "\"severity\":\"warning\"");
	has(CHANNEL_ALERTMANAGER, "\"endsAt\":\"2026-01-01T00:01:00.000Z\"");
	f.kind = FORMAT_HELD; /* that it is critical now was not told yet */
	has(CHANNEL_ALERTMANAGER, "\"severity\":\"warning\"");
	has(CHANNEL_ALERTMANAGER, "\"endsAt\":\"2026-01-01T00:06:01.000Z\"");
	has_not(CHANNEL_ALERTMANAGER, "\"severity\":\"critical\"");
	f.kind = FORMAT_NOTICE;
	n.kind = NOTICE_RECOVERED; /* what ends is what was told */
	has(CHANNEL_ALERTMANAGER, "\"severity\":\"warning\"");
	has_not(CHANNEL_ALERTMANAGER, "\"severity\":\"critical\"");
	has_not(CHANNEL_ALERTMANAGER, "00:06");
}

static void dogstatsd_gets_lengths_that_are_true(void **state)
{
	int title = 0, text = 0, at = 0;
	const char *datagram;

	(void)state;
	datagram = body(CHANNEL_DOGSTATSD);
	assert_int_equal(sscanf(datagram, "_e{%d,%d}:%n", &title, &text, &at), 2);
	assert_int_equal(datagram[at + title], '|');
	assert_memory_equal(datagram + at, "[CRITICAL] it is", 16);
	assert_memory_equal(datagram + at + title + 1 + text, "|d:1767225660|h:web1|k:web1-", 28);
	has(CHANNEL_DOGSTATSD,
	    "|t:error|#rule:slow-p95,severity:critical,service:shop,route:/a_b_c,method:GET,"
	    "team:web,tier:a_b");
	n.kind = NOTICE_RECOVERED;
	has(CHANNEL_DOGSTATSD, "|t:success|");
}

static void a_mail_has_headers_of_its_own_alone(void **state)
{
	(void)state;
	has(CHANNEL_EMAIL, "From: a@b\r\nTo: c@d,e@f\r\n"
			   "Subject: [CRITICAL] it is \"slow\"  Bcc: x@y\r\n"
			   "Date: Thu, 01 Jan 2026 00:01:01 +0000\r\n"
			   "Message-ID: <web1-9-19b76db9260@web1>\r\n");
	has_not(CHANNEL_EMAIL, "\nBcc:");
	has(CHANNEL_EMAIL, "\r\n\r\n[CRITICAL]");
	has(CHANNEL_EMAIL, "value       6.12 s\r\n");
	has(CHANNEL_EMAIL, "link        http://x/y\r\n");
}

static void labels_of_the_rule_reach_every_receiver(void **state)
{
	static const char *const told[CHANNEL_TYPES] = {
		[CHANNEL_WEBHOOK] = "\"method\":\"GET\",\"team\":\"web\",\"tier\":\"a,b\"}",
		[CHANNEL_SLACK] = "\"*labels*\\nteam=web, tier=a,b\"",
		[CHANNEL_PAGERDUTY] = "\"labels\":{\"team\":\"web\",\"tier\":\"a,b\"}}",
		[CHANNEL_ALERTMANAGER] =
			"\"method\":\"GET\",\"team\":\"web\",\"tier\":\"a,b\"},\"annotations\"",
		[CHANNEL_DOGSTATSD] = ",method:GET,team:web,tier:a_b",
		[CHANNEL_EMAIL] = "labels      team=web, tier=a,b\r\n",
	};

	(void)state;
	for (enum channel_type type = 0; type < CHANNEL_TYPES; type++)
		if (type != CHANNEL_LOG && !channel_is_action(type))
			has(type, told[type]);
}

enum field { VALUE, LIMIT, SINCE, CAUSE, LINK, PEAK, DURATION, FIELDS };

/* How each kind of receiver is told each of them. */
static const char *const fields[CHANNEL_TYPES][FIELDS] = {
	[CHANNEL_LOG] = { " value=\"6.12 s\"", " limit=\"5 s\"", " since=2026-01-01T00:00:00.000Z ",
			  " cause=\"GET /<x> takes 80 % of the time\"", " link=http://x/y ",
			  " peak=\"7 s\"", " lasted=60.0s" },
	[CHANNEL_WEBHOOK] = { "\"value\":6120", "\"limit\":5000",
			      "\"since\":\"2026-01-01T00:00:00.000Z\"",
			      "\"topCause\":\"GET /\\u003cx\\u003e takes 80 % of the time\"",
			      "\"link\":\"http://x/y\"", "\"peak\":7000", "\"durationMs\":60000" },
	[CHANNEL_SLACK] = { "\"*value*\\n6.12 s\"", "\"*limit*\\n5 s\"",
			    "\"*since*\\n2026-01-01T00:00:00.000Z\"",
			    "\"*cause*\\nGET /\\u0026lt;x\\u0026gt; takes 80 % of the time\"",
			    "\"text\":\"http://x/y\"", "\"*peak*\\n7 s\"",
			    "\"*duration*\\n60.0 s\"" },
	[CHANNEL_PAGERDUTY] = { "\"value\":6120", "\"limit\":5000",
				"\"since\":\"2026-01-01T00:00:00.000Z\"",
				"\"topCause\":\"GET /\\u003cx\\u003e takes 80 % of the time\"",
				"\"client_url\":\"http://x/y\"", "\"peak\":7000",
				"\"durationMs\":60000" },
	[CHANNEL_ALERTMANAGER] = { "\"value\":\"6.12 s\"", "\"limit\":\"5 s\"",
				   "\"since\":\"2026-01-01T00:00:00.000Z\"",
				   "\"cause\":\"GET /\\u003cx\\u003e takes 80 % of the time\"",
				   "\"generatorURL\":\"http://x/y\"", "\"peak\":\"7 s\"",
				   "\"duration\":\"60.0 s\"" },
	[CHANNEL_DOGSTATSD] = { "|value 6.12 s\\n", "\\nlimit 5 s\\n",
				"\\nsince 2026-01-01T00:00:00.000Z\\n",
				"\\ncause GET /<x> takes 80 % of the time\\n",
				"\\nhttp://x/y|d:", "\\npeak 7 s\\n", "\\nduration 60.0 s\\n" },
	[CHANNEL_EMAIL] = { "value       6.12 s\r\n", "limit       5 s\r\n",
			    "since       2026-01-01T00:00:00.000Z\r\n",
			    "cause       GET /<x> takes 80 % of the time\r\n",
			    "link        http://x/y\r\n", "peak        7 s\r\n",
			    "duration    60.0 s\r\n" },
};

static void every_receiver_is_told_every_field(void **state)
{
	char line[HERALD_LINE];

	(void)state;
	n.cause = (struct notice_cause){ NOTICE_CAUSE_TIME, .share = 80, .name = "GET /<x>" };
	for (int kind = NOTICE_FIRING; kind <= NOTICE_RECOVERED; kind++) {
		n.kind = (enum notice_kind)kind;
		herald_format(&n, line, sizeof(line));
		for (enum channel_type type = 0; type < CHANNEL_TYPES; type++)
			for (int i = 0; i <= (kind == NOTICE_RECOVERED ? DURATION : LINK); i++)
				if (type == CHANNEL_LOG)
					assert_non_null(strstr(line, fields[type][i]));
				else if (!channel_is_action(type))
					has(type, fields[type][i]);
	}
}

static void what_is_longest_is_told_whole(void **state)
{
	char line[HERALD_LINE];
	int title, text, at;

	(void)state;
	n.kind = NOTICE_RECOVERED;
	n.cause.kind = NOTICE_CAUSE_OPEN;
	memset(n.rule, 'r', sizeof(n.rule) - 1);
	memset(n.labels.service, 's', sizeof(n.labels.service) - 1);
	memset(n.labels.environment, 'e', sizeof(n.labels.environment) - 1);
	memset(n.labels.route, '/', sizeof(n.labels.route) - 1);
	memset(n.labels.method, 'm', sizeof(n.labels.method) - 1);
	memset(n.cause.name, 'c', sizeof(n.cause.name) - 1);
	memset(n.summary, 'x', sizeof(n.summary) - 1);
	memset(n.link, 'l', sizeof(n.link) - 1);
	n.given.count = SPEC_LABELS;
	for (int i = 0; i < SPEC_LABELS; i++) {
		memset(n.given.at[i], '<', sizeof(n.given.at[i]) - 1);
		n.given.at[i][1] = '=';
	}
	n.again = true;
	herald_format(&n, line, sizeof(line));
	assert_string_equal(line + strlen(line) - 2, "x\"");
	assert_int_equal(sscanf(body(CHANNEL_DOGSTATSD), "_e{%d,%d}:%n", &title, &text, &at), 2);
	assert_memory_equal(j.bytes + at + title, "|value", 6);
	assert_memory_equal(j.bytes + at + title + 1 + text, "|d:1767225660|", 14);
	for (enum channel_type type = 0; type < CHANNEL_TYPES; type++)
		if (type != CHANNEL_LOG && !channel_is_action(type))
			has(type, n.link);
}

static void a_test_says_that_it_is_one(void **state)
{
	(void)state;
	f.kind = FORMAT_TEST;
	has(CHANNEL_WEBHOOK, "\"test\":true");
	has(CHANNEL_SLACK, "[TEST]");
	has(CHANNEL_PAGERDUTY, "\"severity\":\"info\"");
	has(CHANNEL_ALERTMANAGER, "\"alertname\":\"RingsideTest\",\"severity\":\"info\"");
	has(CHANNEL_ALERTMANAGER, "\"endsAt\":\"2026-01-01T00:01:02.000Z\"");
	has(CHANNEL_DOGSTATSD, "|t:info|");
	has(CHANNEL_EMAIL, "Subject: [TEST]");
	json_fini(&j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_notice_keeps_its_key_and_an_incident_its_own, setup),
		cmocka_unit_test_setup(a_webhook_gets_everything, setup),
		cmocka_unit_test_setup(slack_gets_text_and_blocks, setup),
		cmocka_unit_test_setup(pagerduty_is_triggered_and_resolved, setup),
		cmocka_unit_test_setup(alertmanager_is_told_when_it_ends, setup),
		cmocka_unit_test_setup(alertmanager_is_told_that_the_severity_turned, setup),
		cmocka_unit_test_setup(dogstatsd_gets_lengths_that_are_true, setup),
		cmocka_unit_test_setup(a_mail_has_headers_of_its_own_alone, setup),
		cmocka_unit_test_setup(labels_of_the_rule_reach_every_receiver, setup),
		cmocka_unit_test_setup(every_receiver_is_told_every_field, setup),
		cmocka_unit_test_setup(what_is_longest_is_told_whole, setup),
		cmocka_unit_test_setup(a_test_says_that_it_is_one, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
