#include "../../agent/web/exporter.c" /* white box: two programs of one pid by hand */
#include "exporter_fixture.h"

static void fill(struct document_fixture *d)
{
	struct drain_counters delta = { .begun = 5, .requests = 3, .bytes_in = 7, .bytes_out = 9 };
	struct drain_ledger ledger = { .torn = 0 };

	delta.status[1] = 2;
	delta.status[4] = 1;
	fixture_request_as(&d->f, &d->f.target, NOW, 3 * MILLISECOND, "/a", 200, 0);
	fixture_request_as(&d->f, &d->f.target, NOW, 30 * MILLISECOND, "/a", 200, 0);
	fixture_request_as(&d->f, &d->f.target, NOW, 20 * SECOND, "/b\"\\", 500, 0);
	d->f.sink.counters(d->f.sink.ctx, &d->f.target, &delta, &ledger, NOW, false);
	fixture_tick(&d->f, NOW);
}

#define DURATION "http_server_request_duration_seconds"
#define ROUTE_A "service=\"shop\",http_request_method=\"GET\",http_route=\"/a\""

static void durations_are_told_by_route(void **state)
{
	struct document_fixture d;
	char *text;

	(void)state;
	document_open(&d);
	fill(&d);
	text = exporter_text(&d, false);
	assert_holds(text, "# TYPE " DURATION " histogram\n");
	assert_true(exporter_sample(text, DURATION "_bucket{" ROUTE_A ",le=\"0.0025\"}") == 0);
	assert_true(exporter_sample(text, DURATION "_bucket{" ROUTE_A ",le=\"0.005\"}") == 1);
	assert_true(exporter_sample(text, DURATION "_bucket{" ROUTE_A ",le=\"0.05\"}") == 2);
	assert_true(exporter_sample(text, DURATION "_bucket{" ROUTE_A ",le=\"+Inf\"}") == 2);
	assert_true(exporter_sample(text, DURATION "_count{" ROUTE_A "}") == 2);
	assert_true(exporter_sample(text, DURATION "_sum{" ROUTE_A "}") == 0.033);
	assert_holds(text, "http_route=\"/b\\\"\\\\\",le=\"10\"} 0\n");
	assert_holds(text, "http_route=\"/b\\\"\\\\\",le=\"+Inf\"} 1\n");
	free(text);
	document_close(&d);
}

static void sums_are_those_of_the_counters(void **state)
{
	struct document_fixture d;
	char *text;

	(void)state;
	document_open(&d);
	fill(&d);
	text = exporter_text(&d, false);
	assert_true(exporter_sample(
			    text, "ringside_requests_total{service=\"shop\",status=\"2xx\"}") == 2);
	assert_true(exporter_sample(
			    text, "ringside_requests_total{service=\"shop\",status=\"5xx\"}") == 1);
	assert_true(exporter_sample(text, "ringside_requests_failed_total{service=\"shop\"}") == 1);
	assert_true(exporter_sample(text, "ringside_requests_bytes_total{service=\"shop\","
					  "direction=\"out\"}") == 9);
	assert_true(exporter_sample(text, "ringside_capture_requests_total{service=\"shop\","
					  "how=\"recorded\"}") == 3);
	assert_true(exporter_sample(text, "http_server_active_requests{service=\"shop\"}") == 2);
	assert_true(exporter_sample(text, "ringside_processes{service=\"shop\"}") == 1);
	free(text);
	document_close(&d);
}

static void counters_stay_when_the_window_is_long_past(void **state)
{
	struct document_fixture d;
	char *text;

	(void)state;
	document_open(&d);
	fill(&d);
	d.f.sink.gone(d.f.sink.ctx, &d.f.target, NOW + SECOND);
	for (uint64_t s = 1; s < 9000; s += 60)
		fixture_tick(&d.f, NOW + s * SECOND);
	text = exporter_text(&d, false);
	assert_true(exporter_sample(
			    text, "ringside_requests_total{service=\"shop\",status=\"2xx\"}") == 2);
	assert_true(exporter_sample(text, DURATION "_count{" ROUTE_A "}") == 2);
	assert_true(exporter_sample(text, "ringside_processes{service=\"shop\"}") == 0);
	free(text);
	document_close(&d);
}

static void an_environment_is_a_label_where_there_is_one(void **state)
{
	struct capture_target other;
	struct document_fixture d;
	char *text;

	(void)state;
	document_open(&d);
	fill(&d);
	fixture_target(&other, 9, 90, "mail");
	strcpy(other.environment, "test");
	d.f.sink.seen(d.f.sink.ctx, &other);
	fixture_counters(&d.f, &other, 7, 7, NOW);
	fixture_tick(&d.f, NOW + SECOND);
	text = exporter_text(&d, false);
	assert_true(exporter_sample(text, "ringside_requests_total{service=\"mail\","
					  "environment=\"test\",status=\"2xx\"}") == 7);
	assert_true(exporter_sample(
			    text, "ringside_requests_total{service=\"shop\",status=\"2xx\"}") == 2);
	free(text);
	document_close(&d);
}

