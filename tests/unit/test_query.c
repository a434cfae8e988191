#include "metrics_fixture.h"
#include "series.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

static struct metrics_row row_of(struct metrics_row *rows, int count, const char *route,
				 uint8_t method)
{
	for (int i = 0; i < count; i++) {
		if (!strcmp(rows[i].route, route) && rows[i].method == method)
			return rows[i];
	}
	fail_msg("no row %s", route);
	return rows[0];
}

static void what_was_never_seen_is_enoent(void **state)
{
	struct metrics_scope none = { 0 }, pid = fixture_scope(NULL, 5, NULL);
	struct metrics_scope service = fixture_scope("nobody", 0, NULL);
	struct metrics_scope route = fixture_scope("shop", 0, "/nowhere");
	struct metrics_scope both = fixture_scope(NULL, 70, "/a");
	struct metrics_window w;
	struct fixture f;

	(void)state;
	fixture_open(&f, 1000 * SECOND);
	fixture_tick(&f, 1000 * SECOND);
	assert_int_equal(metrics_window_get(f.m, &pid, &w), -ENOENT);
	assert_int_equal(metrics_window_get(f.m, &service, &w), -ENOENT);
	assert_int_equal(metrics_window_get(f.m, &route, &w), -ENOENT);
	assert_int_equal(metrics_window_get(f.m, &both, &w), -ENOTSUP);
	assert_int_equal(metrics_window_get(f.m, &none, &w), 0);
	assert_int_equal(w.sums.count, 0);
	assert_true(w.percentile_ns[METRICS_P99] < 0 && w.peak_per_minute < 0);
	metrics_close(f.m);
}

static void a_route_holds_exact_sums_beyond_the_cap(void **state)
{
	struct metrics_scope scope = fixture_scope("shop", 0, NULL);
	struct metrics_row *rows, other;
	struct fixture f;
	char path[32];
	int n;

	(void)state;
	fixture_open(&f, 1000 * SECOND);
	for (int i = 0; i < METRICS_ROUTES + 50; i++) {
		snprintf(path, sizeof(path), "/a%d/b%d", i / 50, i % 50);
		fixture_request_as(&f, &f.target, 1000 * SECOND, MILLISECOND, path, 200, 0);
	}
	fixture_tick(&f, 1000 * SECOND);
	n = metrics_routes(f.m, &scope, &rows);
	assert_int_equal(n, METRICS_ROUTES + 1);
	other = row_of(rows, n, "_other", RS_METHOD_OTHER);
	assert_int_equal(other.sums.count, 50);
	assert_int_equal(other.sums.bytes_out, 50 * 600);
	assert_int_equal(row_of(rows, n, "/a0/b3", RS_METHOD_GET).sums.count, 1);
	free(rows);
	scope.pid = 70;
	assert_int_equal(metrics_routes(f.m, &scope, &rows), -ENOTSUP);
	metrics_close(f.m);
}

static void a_route_tells_what_its_service_did_not_record(void **state)
{
	struct metrics_scope scope = fixture_scope("shop", 0, NULL);
	struct drain_counters delta = { .requests = 8 };
	struct drain_ledger ledger = { .torn = 0 };
	struct metrics_window window;
	struct metrics_row *rows;
	struct fixture f;

	(void)state;
	fixture_open(&f, 1000 * SECOND);
	fixture_request(&f, 1000 * SECOND, MILLISECOND);
	delta.dropped[RS_KIND_REQUEST] = 7;
	f.sink.counters(f.sink.ctx, &f.target, &delta, &ledger, 1000 * SECOND, false);
	fixture_tick(&f, 1000 * SECOND);
	assert_int_equal(metrics_routes(f.m, &scope, &rows), 1);
	assert_int_equal(rows[0].sums.count, 1);
	assert_int_equal(rows[0].sums.dropped, 7);
	free(rows);
	scope.route = "/a";
	assert_int_equal(metrics_window_get(f.m, &scope, &window), 0);
	assert_int_equal(window.sums.count, 1);
	assert_int_equal(window.sums.dropped, 7);
	metrics_close(f.m);
}

