#include "events.h"

#include "alerts.h"
#include "document_fixture.h"
#include "scribe.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define RULES                                                                                      \
	"[{\"name\":\"mine\",\"metric\":\"agent.memory\",\"interval\":\"1s\","                     \
	"\"warning\":{\"above\":50}}]"

static struct document_fixture d;
static struct scribe *scribe;
static struct reply reply;
static char folder[32], out[65536];
static int64_t now_s;

static void note(void *ctx, const struct notice *notice)
{
	(void)ctx;
	(void)notice;
}

static void rules_put(void)
{
	int fd = memfd_create("rules", MFD_CLOEXEC);

	assert_true(dprintf(fd, "0 %zu a.json\n%s", strlen(RULES), RULES) > 0);
	alerts_rules(d.site.alerts, fd, now_s * (int64_t)SECOND, now_s * 1000);
	close(fd);
}

static int setup(void **state)
{
	struct alerts_config config = {
		.base = "",
		.defaults = { (int64_t)(30 * SECOND), (int64_t)(300 * SECOND) },
		.second_level = 3,
		.third_level = 6,
		.send = note,
	};

	(void)state;
	strcpy(folder, "/tmp/rs_events_XXXXXX");
	assert_non_null(mkdtemp(folder));
	document_open(&d);
	now_s = NOW / SECOND;
	assert_int_equal(scribe_open(&scribe, folder), 0);
	config.scribe = scribe;
	config.metrics = d.f.m;
	config.health = d.site.health;
	assert_int_equal(alerts_open(&d.site.alerts, &config, (int64_t)NOW, NOW_MS), 0);
	rules_put();
	reply = (struct reply){ .status = 0 };
	return 0;
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	reply_fini(&reply);
	alerts_close(d.site.alerts);
	scribe_close(scribe);
	events_close(d.site.events);
	events_close(NULL);
	document_close(&d);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command); /* NOLINT(concurrency-mt-unsafe,cert-env33-c) */
}

static int ask(const char *target)
{
	reply_fini(&reply);
	d.no = (struct refusal){ .status = 0 };
	assert_int_equal(params_split(target, &d.params, &d.no), 0);
	return events_open_client(&d.site, &d.request, &d.params, &reply, &d.no);
}

static const char *told(void)
{
	size_t n = reply.stream.read(reply.stream.ctx, out, sizeof(out) - 1, NOW);

	out[n] = '\0';
	return out;
}

/* One in which no client is there. */
static void alone(double bytes)
{
	const struct source_agent agent = { .memory = bytes };

	now_s++;
	alerts_second(d.site.alerts, &agent, now_s * (int64_t)SECOND, now_s * 1000);
}

static void second(double bytes)
{
	alone(bytes);
	events_second(&d.site, (uint64_t)now_s * SECOND, now_s * 1000);
}

static void who_comes_is_greeted_and_told_each_second(void **state)
{
	(void)state;
	assert_int_equal(ask("/api/events"), 0);
	assert_int_equal(reply.status, 200);
	assert_string_equal(told(), ": ringside\nretry: 2000\n\n");
	second(10);
	assert_holds(told(), "event: metrics\ndata: {\"timestamp\":");
	assert_string_equal(told(), "");
}

static void an_alert_is_told_when_it_changes(void **state)
{
	(void)state;
	assert_int_equal(ask("/api/events?events=alerts"), 0);
	told();
	second(10);
	assert_string_equal(told(), "");
	second(80);
	assert_holds(told(),
		     "event: alert\ndata: {\"id\":\"1\",\"rule\":\"mine\",\"state\":\"firing\"");
	assert_lacks(out, "event: metrics");
	second(80);
	assert_string_equal(told(), "");
	second(10);
	assert_holds(told(), "\"state\":\"resolved\"");
}

static void what_was_before_is_not_told_but_to_who_comes_back(void **state)
{
	char id[64];

	(void)state;
	assert_int_equal(ask("/api/events?events=alerts"), 0);
	told();
	second(10);
	second(80);
	assert_holds(told(), "id: ");
	snprintf(id, sizeof(id), "%.*s", (int)strcspn(out + 4, "\n"), out + 4);
	reply_fini(&reply);
	alone(10);
	assert_int_equal(ask("/api/events?events=alerts"), 0);
	told();
	assert_string_equal(told(), "");
	d.request.last_event_id = id;
	assert_int_equal(ask("/api/events?events=alerts"), 0);
	told();
	assert_holds(told(), "\"state\":\"resolved\"");
	assert_lacks(out, "\"state\":\"firing\"");
}

static void figures_are_made_for_who_asked_for_them_alone(void **state)
{
	(void)state;
	assert_int_equal(ask("/api/events?events=alerts"), 0);
	second(10);
	second(10);
	assert_int_equal(d.site.events->feed.next, 1);
	assert_int_equal(ask("/api/events?events=metrics"), 0);
	second(10);
	assert_int_equal(d.site.events->feed.next, 2);
}

static void so_many_clients_and_not_one_more(void **state)
{
	struct reply all[EVENTS_CLIENTS];

	(void)state;
	for (unsigned int i = 0; i < EVENTS_CLIENTS; i++) {
		assert_int_equal(ask("/api/events"), 0);
		all[i] = reply;
		reply.stream.read = NULL;
	}
	assert_true(ask("/api/events") < 0);
	assert_int_equal(d.no.status, 503);
	assert_int_equal(d.no.retry_after_s, EVENTS_RETRY_S);
	assert_int_equal(d.site.tally.counts[TALLY_STREAMS_REFUSED], 1);
	reply_fini(&all[7]);
	assert_int_equal(ask("/api/events"), 0);
	for (unsigned int i = 0; i < EVENTS_CLIENTS; i++)
		reply_fini(&all[i]);
	assert_int_equal(d.site.events->clients, 1);
}

static void a_parameter_that_is_wrong_is_refused(void **state)
{
	(void)state;
	assert_true(ask("/api/events?events=some") < 0);
	assert_int_equal(d.no.status, 400);
	assert_string_equal(d.no.field, "events");
	assert_true(ask("/api/events?pid=1") < 0);
	assert_string_equal(d.no.code, "unknown_parameter");
}

static void what_clients_missed_is_counted(void **state)
{
	(void)state;
	assert_int_equal(ask("/api/events"), 0);
	told();
	for (unsigned int i = 0; i < FEED_EVENTS + 5; i++)
		second(10);
	assert_holds(told(), "event: lost\ndata: {\"events\":5}");
	second(10);
	assert_int_equal(d.site.tally.counts[TALLY_EVENTS_LOST], 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_comes_is_greeted_and_told_each_second),
		TEST(an_alert_is_told_when_it_changes),
		TEST(what_was_before_is_not_told_but_to_who_comes_back),
		TEST(figures_are_made_for_who_asked_for_them_alone),
		TEST(so_many_clients_and_not_one_more),
		TEST(a_parameter_that_is_wrong_is_refused),
		TEST(what_clients_missed_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
