#include "alerts.h"
#include "dispatch.h"
#include "document_fixture.h"
#include "scribe.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define RULE                                                                                       \
	"[{\"name\":\"mine\",\"metric\":\"agent.memory\",\"interval\":\"1s\",\"cooldown\":\"1m\"," \
	"\"warning\":{\"above\":50},\"critical\":{\"above\":\"1k\",\"clear\":900},"                \
	"\"labels\":{\"team\":\"web\"}}]"

static char folder[32];
static struct document_fixture d;
static struct scribe *scribe;
static struct config_alerts channels; /* none at all */
static unsigned int sent;

static void note(void *ctx, const struct notice *notice)
{
	(void)ctx;
	(void)notice;
	sent++;
}

static int setup(void **state)
{
	const struct source_agent agent = { .memory = 80 };
	struct alerts_config config = { .base = "http://x",
					.defaults = { 30 * (int64_t)SECOND, 300 * (int64_t)SECOND },
					.second_level = 3,
					.third_level = 6,
					.send = note };
	struct dispatch_config dispatch = { .alerts = &channels, .link = -1 };
	int fd = memfd_create("rules", MFD_CLOEXEC);

	(void)state;
	strcpy(folder, "/tmp/rs_alerts_XXXXXX");
	if (!mkdtemp(folder) || scribe_open(&scribe, folder))
		return -1;
	config.scribe = dispatch.scribe = scribe;
	document_open(&d);
	config.metrics = d.f.m;
	config.health = d.site.health;
	dispatch.health = d.site.health;
	assert_int_equal(dispatch_open(&d.site.dispatch, &dispatch, NOW_MS), 0);
	assert_int_equal(alerts_open(&d.site.alerts, &config, NOW, NOW_MS), 0);
	assert_true(dprintf(fd, "0 %zu a.json\n" RULE, strlen(RULE)) > 0);
	alerts_rules(d.site.alerts, fd, NOW, NOW_MS);
	close(fd);
	alerts_second(d.site.alerts, &agent, NOW + (int64_t)SECOND, NOW_MS + 1000);
	assert_int_equal(sent, 1);
	return 0;
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	alerts_close(d.site.alerts);
	dispatch_close(d.site.dispatch);
	scribe_close(scribe);
	document_close(&d);
	sent = 0;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command); /* NOLINT(concurrency-mt-unsafe,cert-env33-c) */
}

static void holds(document_fn make, const char *target, const char *what)
{
	char *text;

	d.request.target = target;
	text = document_text(&d, make, target);
	if (!text || !strstr(text, what))
		fail_msg("%s: '%s' is not in %s", target, what, text ? text : d.no.message);
	free(text);
}

static void is_refused(document_fn make, const char *target, unsigned int status, const char *field)
{
	char *text;

	d.request.target = target;
	text = document_text(&d, make, target);
	assert_null(text);
	assert_int_equal(d.no.status, status);
	assert_string_equal(d.no.field, field);
}

static void an_alert_says_all_that_is_known_of_it(void **state)
{
	(void)state;
	holds(document_alerts, "/api/alerts",
	      "\"alerts\":[{\"id\":\"1\",\"rule\":\"mine\",\"state\":\"firing\","
	      "\"severity\":\"warning\",\"level\":1,\"value\":80,\"peak\":80,\"threshold\":50,"
	      "\"unit\":\"bytes\",\"since\":\"2026-01-01T00:00:01.000Z\",\"until\":null,"
	      "\"durationMs\":null,\"labels\":{\"team\":\"web\"},"
	      "\"cause\":null,\"summary\":\"mine: 80 B (limit 50 B)\",\"notices\":1,"
	      "\"lastNotifiedAt\":\"2026-01-01T00:00:01.000Z\",\"silencedBy\":null,"
	      "\"inhibited\":false,\"flapping\":false,\"noData\":false,\"serviceImpacting\":false,"
	      "\"evidence\":[\"http://x/api/performance/metrics\"]}]");
	holds(document_alerts, "/api/alerts?state=active", "\"mine\"");
	holds(document_alerts, "/api/alerts?service=shop",
	      "\"alerts\":[],\"refused\":0,\"notices\":1,"
	      "\"outbox\":{\"waiting\":0,\"dropped\":0,\"damaged\":0}");
}

static void one_that_is_over_is_in_the_history(void **state)
{
	const struct source_agent agent = { .memory = 10 };

	(void)state;
	holds(document_alerts, "/api/alerts?state=resolved", "\"alerts\":[]");
	alerts_second(d.site.alerts, &agent, NOW + 5 * (int64_t)SECOND, NOW_MS + 5000);
	holds(document_alerts, "/api/alerts", "\"alerts\":[]");
	holds(document_alerts, "/api/alerts?state=resolved",
	      "\"state\":\"resolved\",\"severity\":\"warning\",\"level\":1,\"value\":10,\"peak\":"
	      "80,");
	holds(document_alerts, "/api/alerts?state=resolved",
	      "\"until\":\"2026-01-01T00:00:05.000Z\",\"durationMs\":4000,"
	      "\"labels\":{\"team\":\"web\"},");
}

