#include "source.h"

#include "metrics_fixture.h"

#include <errno.h>
#include <math.h>

#define NOW (4000 * SECOND)

static struct fixture f;
static struct source source;
static struct spec spec;
static struct engine_reading *rows;
static struct notice_labels labels[8]; /* of rows */

static int setup(void **state)
{
	(void)state;
	memset(&source, 0, sizeof(source));
	memset(&spec, 0, sizeof(spec));
	fixture_open(&f, NOW - 3900 * SECOND);
	source.metrics = f.m;
	spec.window_ns = (int64_t)(60 * SECOND);
	rows = NULL;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(rows);
	metrics_close(f.m);
	return 0;
}

static int read_spec(enum metric metric, enum metric_function function)
{
	int count;

	free(rows);
	spec.metric = metric;
	spec.function = function;
	fixture_tick(&f, NOW);
	source_begin(&source, (int64_t)NOW);
	count = source_read(&source, &spec, &rows);
	for (int i = 0; i < count && i < 8; i++)
		source_label(&source, &spec, rows[i].of, &labels[i]);
	source_end(&source);
	return count;
}

static void requests(uint64_t ago_s, int count, uint64_t span_ns, uint16_t status)
{
	struct drain_counters delta = { .begun = (uint64_t)count,
					.requests = (uint64_t)count,
					.span_ns = (uint64_t)count * span_ns };
	struct drain_ledger ledger = { .delivered = { 0 } };

	delta.status[status / 100 - 1] = (uint64_t)count;
	for (int i = 0; i < count; i++)
		fixture_request_as(&f, &f.target, NOW - ago_s * SECOND, span_ns, "/a", status, 0);
	f.sink.counters(f.sink.ctx, &f.target, &delta, &ledger, NOW - ago_s * SECOND, false);
	fixture_tick(&f, NOW - ago_s * SECOND);
}

static void durations_are_those_of_the_window(void **state)
{
	(void)state;
	requests(200, 5, 9 * SECOND, 200);
	requests(20, 3, SECOND, 200);
	requests(10, 1, 5 * SECOND, 200);
	assert_int_equal(read_spec(METRIC_REQUESTS_DURATION, METRIC_AVG), 1);
	assert_string_equal(labels[0].service, "shop");
	assert_true(fabs(rows[0].value - 2000) < 1);
	assert_int_equal(read_spec(METRIC_REQUESTS_DURATION, METRIC_MAX), 1);
	assert_true(fabs(rows[0].value - 5000) < 1);
	assert_int_equal(read_spec(METRIC_REQUESTS_DURATION, METRIC_P50), 1);
	assert_true(fabs(rows[0].value - 1000) < 11);
}

static void without_requests_a_duration_is_not_known(void **state)
{
	(void)state;
	assert_int_equal(read_spec(METRIC_REQUESTS_DURATION, METRIC_AVG), 1);
	assert_true(isnan(rows[0].value));
	read_spec(METRIC_REQUESTS_DURATION, METRIC_MAX);
	assert_true(isnan(rows[0].value));
	read_spec(METRIC_REQUESTS_ERRORS, METRIC_RATIO);
	assert_true(isnan(rows[0].value));
	read_spec(METRIC_REQUESTS_RATE, METRIC_ABSENT);
	assert_true(rows[0].value == 1);
}

static void too_few_requests_are_no_data(void **state)
{
	(void)state;
	requests(10, 9, SECOND, 200);
	spec.min_count = 10;
	read_spec(METRIC_REQUESTS_DURATION, METRIC_AVG);
	assert_true(isnan(rows[0].value));
	spec.min_count = 9;
	read_spec(METRIC_REQUESTS_DURATION, METRIC_AVG);
	assert_true(fabs(rows[0].value - 1000) < 1);
}

