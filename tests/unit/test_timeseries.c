#include "timeseries.h"

#include "document_fixture.h"

#include <errno.h>
#include <stdio.h>

static struct document_fixture d;

static int ask(const char *query, struct timeseries *out)
{
	static struct question q;
	char target[256];

	q = (struct question){ .site = &d.site, .request = &d.request, .no = &d.no };
	memset(&d.no, 0, sizeof(d.no));
	snprintf(target, sizeof(target), "/x?%s", query);
	assert_int_equal(params_split(target, &d.params, &d.no), 0);
	assert_int_equal(params_ask(&d.params, ~0u, &d.request, &q.ask, &d.no), 0);
	return timeseries_ask(&q, out);
}

static void refused(const char *query, const char *field, const char *code, const char *part)
{
	struct timeseries t;

	assert_int_equal(ask(query, &t), -EINVAL);
	assert_int_equal(d.no.status, 400);
	assert_string_equal(d.no.field, field);
	assert_string_equal(d.no.code, code);
	assert_holds(d.no.message, part);
}

static void each_metric_is_known_and_another_is_told_all(void **state)
{
	static const char *const names[] = {
		"requests.rate",     "requests.errors",   "requests.duration", "requests.inflight",
		"cpu.percent",       "memory.rss",        "memory.heap",       "memory.percent",
		"alloc.rate",        "io.read",           "io.write",          "cache.hitrate",
		"upstream.duration", "database.duration",
	};
	struct timeseries t;
	char query[64];

	(void)state;
	document_open(&d);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(query, sizeof(query), "metric=%s", names[i]);
		assert_int_equal(ask(query, &t), 0);
		assert_string_equal(t.metric->name, names[i]);
		refused("metric=requests.latency", "metric", "bad_metric", names[i]);
	}
	refused("step=1m", "metric", "bad_metric", "requests.rate");
	document_close(&d);
}

/* NOW is 20,000 s after boot. */
static void the_span_is_that_of_the_window(void **state)
{
	struct timeseries t;

	(void)state;
	document_open(&d);
	assert_int_equal(ask("metric=requests.rate&window=1m&step=1s", &t), 0);
	assert_int_equal(t.span.from_s, 19941);
	assert_int_equal(t.span.to_s, 20001);
	assert_int_equal(ask("metric=requests.rate&from=2025-12-31T23:58:00Z&"
			     "to=2025-12-31T23:59:00Z&step=10s",
			     &t),
			 0);
	assert_int_equal(t.span.from_s, 19881);
	assert_int_equal(t.span.to_s, 19941);
	/* before this boot, but no longer ago than anything is kept */
	assert_int_equal(ask("metric=requests.rate&window=24h", &t), 0);
	assert_int_equal(t.span.from_s, 20001 - 86400);
	assert_int_equal(ask("metric=requests.rate&from=1", &t), 0);
	assert_int_equal(t.span.from_s, 20001 - 2592000);
	document_close(&d);
}

static void the_usual_step_makes_a_few_hundred_points(void **state)
{
	static const struct {
		const char *window, *step;
	} usual[] = { { "10s", "1s" }, { "5m", "1s" },  { "15m", "10s" }, { "1h", "10s" },
		      { "6h", "5m" },  { "24h", "5m" }, { "7d", "1h" },   { "30d", "6h" } };
	struct timeseries t;
	char query[64];

	(void)state;
	document_open(&d);
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
		snprintf(query, sizeof(query), "metric=requests.rate&window=%s", usual[i].window);
		assert_int_equal(ask(query, &t), 0);
		assert_string_equal(t.step->name, usual[i].step);
	}
	refused("metric=requests.rate&window=1h&step=1s", "step", "bad_step", "1500 points");
	refused("metric=requests.rate&step=2s", "step", "bad_step", "one of 1s, 10s, 1m");
	document_close(&d);
}

static void percentiles_are_named_as_elsewhere(void **state)
{
	struct timeseries t;

	(void)state;
	document_open(&d);
	assert_int_equal(ask("metric=requests.duration&p=50,99.9,0.1,7", &t), 0);
	assert_int_equal(t.rank_count, 4);
	assert_string_equal(t.ranks[1].name, "p999");
	assert_int_equal(t.ranks[1].thousandths, 999);
	assert_string_equal(t.ranks[2].name, "p01");
	assert_int_equal(t.ranks[2].thousandths, 1);
	assert_int_equal(t.ranks[3].thousandths, 70);
	assert_int_equal(ask("metric=requests.duration", &t), 0);
	assert_int_equal(t.rank_count, 3);
	for (size_t i = 0; i < 10; i++) {
		static const char *const bad[] = {
			"",    "0",     "100", "50,", ",50",
			"p50", "99.99", "5.",  "-1",  "1,2,3,4,5,6,7,8,9"
		};
		char query[64];

		snprintf(query, sizeof(query), "metric=requests.duration&p=%s", bad[i]);
		refused(query, "p", "bad_percentile", "99.9");
	}
	document_close(&d);
}

static void what_does_not_go_together_is_refused(void **state)
{
	struct timeseries t;

	(void)state;
	document_open(&d);
	refused("metric=requests.rate&format=heatmap", "format", "bad_format", "requests.duration");
	refused("metric=requests.rate&format=svg", "format", "bad_format", "points, heatmap");
	refused("metric=memory.rss&route=/a", "route", "bad_scope", "processes");
	refused("metric=cache.hitrate&service=shop", "service", "bad_scope", "own cache");
	refused("metric=cache.hitrate&route=/a", "route", "bad_scope", "own cache");
	refused("metric=cache.hitrate&pid=7", "pid", "bad_scope", "own cache");
	assert_int_equal(ask("metric=cache.hitrate", &t), 0);
	refused("metric=database.duration&pid=7", "pid", "bad_scope", "services and routes");
	refused("metric=requests.rate&compare=2h", "compare", "bad_compare", "24h, 7d");
	refused("metric=requests.rate&window=24h&step=1h&compare=5m", "compare", "bad_compare",
		"multiple");
	assert_int_equal(ask("metric=requests.rate&compare=1h&window=1m", &t), 0);
	assert_int_equal(timeseries_earlier(&t).to_s, 20001 - 3600);
	document_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_metric_is_known_and_another_is_told_all),
		cmocka_unit_test(the_span_is_that_of_the_window),
		cmocka_unit_test(the_usual_step_makes_a_few_hundred_points),
		cmocka_unit_test(percentiles_are_named_as_elsewhere),
		cmocka_unit_test(what_does_not_go_together_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
