#include "courier.h"
#include "dispatch.h"
#include "document_fixture.h"
#include "scribe.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static char folder[32];
static struct config_alerts alerts;
static struct document_fixture d;
static struct scribe *scribe;
static int links[2];

static int setup(void **state)
{
	struct dispatch_config config = { .alerts = &alerts };
	struct channel_error why;

	(void)state;
	strcpy(folder, "/tmp/rs_channels_XXXXXX");
	memset(&alerts, 0, sizeof(alerts));
	strcpy(alerts.channels[0].name, "log");
	strcpy(alerts.channels[1].name, "email");
	alerts.channels[1].type = CHANNEL_EMAIL;
	if (!mkdtemp(folder) || courier_link(links) || scribe_open(&scribe, folder) ||
	    channel_parse("ops type=webhook url=http://x/ secret=hush", &alerts.channels[2], &why))
		return -1;
	alerts.count = 3;
	alerts.in_use = 5;
	alerts.levels[0] = 7;
	alerts.levels[1] = 4;
	document_open(&d);
	config.health = d.site.health;
	config.link = links[0];
	config.scribe = scribe;
	return dispatch_open(&d.site.dispatch, &config, NOW_MS);
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	dispatch_close(d.site.dispatch);
	scribe_close(scribe);
	document_close(&d);
	close(links[0]);
	close(links[1]);
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

static void is_refused(document_fn make, const char *target, unsigned int status)
{
	char *text;

	d.request.target = target;
	text = document_text(&d, make, target);
	assert_null(text);
	assert_int_equal(d.no.status, status);
}

/* The courier says so of what it was ordered last. */
static void answer(enum courier_outcome outcome, const char *text)
{
	struct courier_order order;
	struct courier_word word = { .outcome = outcome };

	assert_int_equal(recv(links[1], &order, sizeof(order), MSG_DONTWAIT), sizeof(order));
	word.sum = order.sum;
	word.kind = order.kind;
	word.sequence = order.notice.sequence;
	word.at_ms = order.notice.at_ms;
	snprintf(word.text, sizeof(word.text), "%s", text);
	assert_int_equal(send(links[1], &word, sizeof(word), 0), sizeof(word));
	assert_true(dispatch_hear(d.site.dispatch, (int64_t)NOW, NOW_MS + 5));
}

static void a_channel_says_how_it_stands(void **state)
{
	const struct notice n = { .sequence = 1, .level = 2, .at_ms = NOW_MS, .rule = "r" };

	(void)state;
	holds(document_channels, "/api/alerts/channels",
	      "{\"name\":\"email\",\"type\":\"email\",\"state\":\"notConfigured\",\"levels\":[1],");
	holds(document_channels, "/api/alerts/channels",
	      "{\"name\":\"ops\",\"type\":\"webhook\",\"state\":\"ok\",\"levels\":[1,2],"
	      "\"lastSuccessAt\":null,\"lastReply\":null,\"lastErrorAt\":null,\"lastError\":null,"
	      "\"failures\":0,\"waiting\":0,\"delivered\":0,\"refused\":0,\"dropped\":0,"
	      "\"skipped\":0,\"test\":null}]");
	dispatch_notice(d.site.dispatch, &n);
	dispatch_second(d.site.dispatch, (int64_t)NOW, NOW_MS);
	holds(document_channels, "/api/alerts/channels", "\"state\":\"sending\"");
	holds(document_channels, "/api/alerts/channels",
	      "\"outbox\":{\"waiting\":1,\"dropped\":0,\"damaged\":0}");
	answer(COURIER_LATER, "503: later");
	holds(document_channels, "/api/alerts/channels",
	      "\"state\":\"failing\",\"levels\":[1,2],\"lastSuccessAt\":null,\"lastReply\":null,"
	      "\"lastErrorAt\":\"2026-01-01T00:00:00.005Z\",\"lastError\":\"503: later\","
	      "\"failures\":1,\"waiting\":1");
	dispatch_second(d.site.dispatch, (int64_t)(NOW + 2 * SECOND), NOW_MS);
	answer(COURIER_ARRIVED, "200");
	holds(document_channels, "/api/alerts/channels",
	      "\"state\":\"ok\",\"levels\":[1,2],\"lastSuccessAt\":\"2026-01-01T00:00:00.005Z\","
	      "\"lastReply\":\"200\"");
}

static void a_channel_can_be_tried(void **state)
{
	(void)state;
	is_refused(document_channel_test, "/api/alerts/channels/opps/test", 404);
	is_refused(document_channel_test, "/api/alerts/channels/opsopsopsopsopsopsopsopsops/test",
		   404);
	is_refused(document_channel_test, "/api/alerts/channels/email/test", 422);
	holds(document_channel_test, "/api/alerts/channels/ops/test",
	      "{\"name\":\"ops\",\"at\":\"2026-01-01T00:00:00.000Z\"}");
	is_refused(document_channel_test, "/api/alerts/channels/ops/test", 409);
	holds(document_channels, "/api/alerts/channels",
	      "\"test\":{\"state\":\"trying\",\"at\":\"2026-01-01T00:00:00.000Z\",\"reply\":null}");
	answer(COURIER_ARRIVED, "200: ok");
	holds(document_channels, "/api/alerts/channels",
	      "\"test\":{\"state\":\"arrived\",\"at\":\"2026-01-01T00:00:00.000Z\","
	      "\"reply\":\"200: ok\"}");
}

static void without_alerts_there_are_none(void **state)
{
	struct dispatch *dispatch = d.site.dispatch;

	(void)state;
	d.site.dispatch = NULL;
	is_refused(document_channels, "/api/alerts/channels", 503);
	is_refused(document_channel_test, "/api/alerts/channels/log/test", 503);
	d.site.dispatch = dispatch;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_channel_says_how_it_stands, setup, teardown),
		cmocka_unit_test_setup_teardown(a_channel_can_be_tried, setup, teardown),
		cmocka_unit_test_setup_teardown(without_alerts_there_are_none, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