static void a_scope_leaves_out_what_it_does_not_match(void **state)
{
	(void)state;
	requests(10, 1, SECOND, 200);
	strcpy(spec.service, "bank*");
	assert_int_equal(read_spec(METRIC_REQUESTS_DURATION, METRIC_AVG), 0);
	strcpy(spec.service, "sh*");
	assert_int_equal(read_spec(METRIC_REQUESTS_DURATION, METRIC_AVG), 1);
	spec.by_route = true;
	strcpy(spec.route, "/a*");
	assert_int_equal(read_spec(METRIC_REQUESTS_DURATION, METRIC_AVG), 1);
	assert_string_equal(labels[0].route, "/a");
	assert_string_equal(labels[0].method, "GET");
	strcpy(spec.route, "/b*");
	assert_int_equal(read_spec(METRIC_REQUESTS_DURATION, METRIC_AVG), 0);
}

static void a_comparison_is_with_the_same_window_earlier(void **state)
{
	(void)state;
	spec.against_ns = (int64_t)(600 * SECOND);
	requests(620, 100, SECOND, 200);
	requests(20, 25, SECOND, 200);
	spec.min_count = 100;
	assert_int_equal(read_spec(METRIC_REQUESTS_RATE, METRIC_DELTA), 1);
	assert_true(fabs(rows[0].value + 75) < 0.1);
	spec.min_count = 101;
	read_spec(METRIC_REQUESTS_RATE, METRIC_DELTA);
	assert_true(isnan(rows[0].value));
	spec.min_count = 0;
	spec.against_ns = (int64_t)(3890 * SECOND); /* nobody watched all of that */
	read_spec(METRIC_REQUESTS_RATE, METRIC_DELTA);
	assert_true(isnan(rows[0].value));
}

static void a_burn_must_hold_at_the_end_of_its_window_too(void **state)
{
	(void)state;
	spec.objective = 99;
	requests(50, 10, SECOND, 500);
	assert_int_equal(read_spec(METRIC_SLO_BURN, METRIC_LAST), 1);
	assert_true(rows[0].value == 0); /* nobody failed in the last five seconds */
	requests(1, 10, SECOND, 500);
	read_spec(METRIC_SLO_BURN, METRIC_LAST);
	assert_true(fabs(rows[0].value - 100) < 1e-6);
	requests(0, 30, SECOND, 200);
	read_spec(METRIC_SLO_BURN, METRIC_LAST);
	assert_true(fabs(rows[0].value - 25) < 1e-6);
	read_spec(METRIC_REQUESTS_ERRORS, METRIC_RATIO);
	assert_true(fabs(rows[0].value - 40) < 1e-6);
}

static void processes_that_live_are_counted(void **state)
{
	(void)state;
	assert_int_equal(read_spec(METRIC_SERVICE_PROCESSES, METRIC_LAST), 1);
	assert_true(rows[0].value == 1);
}

static void what_is_unknown_is_no_number(void **state)
{
	static const enum metric metrics[] = { METRIC_CPU_PERCENT,   METRIC_MEMORY_PERCENT,
					       METRIC_GC_PAUSE,      METRIC_IO_WAIT,
					       METRIC_SERVICE_KILLS, METRIC_SERVICE_RESTARTS };

	(void)state;
	for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++) {
		assert_int_equal(read_spec(metrics[i], metric_info(metrics[i])->usual), 1);
		assert_true(isnan(rows[0].value));
	}
	assert_int_equal(read_spec(METRIC_REQUESTS_AGE, METRIC_MAX), 1);
	assert_true(rows[0].value == 0);
}

static void what_nobody_delivers_yet_says_so(void **state)
{
	(void)state;
	assert_int_equal(read_spec(METRIC_CLIENT_REDIS_FAILURES, METRIC_LAST), -ENODATA);
	assert_int_equal(read_spec(METRIC_POOL_WAITING, METRIC_LAST), -ENODATA);
}

