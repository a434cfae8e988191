/* The fleet is the test's: each question has the view that was prepared for it. */
#define fleet_ask fake_ask
#include "../../agent/web/document_fleet.c"
#include "document_fixture.h"

static struct document_fixture d;
static struct view *prepared; /* NULL: it is being gathered */
static struct view_ask asked;
static int refusal;

int fake_ask(struct fleet *f, const struct view_ask *ask, uint64_t now_ns, struct view **out)
{
	assert_non_null(f);
	assert_int_equal(now_ns, NOW);
	asked = *ask;
	if (refusal)
		return refusal;
	*out = prepared ? view_get(prepared) : NULL;
	return prepared ? 0 : -EAGAIN;
}

static int setup(void **state)
{
	const struct view_ask ask = { .sums = true };

	(void)state;
	document_open(&d);
	d.site.fleet = (struct fleet *)&d; /* which nobody looks into */
	prepared = view_open(&ask);
	prepared->muster.now_ms = NOW_MS;
	refusal = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	view_put(prepared);
	document_close(&d);
	return 0;
}

static struct muster_host *host(const char *name, int64_t ago_ms)
{
	struct muster_host *h;

	assert_int_equal(muster_add(&prepared->muster, name, strlen(name), NOW_MS - ago_ms), 0);
	h = &prepared->muster.hosts[prepared->muster.count - 1];
	h->card = (struct card){ .schema = CARD_SCHEMA, .gone_after_ms = 30000, .services = 2 };
	h->state = ago_ms > 30000 ? MUSTER_GONE : MUSTER_LIVE;
	h->span.from_ms = NOW_MS - 310000;
	h->span.to_ms = NOW_MS - 10000;
	h->wanted_s = 300;
	h->told_s = 270;
	return h;
}

static void alert(struct muster_host *h, const char *rule, const char *severity,
		  const char *service)
{
	struct card_alert *a;

	h->card.alerts = realloc(h->card.alerts, (h->card.alert_count + 1) * sizeof(*a));
	a = &h->card.alerts[h->card.alert_count++];
	memset(a, 0, sizeof(*a));
	snprintf(a->rule, sizeof(a->rule), "%s", rule);
	snprintf(a->severity, sizeof(a->severity), "%s", severity);
	snprintf(a->service, sizeof(a->service), "%s", service);
	snprintf(a->state, sizeof(a->state), "firing");
}

static void refused(document_fn make, const char *target, unsigned int status, const char *code)
{
	char *text = document_text(&d, make, target);

	assert_null(text);
	assert_int_equal(d.no.status, status);
	assert_string_equal(d.no.code, code);
}

static void without_a_fleet_it_says_what_one_needs(void **state)
{
	static const document_fn all[] = { document_fleet_hosts, document_fleet_services,
					   document_fleet_performance, document_fleet_alerts };

	(void)state;
	d.site.fleet = NULL;
	for (int i = 0; i < 4; i++) {
		refused(all[i], "/", 503, "fleet_off");
		assert_holds(d.no.message, "redis.aggregates");
	}
}

static void a_redis_that_is_away_is_told_and_since_when(void **state)
{
	(void)state;
	snprintf(prepared->fault, sizeof(prepared->fault), "timeout: x");
	prepared->since_ms = NOW_MS - 5000;
	refused(document_fleet_services, "/", 503, "redis_away");
	assert_string_equal(d.no.message,
			    "the Redis is away since 2025-12-31T23:59:55.000Z: timeout: x");
	prepared->since_ms = 0;
	refused(document_fleet_hosts, "/", 503, "redis_fault");
	assert_string_equal(d.no.message, "timeout: x");
}

static void what_is_not_there_yet_is_asked_for_again(void **state)
{
	(void)state;
	view_put(prepared);
	prepared = NULL;
	assert_null(document_text(&d, document_fleet_hosts, "/"));
	assert_int_equal(d.no.status, 0);
	refusal = -ENOBUFS;
	refused(document_fleet_hosts, "/", 503, "busy");
}

static void windows_end_now(void **state)
{
	(void)state;
	refused(document_fleet_services, "/?from=1767225500&to=1767225590", 400, "bad_window");
	free(document_text(&d, document_fleet_services, "/?window=1h&service=shop"));
	assert_int_equal(asked.window_s, 3600);
	assert_true(asked.sums);
	assert_string_equal(asked.service, "shop");
	free(document_text(&d, document_fleet_hosts, "/?service=shop"));
	assert_false(asked.sums);
	assert_string_equal(asked.service, ""); /* so that it is one view for all */
}

static void a_host_that_is_gone_says_so(void **state)
{
	struct muster_host *h;
	char *text;

	(void)state;
	host("web-1", 1000);
	host("web-2", 31000);
	h = host("web-3", 2000);
	h->card.schema = 0;
	h->state = MUSTER_UNREAD;
	snprintf(h->fault, sizeof(h->fault), "its announcement is of another schema");
	text = document_text(&d, document_fleet_hosts, "/?limit=2");
	assert_holds(text, "\"host\":\"web-1\",\"state\":\"live\"");
	assert_holds(text, "\"host\":\"web-2\",\"state\":\"gone\",\"lastSeen\":"
			   "\"2025-12-31T23:59:29.000Z\",\"ageMs\":31000,\"goneSince\":"
			   "\"2025-12-31T23:59:59.000Z\"");
	assert_holds(text, "\"completeness\":90");
	assert_holds(text, "\"live\":1,\"gone\":1,\"unread\":1");
	assert_holds(text, "\"nextCursor\":\"2\"");
	assert_lacks(text, "web-3");
	free(text);
	text = document_text(&d, document_fleet_hosts, "/?cursor=2");
	assert_holds(text, "\"host\":\"web-3\",\"state\":\"unread\"");
	assert_holds(text, "\"from\":null,\"to\":null");
	assert_holds(text, "\"error\":\"its announcement is of another schema\"");
	free(text);
}