static void openmetrics_ends_with_its_mark(void **state)
{
	struct document_fixture d;
	char *text;

	(void)state;
	document_open(&d);
	fill(&d);
	text = exporter_text(&d, true);
	assert_string_equal(text + strlen(text) - 7, "\n# EOF\n");
	assert_holds(text, "# TYPE ringside_requests counter\n");
	assert_lacks(text, "# TYPE ringside_requests_total");
	free(text);
	text = exporter_text(&d, false);
	assert_lacks(text, "# EOF");
	free(text);
	document_close(&d);
}

static void labels_of_the_configuration_are_on_every_sample(void **state)
{
	static const char file[] = "{\"labels\":{\"zone\":\"a \\\"b\\\"\",\"service\":\"mine\","
				   "\"__x\":\"1\"}}";
	struct document_fixture d;
	struct config_error error;
	char *text, *line, *rest;

	(void)state;
	document_open(&d);
	fill(&d);
	if (config_read(d.config, "t", file, strlen(file), &error))
		fail_msg("%s", error.text);
	text = exporter_text(&d, false);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (*line == '#')
			continue;
		assert_holds(line, "zone=\"a \\\"b\\\"\"");
		assert_holds(line, "exported_service=\"mine\"");
		assert_holds(line, "exported___x=\"1\"");
	}
	free(text);
	document_close(&d);
}

static void a_route_is_told_by_the_classes_it_answered_with(void **state)
{
	struct document_fixture d;
	char *text;

	(void)state;
	document_open(&d);
	fill(&d);
	text = exporter_text(&d, false);
	assert_true(exporter_sample(text, "ringside_route_requests_total{" ROUTE_A
					  ",status=\"2xx\"}") == 2);
	assert_lacks(text, "ringside_route_requests_total{" ROUTE_A ",status=\"5xx\"}");
	free(text);
	document_close(&d);
}

static void more_routes_than_a_reply_holds_are_counted(void **state)
{
	struct document_fixture d;
	const char *at;
	char name[32], *text;
	int told = 0;

	(void)state;
	document_open(&d);
	for (int s = 0; s < 11; s++) {
		struct capture_target target;

		snprintf(name, sizeof(name), "s%d", s);
		fixture_target(&target, (uint64_t)(20 + s), 200 + s, name);
		d.f.sink.seen(d.f.sink.ctx, &target);
		for (int r = 0; r < METRICS_ROUTES; r++) {
			snprintf(name, sizeof(name), "/a%d/b%d", r / 50, r % 50);
			fixture_request_as(&d.f, &target, NOW, 1, name, 200, 0);
		}
		fixture_tick(&d.f, NOW);
	}
	text = exporter_text(&d, false);
	for (at = text; (at = strstr(at, "\n" DURATION "_count{")); at++)
		told++;
	assert_int_equal(told, EXPORTER_ROUTES);
	assert_int_equal(d.site.tally.counts[TALLY_ROUTES], 11 * METRICS_ROUTES - EXPORTER_ROUTES);
	free(text);
	document_close(&d);
}

static void a_pid_is_told_once_the_living_and_newest_first(void **state)
{
	struct metrics_process *rows = calloc(4, sizeof(*rows));
	struct exporter x = { .processes = rows, .process_count = 4 };

	(void)state;
	assert_non_null(rows);
	for (int i = 0; i < 4; i++) {
		rows[i].target.pid = i < 3 ? 7 : 5;
		rows[i].target.key = (uint64_t)i + 1;
		rows[i].alive = i != 2;
	}
	exporter_choose(&x);
	assert_int_equal(x.process_count, 2);
	assert_int_equal(rows[0].target.pid, 5);
	assert_int_equal(rows[1].target.pid, 7);
	assert_int_equal(rows[1].target.key, 2); /* key 3 has ended */
	free(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_are_told_by_route),
		cmocka_unit_test(sums_are_those_of_the_counters),
		cmocka_unit_test(counters_stay_when_the_window_is_long_past),
		cmocka_unit_test(an_environment_is_a_label_where_there_is_one),
		cmocka_unit_test(openmetrics_ends_with_its_mark),
		cmocka_unit_test(labels_of_the_configuration_are_on_every_sample),
		cmocka_unit_test(a_route_is_told_by_the_classes_it_answered_with),
		cmocka_unit_test(more_routes_than_a_reply_holds_are_counted),
		cmocka_unit_test(a_pid_is_told_once_the_living_and_newest_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