static void the_agent_is_one_series_of_its_own(void **state)
{
	(void)state;
	source.agent = (struct source_agent){ .cpu_percent = 12.5, .memory = 7e6 };
	assert_int_equal(read_spec(METRIC_AGENT_CPU, METRIC_LAST), 1);
	assert_true(rows[0].value == 12.5);
	assert_null(rows[0].of);
	assert_string_equal(labels[0].service, "");
	read_spec(METRIC_AGENT_MEMORY, METRIC_LAST);
	assert_true(rows[0].value == 7e6);
	source.agent.redis_failures = 3;
	assert_int_equal(read_spec(METRIC_REDIS_FAILURES, METRIC_LAST), 1);
	assert_true(rows[0].value == 3);
	assert_null(rows[0].of);
}

static void cache_told(void *ctx, uint64_t from_ns, struct source_cache *out)
{
	*(uint64_t *)ctx = from_ns;
	*out = (struct source_cache){
		.looks = 200, .hits = 150, .evictions = 20, .memory_percent = 12.5
	};
}

static void the_cache_is_told_by_who_has_it(void **state)
{
	uint64_t from_ns = 0;

	(void)state;
	source.agent = (struct source_agent){ .cpu_percent = 0 }; /* there is none */
	assert_int_equal(read_spec(METRIC_CACHE_HITRATE, METRIC_RATIO), 1);
	assert_true(isnan(rows[0].value));
	source.agent = (struct source_agent){ .cache = cache_told, .cache_ctx = &from_ns };
	assert_int_equal(read_spec(METRIC_CACHE_HITRATE, METRIC_RATIO), 1);
	assert_true(rows[0].value == 75);
	assert_int_equal(from_ns, NOW - 60 * SECOND);
	spec.min_count = 200;
	read_spec(METRIC_CACHE_HITRATE, METRIC_RATIO);
	assert_true(rows[0].value == 75);
	spec.min_count = 201; /* too few to say */
	read_spec(METRIC_CACHE_HITRATE, METRIC_RATIO);
	assert_true(isnan(rows[0].value));
	read_spec(METRIC_CACHE_EVICTIONS, METRIC_RATIO);
	assert_true(isnan(rows[0].value));
	spec.min_count = 200;
	read_spec(METRIC_CACHE_EVICTIONS, METRIC_RATIO);
	assert_true(rows[0].value == 10);
	assert_int_equal(read_spec(METRIC_CACHE_MEMORY, METRIC_LAST), 1);
	assert_true(rows[0].value == 12.5);
}

static void rules_of_one_window_read_once_and_many_windows_are_read_all(void **state)
{
	struct engine_reading *more;

	(void)state;
	requests(10, 1, SECOND, 200);
	source_begin(&source, (int64_t)NOW);
	spec.metric = METRIC_REQUESTS_RATE;
	spec.function = METRIC_DELTA;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(source_read(&source, &spec, &more), 1);
		free(more);
		assert_int_equal(source.kept_count, 1);
	}
	for (int i = 1; i < 3 * SOURCE_KEPT; i++) {
		spec.window_ns = (int64_t)SECOND * (60 + i);
		assert_int_equal(source_read(&source, &spec, &more), 1);
		assert_true(more[0].value == 1);
		free(more);
		assert_true(source.kept_count <= SOURCE_KEPT);
	}
	source_end(&source);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(durations_are_those_of_the_window),
		TEST(without_requests_a_duration_is_not_known),
		TEST(too_few_requests_are_no_data),
		TEST(a_scope_leaves_out_what_it_does_not_match),
		TEST(a_comparison_is_with_the_same_window_earlier),
		TEST(a_burn_must_hold_at_the_end_of_its_window_too),
		TEST(processes_that_live_are_counted),
		TEST(what_is_unknown_is_no_number),
		TEST(what_nobody_delivers_yet_says_so),
		TEST(the_agent_is_one_series_of_its_own),
		TEST(the_cache_is_told_by_who_has_it),
		TEST(rules_of_one_window_read_once_and_many_windows_are_read_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
