#include "../../agent/web/document_performance.c" /* white box: several processes by hand */
#include "document_fixture.h"

static void it_counts_and_measures_what_was_booked(void **state)
{
	struct document_fixture d;
	char *text;

	(void)state;
	document_open(&d);
	for (uint64_t i = 1; i <= 100; i++)
		fixture_request(&d.f, NOW - 100 * SECOND, i * MILLISECOND);
	fixture_counters(&d.f, &d.f.target, 103, 100, NOW - 100 * SECOND);
	fixture_tick(&d.f, NOW);
	text = document_text(&d, document_performance, "/x");
	assert_non_null(text);
	assert_holds(text, "{\"timestamp\":\"2026-01-01T00:00:00.000Z\",\"uptime\":600,"
			   "\"window\":\"5m\",\"from\":\"2025-12-31T23:55:00.000Z\","
			   "\"to\":\"2026-01-01T00:00:00.000Z\",\"coveredSeconds\":300,");
	assert_holds(text, "\"responseTimes\":{\"count\":100,");
	assert_holds(text, "\"min\":1,");
	assert_holds(text, "\"slowest\":100,\"slow\":{\"warning\":0,\"critical\":0}}");
	assert_holds(text, "\"requestsPerMinute\":20,\"errorsPerMinute\":0,");
	assert_holds(text, "\"errorRate\":0,\"inFlight\":3,");
	assert_holds(text, "\"status\":{\"1xx\":0,\"2xx\":100,\"3xx\":0,\"4xx\":0,\"5xx\":0,"
			   "\"aborted\":0}");
	assert_holds(text, "\"capture\":{\"seen\":100,\"recorded\":100,\"folded\":0,"
			   "\"detailDropped\":0,\"unparsed\":0,\"gap\":0,\"completeness\":100}");
	assert_holds(text, "\"processes\":[{\"pid\":70,\"service\":\"shop\",");
	assert_holds(text, "\"layers\":[\"preload\"]}]}");
	free(text);
	document_close(&d);
}

static void without_a_request_measures_are_null_and_counts_are_zero(void **state)
{
	struct document_fixture d;
	char *text;

	(void)state;
	document_open(&d);
	fixture_tick(&d.f, NOW);
	text = document_text(&d, document_performance, "/x");
	assert_holds(text, "\"responseTimes\":{\"count\":0,\"avg\":null,\"min\":null,\"p50\":null,"
			   "\"p90\":null,\"p95\":null,\"p99\":null,\"p999\":null,"
			   "\"slowest\":null,\"slow\":{\"warning\":0,\"critical\":0}}");
	assert_holds(text, "\"requestsPerMinute\":0,\"errorsPerMinute\":0,"
			   "\"avgResponseTimePerMinute\":null,\"errorRate\":null,");
	assert_holds(text, "\"memory\":{\"heapUsed\":null,\"heapLimit\":null,\"external\":null,"
			   "\"rss\":null,\"usagePercent\":null,\"allocatedPerSecond\":null,"
			   "\"level\":null,\"worst\":null,\"gc\":null,"
			   "\"gcReason\":\"its runtime is being looked for\"}");
	assert_holds(text, "\"completeness\":100}");
	free(text);
	document_close(&d);
}

static void a_window_under_a_minute_has_no_mean_per_minute(void **state)
{
	struct document_fixture d;
	char *text;

	(void)state;
	document_open(&d);
	fixture_request(&d.f, NOW, MILLISECOND);
	fixture_counters(&d.f, &d.f.target, 1, 1, NOW);
	fixture_tick(&d.f, NOW);
	text = document_text(&d, document_performance, "/x?window=10s");
	assert_holds(text, "\"requestsPerMinute\":null,\"errorsPerMinute\":null,"
			   "\"avgResponseTimePerMinute\":null,\"errorRate\":0,");
	free(text);
	document_close(&d);
}

static void detail_that_is_missing_lowers_completeness(void **state)
{
	struct document_fixture d;
	char *text;

	(void)state;
	document_open(&d);
	fixture_request(&d.f, NOW, MILLISECOND);
	fixture_counters(&d.f, &d.f.target, 4, 4, NOW);
	fixture_tick(&d.f, NOW);
	text = document_text(&d, document_performance, "/x");
	assert_holds(text, "\"capture\":{\"seen\":4,\"recorded\":1,");
	assert_holds(text, "\"completeness\":25}");
	free(text);
	document_close(&d);
}

