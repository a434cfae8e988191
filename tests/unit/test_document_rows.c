#include "document_fixture.h"

#include <stdio.h>

/* Three services: by requests b, c, a; by their slowest request c, a, b. */
static void fill(struct document_fixture *d)
{
	static const struct {
		const char *name;
		unsigned int count;
		uint64_t span_ns;
	} services[] = { { "a", 1, 20 * MILLISECOND },
			 { "b", 9, 10 * MILLISECOND },
			 { "c", 5, 30 * MILLISECOND } };

	for (unsigned int i = 0; i < 3; i++) {
		struct capture_target target;

		fixture_target(&target, 20 + i, (int32_t)(200 + i), services[i].name);
		d->f.sink.seen(d->f.sink.ctx, &target);
		for (unsigned int k = 0; k < services[i].count; k++)
			fixture_request_as(&d->f, &target, NOW, services[i].span_ns, "/r", 200, 0);
		fixture_counters(&d->f, &target, services[i].count, services[i].count, NOW);
		fixture_tick(&d->f, NOW);
	}
}

static void has_order(const char *text, const char *first, const char *second, const char *third)
{
	const char *a = strstr(text, first), *b = strstr(text, second), *c = strstr(text, third);

	if (!a || !b || !c || a > b || b > c)
		fail_msg("not %s %s %s in %s", first, second, third, text);
}

#define A "\"service\":\"a\""
#define B "\"service\":\"b\""
#define C "\"service\":\"c\""

static void rows_are_sorted_as_asked_the_most_first(void **state)
{
	struct document_fixture d;
	char *text;

	(void)state;
	document_open(&d);
	fill(&d);
	text = document_text(&d, document_services, "/x");
	has_order(text, B, C, A);
	free(text);
	text = document_text(&d, document_services, "/x?sort=max");
	has_order(text, C, A, B);
	free(text);
	text = document_text(&d, document_processes, "/x?sort=name");
	has_order(text, A, B, C);
	free(text);
	text = document_text(&d, document_routes, "/x?sort=total");
	has_order(text, C, B, A);
	free(text);
	document_close(&d);
}

static void every_sort_is_taken_and_another_is_told_which_there_are(void **state)
{
	static const char *const sorts[] = {
		"rate",  "errorRate", "p50", "p95", "p99",      "max",
		"total", "apdex",     "cpu", "rss", "inFlight", "name"
	};
	struct document_fixture d;
	char target[64], *text;

	(void)state;
	document_open(&d);
	fill(&d);
	for (size_t i = 0; i < sizeof(sorts) / sizeof(sorts[0]); i++) {
		snprintf(target, sizeof(target), "/x?sort=%s", sorts[i]);
		text = document_text(&d, document_services, target);
		assert_non_null(text);
		free(text);
	}
	assert_null(document_text(&d, document_services, "/x?sort=nonsense"));
	assert_int_equal(d.no.status, 400);
	assert_string_equal(d.no.code, "bad_sort");
	assert_string_equal(d.no.field, "sort");
	for (size_t i = 0; i < sizeof(sorts) / sizeof(sorts[0]); i++)
		assert_holds(d.no.message, sorts[i]);
	document_close(&d);
}

static void pages_hold_each_row_once(void **state)
{
	struct document_fixture d;
	char *text;

	(void)state;
	document_open(&d);
	fill(&d);
	text = document_text(&d, document_services, "/x?sort=name&limit=2");
	assert_holds(text, "\"nextCursor\":\"2\"");
	assert_holds(text, A);
	assert_holds(text, B);
	assert_lacks(text, C);
	free(text);
	text = document_text(&d, document_services, "/x?sort=name&limit=2&cursor=2");
	assert_holds(text, C);
	assert_lacks(text, B);
	free(text);
	document_close(&d);
}

static void a_row_says_what_it_is_about(void **state)
{
	struct document_fixture d;
	char *text;

	(void)state;
	document_open(&d);
	fill(&d);
	text = document_text(&d, document_services, "/x?service=b");
	assert_holds(text, "\"services\":[{\"service\":\"b\",\"environment\":null,\"processes\":1,"
			   "\"count\":9,\"requestsPerSecond\":0.03,\"errorRate\":0,\"avg\":");
	assert_holds(text, "\"apdex\":1,\"inFlight\":0,\"cpuPercent\":null,"
			   "\"processPercent\":null,\"throttledPercent\":null,"
			   "\"throttledMs\":null,\"rss\":null,\"memoryPercent\":null,"
			   "\"majorFaults\":null,\"readBytes\":null,\"writeBytes\":null,"
			   "\"ioLatencyMs\":null,\"retransmits\":null,\"rttMs\":null,"
			   "\"oomKills\":null,\"restarts\":null,"
			   "\"detailDropped\":0}]}");
	free(text);
	text = document_text(&d, document_processes, "/x?pid=201");
	assert_holds(text, "\"processes\":[{\"service\":\"b\",\"environment\":null,\"pid\":201,");
	free(text);
	text = document_text(&d, document_routes, "/x?service=b");
	assert_holds(text, "\"routes\":[{\"service\":\"b\",\"environment\":null,\"route\":\"/r\","
			   "\"method\":\"GET\",\"reasons\":null,\"count\":9,");
	assert_holds(text, "\"max\":10,\"apdex\":1,\"inFlight\":0,\"detailDropped\":0}]}");
	assert_lacks(text, "rss");
	free(text);
	document_close(&d);
}

static void a_process_that_ended_is_listed_by_its_pid_alone(void **state)
{
	struct capture_target other;
	struct document_fixture d;
	char *text;

	(void)state;
	document_open(&d);
	fixture_target(&other, 9, 90, "b");
	d.f.sink.seen(d.f.sink.ctx, &other);
	fixture_counters(&d.f, &other, 4, 4, NOW);
	d.f.sink.gone(d.f.sink.ctx, &other, NOW);
	fixture_tick(&d.f, NOW);
	text = document_text(&d, document_processes, "/x");
	assert_holds(text, "\"pid\":70,");
	assert_lacks(text, "\"pid\":90,");
	free(text);
	text = document_text(&d, document_processes, "/x?pid=90");
	assert_holds(text, "\"pid\":90,\"count\":4,");
	free(text);
	text = document_text(&d, document_services, "/x?service=b");
	assert_holds(text, "\"processes\":0,\"count\":4,");
	free(text);
	document_close(&d);
}

static void a_service_that_nobody_asked_measures_null(void **state)
{
	struct document_fixture d;
	char *text;

	(void)state;
	document_open(&d);
	fixture_tick(&d.f, NOW);
	text = document_text(&d, document_services, "/x");
	assert_holds(text, "\"count\":0,\"requestsPerSecond\":0,\"errorRate\":null,\"avg\":null,"
			   "\"p50\":null,\"p95\":null,\"p99\":null,\"max\":null,\"apdex\":null,");
	free(text);
	document_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_sorted_as_asked_the_most_first),
		cmocka_unit_test(every_sort_is_taken_and_another_is_told_which_there_are),
		cmocka_unit_test(pages_hold_each_row_once),
		cmocka_unit_test(a_row_says_what_it_is_about),
		cmocka_unit_test(a_process_that_ended_is_listed_by_its_pid_alone),
		cmocka_unit_test(a_service_that_nobody_asked_measures_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