static void what_was_cut_says_so(void **state)
{
	char *text;

	(void)state;
	host("web-1", 1000);
	prepared->cut = "time";
	prepared->refused = 3;
	text = document_text(&d, document_fleet_services, "/");
	assert_holds(text, "\"cut\":\"time\"");
	assert_holds(text, "\"valuesRefused\":3");
	free(text);
}

static void rows_are_of_all_hosts(void **state)
{
	char *text;

	(void)state;
	host("web-1", 1000)->sums.count = 70;
	prepared->told_s = 300;
	prepared->row_count = 1;
	prepared->rows = calloc(1, sizeof(*prepared->rows));
	snprintf(prepared->rows->service, sizeof(prepared->rows->service), "shop");
	prepared->rows->hosts = 2;
	prepared->rows->sums.count = 600;
	prepared->rows->sums.errors = 6;
	prepared->rows->sums.span_ns = 600 * 2 * MILLISECOND;
	prepared->rows->gauges[METRICS_GAUGE_RSS] = METRICS_UNKNOWN;
	text = document_text(&d, document_fleet_services, "/");
	assert_holds(text, "\"service\":\"shop\",\"environment\":null,\"hosts\":2,\"count\":600,"
			   "\"requestsPerSecond\":2,\"errorRate\":1,\"avg\":2,");
	assert_holds(text, "\"rss\":null");
	assert_holds(text, "\"coveredSeconds\":300");
	assert_holds(text, "\"count\":70,\"errors\":0,\"error\":null");
	free(text);
}

static void the_guides_document_is_of_all_hosts(void **state)
{
	char *text;

	(void)state;
	host("web-1", 1000);
	prepared->told_s = 120;
	prepared->total.sums.count = 240;
	prepared->total.sums.recorded = 240;
	prepared->total.sums.status[1] = 240;
	prepared->total.gauges[METRICS_GAUGE_RSS] = 4096;
	prepared->total.gauges[METRICS_GAUGE_IN_FLIGHT] = 3;
	text = document_text(&d, document_fleet_performance, "/?window=5m");
	assert_holds(text, "\"responseTimes\":{\"count\":240,");
	assert_holds(text, "\"requestsPerMinute\":120,");
	assert_holds(text, "\"inFlight\":3,");
	assert_holds(text, "\"2xx\":240,");
	assert_holds(text, "\"memory\":{\"rss\":4096,");
	assert_holds(text, "\"peak\":null");
	free(text);
	text = document_text(&d, document_fleet_performance, "/?route=/a");
	assert_holds(text, "\"memory\":{\"rss\":null,"); /* no route has memory of its own */
	free(text);
}

static void what_nobody_has_is_not_found(void **state)
{
	(void)state;
	host("web-1", 1000);
	refused(document_fleet_performance, "/?service=none", 404, "not_seen");
	refused(document_fleet_performance, "/?route=/none", 404, "not_seen");
	prepared->cut = "time"; /* it may have been in what was not read */
	free(document_text(&d, document_fleet_performance, "/?service=none"));
	assert_int_equal(d.no.status, 0);
}

static void alerts_of_all_hosts_stand_by_what_matters(void **state)
{
	const char *first, *second, *third;
	char *text;

	(void)state;
	alert(host("web-1", 1000), "slow", "warning", "shop");
	alert(host("web-2", 40000), "errors", "critical", "api");
	alert(&prepared->muster.hosts[1], "late", "warning", "api");
	snprintf(prepared->muster.hosts[1].card.alerts[1].state, 16, "pending");
	prepared->muster.hosts[0].card.alerts_left = 4;
	text = document_text(&d, document_fleet_alerts, "/");
	first = strstr(text, "\"rule\":\"errors\"");
	second = strstr(text, "\"rule\":\"slow\"");
	third = strstr(text, "\"rule\":\"late\"");
	assert_true(first && second && third && first < second && second < third);
	assert_holds(text, "\"host\":\"web-2\",\"hostState\":\"gone\",\"ageMs\":40000,");
	assert_holds(text, "\"alertsLeftOut\":4,\"hosts\":[{\"host\":\"web-1\",\"state\":\"live\"");
	assert_holds(text, "{\"host\":\"web-2\",\"state\":\"gone\"");
	free(text);
	text = document_text(&d, document_fleet_alerts, "/?service=shop");
	assert_holds(text, "\"rule\":\"slow\"");
	assert_lacks(text, "\"rule\":\"errors\"");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(without_a_fleet_it_says_what_one_needs, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_redis_that_is_away_is_told_and_since_when, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_is_not_there_yet_is_asked_for_again, setup,
						teardown),
		cmocka_unit_test_setup_teardown(windows_end_now, setup, teardown),
		cmocka_unit_test_setup_teardown(a_host_that_is_gone_says_so, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_cut_says_so, setup, teardown),
		cmocka_unit_test_setup_teardown(rows_are_of_all_hosts, setup, teardown),
		cmocka_unit_test_setup_teardown(the_guides_document_is_of_all_hosts, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_nobody_has_is_not_found, setup, teardown),
		cmocka_unit_test_setup_teardown(alerts_of_all_hosts_stand_by_what_matters, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