static void a_rule_says_how_it_stands(void **state)
{
	(void)state;
	holds(document_rules, "/api/alerts/rules?limit=100",
	      "{\"name\":\"mine\",\"source\":\"a.json:1\",\"state\":\"firing\",\"waitingFor\":null,"
	      "\"metric\":\"agent.memory\",\"function\":\"last\",\"unit\":\"bytes\",\"value\":80,"
	      "\"series\":1,\"pending\":0,\"firing\":1,\"lookedAt\":\"2026-01-01T00:00:01.000Z\","
	      "\"scope\":{},\"warning\":{\"above\":50,\"clear\":50},"
	      "\"critical\":{\"above\":1000,\"clear\":900},\"windowMs\":300000,\"againstMs\":null,"
	      "\"intervalMs\":1000,\"cooldownMs\":60000,\"keepFiringMs\":0,\"forMs\":0,"
	      "\"for\":\"1 of 1\",\"nodata\":\"keep\",\"minCount\":null,"
	      "\"labels\":{\"team\":\"web\"},");
	holds(document_rules, "/api/alerts/rules?limit=100",
	      "\"state\":\"waiting\",\"waitingFor\":\"outgoing calls are not watched yet\"");
	holds(document_rules, "/api/alerts/rules?limit=1", "\"nextCursor\":\"1\"");
}

static void an_alert_that_fires_is_acknowledged(void **state)
{
	(void)state;
	is_refused(document_acknowledge, "/api/alerts/2/ack", 404, "");
	is_refused(document_acknowledge, "/api/alerts/x1/ack", 404, "");
	is_refused(document_acknowledge, "/api/alerts//ack", 404, "");
	holds(document_acknowledge, "/api/alerts/1/ack",
	      "{\"id\":\"1\",\"state\":\"acknowledged\"}");
	holds(document_alerts, "/api/alerts", "\"state\":\"acknowledged\"");
}

static void body(const char *text)
{
	d.request.body = text;
	d.request.body_length = strlen(text);
}

static void a_silence_is_made_and_taken_back(void **state)
{
	(void)state;
	body("{\"rule\": \"mi*\", \"duration\": \"1h\", \"comment\": \"we know\"}");
	holds(document_silence, "/api/alerts/silences",
	      "{\"id\":\"1\",\"until\":\"2026-01-01T01:00:00.000Z\"}");
	holds(document_alerts, "/api/alerts", "\"silencedBy\":\"1\"");
	holds(document_alerts, "/api/alerts",
	      "\"silences\":[{\"id\":\"1\",\"rule\":\"mi*\",\"service\":null,\"environment\":null,"
	      "\"route\":null,\"comment\":\"we know\",");
	is_refused(document_unsilence, "/api/alerts/silences?id=2", 404, "id");
	is_refused(document_unsilence, "/api/alerts/silences?id=x", 400, "id");
	is_refused(document_unsilence, "/api/alerts/silences", 400, "id");
	holds(document_unsilence, "/api/alerts/silences?id=1", "{\"id\":\"1\",\"removed\":true}");
	holds(document_alerts, "/api/alerts", "\"silences\":[]");
}

static void what_is_no_silence_is_refused_with_its_key(void **state)
{
	(void)state;
	body("{");
	is_refused(document_silence, "/api/alerts/silences", 400, "");
	body("");
	is_refused(document_silence, "/api/alerts/silences", 400, "");
	body("{\"rule\": \"mine\"}");
	is_refused(document_silence, "/api/alerts/silences", 422, "duration");
	body("{\"duration\": \"1h\"}");
	is_refused(document_silence, "/api/alerts/silences", 422, "");
	body("{\"rule\": \"*\", \"duration\": \"1h\"}");
	for (int i = 0; i < HUSH_MAX; i++)
		holds(document_silence, "/api/alerts/silences", "\"id\"");
	is_refused(document_silence, "/api/alerts/silences", 429, "");
}

static void an_unknown_state_is_refused(void **state)
{
	(void)state;
	is_refused(document_alerts, "/api/alerts?state=bad", 400, "state");
}

static void turned_off_it_says_so(void **state)
{
	struct alerts *kept = d.site.alerts;

	(void)state;
	d.site.alerts = NULL;
	is_refused(document_alerts, "/api/alerts", 503, "");
	is_refused(document_rules, "/api/alerts/rules", 503, "");
	is_refused(document_acknowledge, "/api/alerts/1/ack", 503, "");
	is_refused(document_silence, "/api/alerts/silences", 503, "");
	is_refused(document_unsilence, "/api/alerts/silences?id=1", 503, "");
	d.site.alerts = kept;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_alert_says_all_that_is_known_of_it),
		TEST(one_that_is_over_is_in_the_history),
		TEST(a_rule_says_how_it_stands),
		TEST(an_alert_that_fires_is_acknowledged),
		TEST(a_silence_is_made_and_taken_back),
		TEST(what_is_no_silence_is_refused_with_its_key),
		TEST(an_unknown_state_is_refused),
		TEST(turned_off_it_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