static void services_and_processes_have_a_row_each(void **state)
{
	struct metrics_scope scope = { 0 };
	struct capture_target second, third;
	struct metrics_row *rows;
	struct fixture f;
	int n;

	(void)state;
	fixture_open(&f, 1000 * SECOND);
	fixture_target(&second, 8, 80, "shop");
	fixture_target(&third, 9, 90, "mail");
	f.sink.seen(f.sink.ctx, &second);
	f.sink.seen(f.sink.ctx, &third);
	fixture_counters(&f, &f.target, 2, 1, 1000 * SECOND);
	fixture_counters(&f, &second, 5, 3, 1000 * SECOND);
	fixture_counters(&f, &third, 7, 7, 1000 * SECOND);
	fixture_tick(&f, 1000 * SECOND);
	n = metrics_services(f.m, &scope, &rows);
	assert_int_equal(n, 2);
	for (int i = 0; i < n; i++) {
		bool shop = !strcmp(rows[i].service, "shop");

		assert_int_equal(rows[i].sums.count, shop ? 4 : 7);
		assert_int_equal(rows[i].processes, shop ? 2 : 1);
		assert_int_equal(rows[i].in_flight, shop ? 3 : 0);
	}
	free(rows);
	scope.service = "shop";
	assert_int_equal(metrics_services(f.m, &scope, &rows), 1);
	free(rows);
	assert_int_equal(metrics_processes(f.m, &scope, &rows), 2);
	free(rows);
	scope.pid = 80;
	assert_int_equal(metrics_processes(f.m, &scope, &rows), 1);
	assert_int_equal(rows[0].sums.count, 3);
	free(rows);
	metrics_close(f.m);
}

static void the_peak_is_the_best_minute_watched_in_full(void **state)
{
	struct metrics_scope scope = fixture_scope("shop", 0, NULL);
	struct metrics_window w;
	struct fixture f;

	(void)state;
	fixture_open(&f, 6030 * SECOND); /* the first minute is not a full one */
	for (uint64_t s = 6030; s < 6330; s++) {
		uint64_t n = s < 6060 ? 50 : (s / 60 == 102 ? 5 : 2);

		fixture_counters(&f, &f.target, n, n, s * SECOND);
		fixture_tick(&f, s * SECOND);
	}
	scope.from_ns = 6300 * SECOND;
	scope.to_ns = 6329 * SECOND;
	assert_int_equal(metrics_window_get(f.m, &scope, &w), 0);
	assert_int_equal(w.sums.count, 29 * 2);
	assert_int_equal(w.span_s, 29);
	assert_true(fabs(w.peak_per_minute - 300) < 0.5);
	metrics_close(f.m);
}

static void span_is_what_was_watched_of_the_window(void **state)
{
	struct metrics_scope scope = fixture_scope("shop", 0, NULL);
	struct metrics_window w;
	struct fixture f;

	(void)state;
	fixture_open(&f, 10000 * SECOND);
	fixture_tick(&f, 10020 * SECOND);
	scope.from_ns = (10020 - 300) * SECOND;
	scope.to_ns = 10020 * SECOND;
	assert_int_equal(metrics_window_get(f.m, &scope, &w), 0);
	assert_int_equal(w.span_s, 21);
	scope.from_ns = 10010 * SECOND;
	assert_int_equal(metrics_window_get(f.m, &scope, &w), 0);
	assert_int_equal(w.span_s, 10);
	fixture_tick(&f, 30000 * SECOND);
	scope.from_ns = 0;
	scope.to_ns = 0;
	assert_int_equal(metrics_window_get(f.m, &scope, &w), 0);
	assert_int_equal(w.span_s, 20001);
	fixture_tick(&f, 40000 * SECOND);
	assert_int_equal(metrics_window_get(f.m, &scope, &w), 0);
	assert_int_equal(w.span_s, SERIES_SPAN);
	metrics_close(f.m);
}

static void the_slow_list_takes_slow_failed_and_slowest(void **state)
{
	struct metrics_scope scope = fixture_scope("shop", 0, NULL);
	struct metrics_slow *rows;
	struct fixture f;
	int n;

	(void)state;
	fixture_open(&f, 1000 * SECOND);
	for (uint64_t i = 0; i < 150; i++)
		fixture_request(&f, 1000 * SECOND, (100 + i) * MILLISECOND);
	fixture_request(&f, 1000 * SECOND, 2 * SECOND);
	fixture_request_as(&f, &f.target, 1000 * SECOND, 10, "/broken", 500, 0);
	fixture_tick(&f, 1000 * SECOND);
	n = metrics_slowest(f.m, &scope, &rows);
	assert_int_equal(n, 1 + METRICS_SLOWEST + 1);
	assert_int_equal(rows[0].span_ns, 2 * SECOND);
	assert_int_equal(rows[1].span_ns, 249 * MILLISECOND);
	assert_string_equal(rows[n - 1].path, "/broken");
	assert_int_equal(rows[n - 1].status, 500);
	assert_int_equal(rows[0].pid, 70);
	free(rows);
	scope.route = "/broken";
	assert_int_equal(metrics_slowest(f.m, &scope, &rows), 1);
	free(rows);
	scope.route = NULL;
	scope.from_ns = 1001 * SECOND;
	scope.to_ns = 1002 * SECOND;
	assert_int_equal(metrics_slowest(f.m, &scope, &rows), 0);
	free(rows);
	metrics_close(f.m);
}