static void a_scope_that_was_never_seen_is_refused(void **state)
{
	struct document_fixture d;

	(void)state;
	document_open(&d);
	fixture_tick(&d.f, NOW);
	assert_null(document_text(&d, document_performance, "/x?service=nobody"));
	assert_int_equal(d.no.status, 404);
	assert_string_equal(d.no.field, "service");
	assert_null(document_text(&d, document_performance, "/x?pid=5"));
	assert_string_equal(d.no.field, "pid");
	document_close(&d);
}

static void the_uptime_of_a_scope_is_that_of_its_oldest_process(void **state)
{
	struct document_fixture d;
	struct capture_target old;
	char *text;

	(void)state;
	document_open(&d);
	fixture_target(&old, 9, 90, "old");
	old.started_ms = NOW_MS - 7777000;
	d.f.sink.seen(d.f.sink.ctx, &old);
	fixture_counters(&d.f, &old, 1, 1, NOW);
	fixture_tick(&d.f, NOW);
	text = document_text(&d, document_performance, "/x?service=old");
	assert_holds(text, "\"uptime\":7777,");
	free(text);
	text = document_text(&d, document_performance, "/x?pid=90");
	assert_holds(text, "\"uptime\":7777,");
	free(text);
	document_close(&d);
}

static struct metrics_process process_of(int32_t pid, double used, double percent, uint8_t level)
{
	struct metrics_process p = { .alive = true };

	p.target.pid = pid;
	strcpy(p.target.service, pid == 1 ? "one" : "two");
	p.heap_live = p.heap_limit = p.external = METRICS_UNKNOWN;
	p.rss = used;
	p.allocated_per_s = METRICS_UNKNOWN;
	p.memory_percent = p.cpu_percent = percent;
	p.memory_level = p.cpu_level = level;
	p.user_ms = p.system_ms = p.run_queue_ms = p.core_percent = used;
	p.read_per_s = p.write_per_s = METRICS_UNKNOWN;
	p.throttled_percent = p.throttled_ms = METRICS_UNKNOWN;
	for (int i = 0; i < CAUSES; i++)
		p.waits_ms[i] = METRICS_UNKNOWN;
	p.collected = p.served =
		(struct metrics_stops){ METRICS_UNKNOWN, METRICS_UNKNOWN, METRICS_UNKNOWN,
					METRICS_UNKNOWN, METRICS_UNKNOWN, METRICS_UNKNOWN,
					METRICS_UNKNOWN };
	return p;
}

static void gc_text(struct performance *p, struct json *j)
{
	json_init(j);
	json_object_begin(j, NULL);
	performance_gc(p, j);
	performance_statements(p, j);
	json_object_end(j);
	assert_int_equal(json_finish(j), 0);
}

static void without_a_runtime_the_reason_stands_beside_null(void **state)
{
	struct metrics_process rows[] = { process_of(1, 1, 1, METRICS_OK),
					  process_of(2, 1, 1, METRICS_OK) };
	struct question q = { .ask.asked_s = 60 };
	struct performance p = { .processes = rows, .q = &q, .count = 2 };
	struct json j;

	(void)state;
	rows[0].alive = false;
	rows[0].runtime_why = RUNTIME_REFUSED;
	rows[1].runtime_why = RUNTIME_BARE;
	gc_text(&p, &j);
	assert_string_equal(j.bytes, "{\"gc\":null,\"gcReason\":\"its runtime was built without "
				     "probes\",\"statements\":null}");
	json_fini(&j);
	rows[1].runtime_why = RUNTIME_ATTACHED;
	gc_text(&p, &j);
	assert_holds(j.bytes, "\"gcReason\":\"it was attached just now\"");
	json_fini(&j);
	rows[1].served = (struct metrics_stops){ 0 };
	gc_text(&p, &j);
	assert_string_equal(j.bytes, "{\"gc\":null,\"gcReason\":\"it has no collector of garbage\","
				     "\"statements\":{\"count\":0,\"perMinute\":null,\"totalMs\":0,"
				     "\"avgMs\":null,\"maxMs\":null}}");
	json_fini(&j);
	p.count = 0;
	gc_text(&p, &j);
	assert_holds(j.bytes, "\"gcReason\":\"no process is watched\"");
	json_fini(&j);
}

