#include "cache.h"
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
	text = document_text(&d, document_timeseries, "/x?metric=upstream.duration&window=10s");
	assert_holds(text, "\"awaited\":true");
	assert_holds(text, "\"value\":null");
	free(text);
	document_close(&d);
}

/* Three of four look-ups are answered, between two of the cache's marks. */
static void look_up(struct cache *cache)
{
	const struct cache_put put = { .key = { "a", 1 },
				       .value = { "1", 1 },
				       .type = "text/plain",
				       .now_ns = NOW - 30 * SECOND };
	const struct cache_bytes other = { "b", 1 };
	uint64_t left_ns;

	assert_int_equal(cache_set(cache, &put), 0);
	cache_second(cache, NOW - 30 * SECOND);
	for (int i = 0; i < 3; i++)
		cache_value_put(cache_get(cache, &put.key, NOW - 25 * SECOND, &left_ns));
	assert_null(cache_get(cache, &other, NOW - 25 * SECOND, &left_ns));
	cache_second(cache, NOW - 20 * SECOND);
	cache_second(cache, NOW - 10 * SECOND);
}

static void the_caches_hit_rate_is_told_where_it_was_asked(void **state)
{
	const struct cache_config config = { .max_items = 100,
					     .max_bytes = 4 << 20,
					     .max_value = 10000,
					     .ttl_s = 300,
					     .cleanup_ns = 60 * SECOND };
	struct document_fixture d;
	char *text;

	(void)state;
	open_site(&d);
	text = document_text(&d, document_timeseries, "/x?metric=cache.hitrate&window=1m&step=10s");
	assert_holds(text, "\"awaited\":false");
	assert_holds(text, "\"summary\":{\"value\":null"); /* there is no cache */
	free(text);
	assert_int_equal(cache_open(&d.site.cache, &config), 0);
	look_up(d.site.cache);
	text = document_text(&d, document_timeseries, "/x?metric=cache.hitrate&window=1m&step=10s");
	assert_holds(text, "{\"at\":\"2025-12-31T23:59:20.000Z\",\"value\":null},"
			   "{\"at\":\"2025-12-31T23:59:30.000Z\",\"value\":75},"
			   "{\"at\":\"2025-12-31T23:59:40.000Z\",\"value\":null}");
	assert_holds(text, "\"summary\":{\"value\":75,\"min\":75,\"max\":75}");
	free(text);
	/* at each second it is that of the five before it */
	text = document_text(&d, document_timeseries, "/x?metric=cache.hitrate&window=1m&step=1s");
	assert_holds(text, "{\"at\":\"2025-12-31T23:59:38.000Z\",\"value\":null},"
			   "{\"at\":\"2025-12-31T23:59:39.000Z\",\"value\":75}");
	assert_holds(text, "{\"at\":\"2025-12-31T23:59:43.000Z\",\"value\":75},"
			   "{\"at\":\"2025-12-31T23:59:44.000Z\",\"value\":null}");
	free(text);
	cache_close(d.site.cache);
	document_close(&d);
}

static void what_is_older_than_the_cache_remembers_is_not_kept(void **state)
{
	struct document_fixture d;
	char *text;

	(void)state;
	open_site(&d);
	text = document_text(&d, document_timeseries, "/x?metric=cache.hitrate&window=6h&step=5m");
	assert_holds(text, "\"keptFrom\":\"2025-12-31T23:50:00.000Z\""); /* since it began */
	free(text);
	d.site.started_ns = NOW - 3601 * SECOND;
	text = document_text(&d, document_timeseries, "/x?metric=cache.hitrate&window=6h&step=5m");
	assert_holds(text, "\"keptFrom\":\"2025-12-31T23:00:00.000Z\"");
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
		cmocka_unit_test(the_caches_hit_rate_is_told_where_it_was_asked),
		cmocka_unit_test(what_is_older_than_the_cache_remembers_is_not_kept),
		cmocka_unit_test(statements_of_databases_are_told),
		cmocka_unit_test(peaks_are_the_best_points),
		cmocka_unit_test(an_earlier_window_stands_beside),
		cmocka_unit_test(a_name_that_was_never_seen_is_404),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