static void what_comes_too_fast_for_the_list_is_counted(void **state)
{
	struct metrics_losses losses;
	struct fixture f;

	(void)state;
	fixture_open(&f, 1000 * SECOND);
	for (int i = 0; i < 300; i++)
		fixture_request(&f, 1000 * SECOND, 2 * SECOND);
	fixture_tick(&f, 1000 * SECOND);
	metrics_losses_get(f.m, &losses);
	assert_int_equal(losses.listed, 300 - 256);
	metrics_close(f.m);
}

static void open_requests_are_listed_oldest_first(void **state)
{
	struct metrics_scope scope = fixture_scope("shop", 0, NULL);
	struct drain_open open[400];
	struct metrics_in_flight *rows;
	struct metrics_window w;
	struct fixture f;
	int n;

	(void)state;
	fixture_open(&f, 1000 * SECOND);
	fixture_request(&f, 1000 * SECOND, MILLISECOND);
	for (uint32_t i = 0; i < 400; i++)
		open[i] = (struct drain_open){ .t0_ns = 1000 * SECOND + (i * 7 % 400),
					       .path = i % 2 ? "/a" : "/b",
					       .connection = i + 1,
					       .method = RS_METHOD_GET };
	f.sink.open(f.sink.ctx, &f.target, open, 400, 1001 * SECOND);
	fixture_tick(&f, 1002 * SECOND);
	n = metrics_open_requests(f.m, &scope, &rows);
	assert_int_equal(n, 256);
	for (int i = 0; i < n; i++)
		assert_int_equal(rows[i].age_ns, 2 * SECOND - (uint64_t)i);
	free(rows);
	scope.route = "/a";
	assert_int_equal(metrics_open_requests(f.m, &scope, &rows), 128);
	free(rows);
	assert_int_equal(metrics_window_get(f.m, &scope, &w), 0);
	assert_int_equal(w.in_flight, 128);
	f.sink.open(f.sink.ctx, &f.target, NULL, 0, 1003 * SECOND);
	fixture_tick(&f, 1003 * SECOND);
	scope.route = NULL;
	assert_int_equal(metrics_open_requests(f.m, &scope, &rows), 0);
	free(rows);
	metrics_close(f.m);
}

static int by_length(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

#define HOUR 3600u
#define EACH 30u /* requests a second */

/* From 10 µs to 30 s, as likely in each decade; some seconds are much slower than others. */
static uint64_t random_span(uint64_t *seed, uint32_t second)
{
	double share;

	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	share = (double)(*seed >> 11) / 9007199254740992.0;
	return (uint64_t)(1e4 * pow(3e6, share * (second % 60 < 5 ? 1 : 0.6)));
}

static void an_hour_merged_has_the_percentiles_of_its_records(void **state)
{
	static const uint32_t thousandths[METRICS_RANKS] = { 500, 900, 950, 990, 999 };
	struct metrics_scope scope = { .service = "shop", .from_ns = 20000 * SECOND - 1 };
	uint64_t *spans = malloc(HOUR * EACH * sizeof(*spans)), seed = 88172645463325252u;
	struct metrics_window w;
	struct fixture f;
	size_t count = 0;

	(void)state;
	assert_non_null(spans);
	fixture_open(&f, 20000 * SECOND);
	for (uint32_t s = 0; s < HOUR; s++) {
		for (uint32_t i = 0; i < EACH; i++) {
			spans[count] = random_span(&seed, s);
			fixture_request(&f, (20000 + s) * SECOND, spans[count++]);
		}
		fixture_tick(&f, (20000 + s) * SECOND + SECOND / 2);
	}
	assert_int_equal(metrics_window_get(f.m, &scope, &w), 0);
	qsort(spans, count, sizeof(*spans), by_length);
	for (int i = 0; i < METRICS_RANKS; i++) {
		/* nearest rank */
		double raw = (double)spans[(count * thousandths[i] + 999) / 1000 - 1];

		if (fabs(w.percentile_ns[i] - raw) > 0.011 * raw)
			fail_msg("rank %u: %f, not %f", thousandths[i], w.percentile_ns[i], raw);
	}
	free(spans);
	metrics_close(f.m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_never_seen_is_enoent),
		cmocka_unit_test(a_route_holds_exact_sums_beyond_the_cap),
		cmocka_unit_test(a_route_tells_what_its_service_did_not_record),
		cmocka_unit_test(services_and_processes_have_a_row_each),
		cmocka_unit_test(the_peak_is_the_best_minute_watched_in_full),
		cmocka_unit_test(span_is_what_was_watched_of_the_window),
		cmocka_unit_test(the_slow_list_takes_slow_failed_and_slowest),
		cmocka_unit_test(what_comes_too_fast_for_the_list_is_counted),
		cmocka_unit_test(open_requests_are_listed_oldest_first),
		cmocka_unit_test(an_hour_merged_has_the_percentiles_of_its_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