static void pauses_add_up_and_the_share_is_that_of_the_worst(void **state)
{
	struct metrics_process rows[] = { process_of(1, 1, 1, METRICS_OK),
					  process_of(2, 1, 1, METRICS_OK),
					  process_of(3, 1, 1, METRICS_OK) };
	struct question q = { .ask.asked_s = 60 };
	struct performance p = { .processes = rows, .q = &q, .count = 3 };
	struct json j;

	(void)state;
	p.window.span_s = 120;
	rows[0].window_ms = rows[1].window_ms = rows[2].window_ms = 60000;
	rows[0].collected = (struct metrics_stops){ 10, 2, 600, 90, 10, 2, 0.6 };
	rows[1].collected = (struct metrics_stops){ 30, METRICS_UNKNOWN, 300, 120, 30, -1, 0.3 };
	rows[1].alive = false; /* what it did belongs to the window */
	rows[2].served = (struct metrics_stops){ 8, METRICS_UNKNOWN, 16, 5, 8, -1, 0.016 };
	gc_text(&p, &j);
	assert_string_equal(j.bytes,
			    "{\"gc\":{\"count\":40,\"full\":2,\"pauseMs\":900,"
			    "\"pausePercent\":1,\"perMinute\":20,\"maxPauseMs\":120},"
			    "\"gcReason\":null,\"statements\":{\"count\":8,\"perMinute\":4,"
			    "\"totalMs\":16,\"avgMs\":2,\"maxMs\":5}}");
	json_fini(&j);
}

static void memory_adds_up_and_tells_who_is_worst(void **state)
{
	struct metrics_process rows[] = {
		process_of(1, 100, 20, METRICS_OK), process_of(2, 200, 91, METRICS_CRITICAL),
		process_of(3, 400, 99, METRICS_DUMP),
		process_of(4, METRICS_UNKNOWN, METRICS_UNKNOWN, METRICS_LEVEL_UNKNOWN)
	};
	const struct question q = { .site = NULL };
	struct performance p = { .q = &q, .processes = rows, .count = 4, .thread_count = -1 };
	struct json j;

	(void)state;
	p.threads[0] = (struct metrics_thread){ 71, "pool", METRICS_UNKNOWN, 2, 0.5, 1.5, 0.5 };
	rows[0].waits_ms[CAUSE_DISK] = 5;
	rows[1].waits_ms[CAUSE_DISK] = 7;
	rows[1].waits_ms[CAUSE_OTHER] = 1;
	rows[1].waits_sampled = true;
	rows[0].throttled_percent = rows[1].throttled_ms = 25;
	rows[1].throttled_percent = rows[0].throttled_ms = 8;
	rows[2].alive = false; /* it has ended: its memory is nobody's, its CPU time was spent */
	json_init(&j);
	json_object_begin(&j, NULL);
	performance_memory(&p, &j);
	performance_cpu(&p, &j);
	p.thread_count = 1;
	performance_threads(&p, &j);
	performance_strain(&p, &j);
	json_object_end(&j);
	assert_int_equal(json_finish(&j), 0);
	assert_holds(j.bytes, "\"rss\":300,\"usagePercent\":91,\"allocatedPerSecond\":null,"
			      "\"level\":\"critical\",\"worst\":{\"pid\":2,\"service\":\"two\"}");
	assert_holds(j.bytes, "\"cpu\":{\"userMs\":700,\"systemMs\":700,\"usagePercent\":91,"
			      "\"processPercent\":300,\"throttledPercent\":25,"
			      "\"throttledMs\":25,\"runQueueWaitMs\":700,"
			      "\"offCpu\":{\"socketMs\":null,\"diskMs\":12,\"lockMs\":null,");
	assert_holds(j.bytes, "\"runQueueMs\":null,\"sampled\":true},\"threads\":null,\"level\":");
	assert_holds(j.bytes, "\"threads\":[{\"tid\":71,\"name\":\"pool\",\"processPercent\":"
			      "null,\"cpuMs\":2000,\"userMs\":1500,\"systemMs\":500,"
			      "\"runQueueWaitMs\":500}],");
	assert_holds(j.bytes, "\"io\":{\"readBytesPerSecond\":null,\"writeBytesPerSecond\":null,");
	json_fini(&j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_counts_and_measures_what_was_booked),
		cmocka_unit_test(without_a_request_measures_are_null_and_counts_are_zero),
		cmocka_unit_test(a_window_under_a_minute_has_no_mean_per_minute),
		cmocka_unit_test(detail_that_is_missing_lowers_completeness),
		cmocka_unit_test(a_scope_that_was_never_seen_is_refused),
		cmocka_unit_test(the_uptime_of_a_scope_is_that_of_its_oldest_process),
		cmocka_unit_test(memory_adds_up_and_tells_who_is_worst),
		cmocka_unit_test(without_a_runtime_the_reason_stands_beside_null),
		cmocka_unit_test(pauses_add_up_and_the_share_is_that_of_the_worst),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
