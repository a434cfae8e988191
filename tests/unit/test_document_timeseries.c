#include "document_fixture.h"
#include "registry.h"

#include <errno.h>
#include <stdio.h>

static void open_site(struct document_fixture *d)
{
	document_open(d);
	d->f.m->wall_offset_ms = NOW_MS - (int64_t)(NOW / MILLISECOND);
}

/* A second's requests: n of 10 ms, of which the first failed, in each of the last 120 seconds. */
static void fill(struct document_fixture *d, unsigned int n)
{
	for (uint64_t s = 119; s < 120; s--) {
		uint64_t at = NOW - s * SECOND;

		for (unsigned int i = 0; i < n; i++)
			fixture_request_as(&d->f, &d->f.target, at, 10 * MILLISECOND, "/a",
					   i ? 200 : 503, 0);
		fixture_counters(&d->f, &d->f.target, n, n, at);
		fixture_tick(&d->f, at);
	}
}

static void points_are_exact_and_their_rate_is_of_what_has_passed(void **state)
{
	struct document_fixture d;
	char *text;

	(void)state;
	open_site(&d);
	fill(&d, 3);
	text = document_text(&d, document_timeseries,
			     "/x?metric=requests.rate&window=1m&step=10s&service=shop");
	assert_holds(text, "\"unit\":\"requests/s\",\"window\":\"1m\",\"step\":\"10s\"");
	assert_holds(text, "\"summary\":{\"value\":3,\"count\":183}");
	assert_holds(text, "{\"at\":\"2025-12-31T23:59:50.000Z\",\"value\":3,\"count\":30}");
	/* of the last point one second has passed */
	assert_holds(text, "{\"at\":\"2026-01-01T00:00:00.000Z\",\"value\":3,\"count\":3}]");
	assert_holds(text, "\"keptFrom\":\"2025-12-31T23:50:00.000Z\",\"cut\":false");
	free(text);
	text = document_text(&d, document_timeseries,
			     "/x?metric=requests.errors&window=1m&step=1m&route=/a");
	assert_holds(text, "\"count\":81,\"requests\":243,\"percent\":33.333");
	free(text);
	document_close(&d);
}

static void durations_have_percentiles_and_a_heat_map(void **state)
{
	struct document_fixture d;
	char *text;

	(void)state;
	open_site(&d);
	fill(&d, 2);
	text = document_text(&d, document_timeseries,
			     "/x?metric=requests.duration&window=1m&step=1m&p=50,99.9&route=/a");
	assert_holds(text, "\"value\":10");
	assert_holds(text, "\"min\":10,\"max\":10,\"percentiles\":{\"p50\":10,\"p999\":10}");
	assert_lacks(text, "buckets");
	free(text);
	text = document_text(
		&d, document_timeseries,
		"/x?metric=requests.duration&window=10s&step=10s&format=heatmap&pid=70");
	assert_holds(text, "\"schema\":3");
	/* 2^(-53 / 8) s is the first bound of schema 3 above 10 ms */
	assert_holds(text, "\"buckets\":[[10.1");
	assert_holds(text, ",20]]");
	free(text);
	document_close(&d);
}

static void what_was_not_watched_is_null(void **state)
{
	struct document_fixture d;
	char *text;

	(void)state;
	open_site(&d);
	text = document_text(&d, document_timeseries,
			     "/x?metric=requests.rate&window=15m&step=10s");
	assert_holds(text, "{\"at\":\"2025-12-31T23:49:50.000Z\",\"value\":null,\"count\":0}");
	assert_holds(text, "{\"at\":\"2025-12-31T23:50:00.000Z\",\"value\":0,\"count\":0}");
	free(text);
	text = document_text(&d, document_timeseries, "/x?metric=cache.hitrate&window=10s");
	assert_holds(text, "\"awaited\":true");
	assert_holds(text, "\"value\":null");
	free(text);
	document_close(&d);
}

static void statements_of_databases_are_told(void **state)
{
	struct document_fixture d;
	char *text;

	(void)state;
	open_site(&d);
	fill(&d, 3);
	fixture_statement(&d.f, NOW, "SELECT a FROM b");
	fixture_statement(&d.f, NOW, "SELECT c");
	fixture_tick(&d.f, NOW);
	text = document_text(&d, document_timeseries, "/x?metric=database.duration&window=10s");
	assert_holds(text, "\"awaited\":false");
	assert_holds(text, "\"summary\":{\"value\":1,\"count\":2,");
	free(text);
	text = document_text(&d, document_timeseries,
			     "/x?metric=database.duration&window=10s&route=SELECT%20a%20FROM%20b");
	assert_holds(text, "\"summary\":{\"value\":1,\"count\":1,");
	free(text);
	assert_null(document_text(&d, document_timeseries,
				  "/x?metric=database.duration&window=10s&pid=70"));
	assert_int_equal(d.no.status, 400);
	assert_string_equal(d.no.field, "pid");
	document_close(&d);
}

static void peaks_are_the_best_points(void **state)
{
	struct document_fixture d;
	char *text;

	(void)state;
	open_site(&d);
	for (uint64_t s = 100; s < 101; s--) {
		fixture_counters(&d.f, &d.f.target, s % 7, s % 7, NOW - s * SECOND);
		if (s == 33)
			fixture_counters(&d.f, &d.f.target, 50, 50, NOW - s * SECOND);
		fixture_tick(&d.f, NOW - s * SECOND);
	}
	text = document_text(&d, document_timeseries, "/x?metric=requests.rate&window=5m&step=1s");
	assert_holds(text, "\"peaks\":[{\"at\":\"2025-12-31T23:59:27.000Z\",\"value\":55},"
			   "{\"at\":\"2025-12-31T23:58:23.000Z\",\"value\":6},{");
	free(text);
	document_close(&d);
}

static void an_earlier_window_stands_beside(void **state)
{
	struct document_fixture d;
	char *text;

	(void)state;
	open_site(&d);
	for (uint64_t s = 119; s < 120; s--) {
		uint64_t n = s < 60 ? 3 : 2;

		fixture_counters(&d.f, &d.f.target, n, n, NOW - s * SECOND);
		fixture_tick(&d.f, NOW - s * SECOND);
	}
	text = document_text(&d, document_timeseries,
			     "/x?metric=requests.rate&window=1m&step=1s&compare=1m");
	assert_holds(text, "\"compared\":{\"offset\":\"1m\"");
	assert_holds(text, "\"count\":180}");
	assert_holds(text, "\"count\":120}");
	assert_holds(text, "\"changePercent\":50}");
	free(text);
	document_close(&d);
}

static void a_name_that_was_never_seen_is_404(void **state)
{
	struct document_fixture d;

	(void)state;
	open_site(&d);
	assert_null(
		document_text(&d, document_timeseries, "/x?metric=requests.rate&service=nobody"));
	assert_int_equal(d.no.status, 404);
	assert_string_equal(d.no.field, "service");
	document_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(points_are_exact_and_their_rate_is_of_what_has_passed),
		cmocka_unit_test(durations_have_percentiles_and_a_heat_map),
		cmocka_unit_test(what_was_not_watched_is_null),
		cmocka_unit_test(statements_of_databases_are_told),
		cmocka_unit_test(peaks_are_the_best_points),
		cmocka_unit_test(an_earlier_window_stands_beside),
		cmocka_unit_test(a_name_that_was_never_seen_is_404),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
