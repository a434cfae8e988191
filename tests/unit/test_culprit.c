#include "culprit.h"

#include "metrics_fixture.h"
#include "source.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

#define NOW (4000 * SECOND)

static struct fixture f;
static struct source source;
static struct spec spec;
static struct notice_labels labels;
static struct notice_cause cause;

static int setup(void **state)
{
	(void)state;
	memset(&source, 0, sizeof(source));
	memset(&spec, 0, sizeof(spec));
	memset(&labels, 0, sizeof(labels));
	strcpy(labels.service, "shop");
	fixture_open(&f, NOW - 3900 * SECOND);
	source.metrics = f.m;
	spec.window_ns = (int64_t)(60 * SECOND);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	metrics_close(f.m);
	return 0;
}

static void requests(const struct capture_target *target, const char *path, int count,
		     uint64_t span_ns, uint16_t status)
{
	for (int i = 0; i < count; i++)
		fixture_request_as(&f, target, NOW - 5 * SECOND, span_ns, path, status, 0);
	fixture_tick(&f, NOW);
}

static const char *found(enum metric metric, enum metric_function function)
{
	static char text[240];

	spec.metric = metric;
	spec.function = function;
	source_begin(&source, (int64_t)NOW);
	culprit_find(&source, &spec, &labels, &cause);
	source_end(&source);
	culprit_text(&cause, text, sizeof(text));
	return text;
}

static void a_slow_service_has_a_route_that_takes_most_of_the_time(void **state)
{
	struct capture_target other;

	(void)state;
	fixture_target(&other, 8, 80, "bank");
	f.sink.seen(f.sink.ctx, &other);
	requests(&other, "/worse", 10, 60 * SECOND, 200);
	requests(&f.target, "/fast", 20, 10 * MILLISECOND, 200);
	requests(&f.target, "/slow", 1, 800 * MILLISECOND, 200);
	assert_string_equal(found(METRIC_REQUESTS_DURATION, METRIC_AVG),
			    "GET /slow takes 80 % of the time");
	assert_string_equal(culprit_kind(&cause), "route");
	assert_true(fabs(cause.share - 80) < 1e-6);
	assert_int_equal(cause.pid, 0);
	assert_string_equal(found(METRIC_REQUESTS_DURATION, METRIC_MAX),
			    "GET /slow was the slowest");
	assert_true(isnan(cause.share));
}

static void errors_are_of_the_route_that_has_most_of_them(void **state)
{
	(void)state;
	requests(&f.target, "/a", 6, MILLISECOND, 500);
	requests(&f.target, "/b", 2, SECOND, 500);
	requests(&f.target, "/c", 90, SECOND, 200);
	assert_string_equal(found(METRIC_REQUESTS_ERRORS, METRIC_RATIO),
			    "GET /a has 75 % of the errors");
	assert_string_equal(found(METRIC_SLO_BURN, METRIC_LAST), "GET /a has 75 % of the errors");
}

static void a_stuck_request_is_named(void **state)
{
	const struct drain_open open[] = {
		{ .t0_ns = NOW - 9 * SECOND, .path = "/young", .method = RS_METHOD_GET },
		{ .t0_ns = NOW - 90 * SECOND, .path = "/old", .method = RS_METHOD_POST },
	};

	(void)state;
	f.sink.open(f.sink.ctx, &f.target, open, 2, NOW);
	fixture_tick(&f, NOW);
	assert_string_equal(found(METRIC_REQUESTS_AGE, METRIC_MAX),
			    "POST /old is the oldest in progress");
	assert_int_equal(cause.pid, 70);
	assert_string_equal(culprit_kind(&cause), "request");
	assert_string_equal(found(METRIC_REQUESTS_INFLIGHT, METRIC_LAST), "");
}

static void a_stuck_request_of_another_environment_is_not(void **state)
{
	const struct drain_open old = { .t0_ns = NOW - 90 * SECOND, .path = "/old" };
	const struct drain_open young = { .t0_ns = NOW - 9 * SECOND, .path = "/young" };
	struct capture_target other;

	(void)state;
	fixture_target(&other, 8, 80, "shop");
	strcpy(other.environment, "test");
	f.sink.seen(f.sink.ctx, &other);
	f.sink.open(f.sink.ctx, &f.target, &young, 1, NOW);
	f.sink.open(f.sink.ctx, &other, &old, 1, NOW);
	fixture_tick(&f, NOW);
	found(METRIC_REQUESTS_AGE, METRIC_MAX);
	assert_int_equal(cause.pid, 70);
	strcpy(labels.environment, "test");
	found(METRIC_REQUESTS_AGE, METRIC_MAX);
	assert_int_equal(cause.pid, 80);
	strcpy(labels.environment, "stage");
	assert_string_equal(found(METRIC_REQUESTS_AGE, METRIC_MAX), "");
}

static void what_is_not_known_is_not_told(void **state)
{
	(void)state;
	assert_string_equal(found(METRIC_REQUESTS_DURATION, METRIC_AVG), ""); /* nobody asked */
	assert_string_equal(found(METRIC_CPU_PERCENT, METRIC_AVG), "");       /* not sampled */
	requests(&f.target, "/a", 1, SECOND, 200);
	assert_string_equal(found(METRIC_REQUESTS_ERRORS, METRIC_RATIO), "");
	assert_string_equal(found(METRIC_REQUESTS_RATE, METRIC_RATE), "");
	assert_string_equal(found(METRIC_SERVICE_KILLS, METRIC_DELTA), "");
	assert_null(culprit_kind(&cause));
	strcpy(labels.route, "/a");
	spec.by_route = true;
	assert_string_equal(found(METRIC_REQUESTS_DURATION, METRIC_AVG), "");
	spec.by_route = false;
	labels.service[0] = '\0'; /* the agent's own */
	assert_string_equal(found(METRIC_AGENT_MEMORY, METRIC_LAST), "");
}

static void a_process_is_named_with_what_it_runs(void **state)
{
	const struct notice_cause share = { NOTICE_CAUSE_SHARE, 812, 61.5, "pid 812 (node)" };
	const struct notice_cause worst = { NOTICE_CAUSE_WORST, 812, 97.25, "pid 812 (node)" };
	char text[100];

	(void)state;
	culprit_text(&share, text, sizeof(text));
	assert_string_equal(text, "pid 812 (node) has 61.5 % of it");
	culprit_text(&worst, text, sizeof(text));
	assert_string_equal(text, "pid 812 (node) is at 97.2 %");
	assert_string_equal(culprit_kind(&worst), "process");
}

static void the_process_that_is_worst_off_is_found(void **state)
{
	struct capture_target me;

	(void)state;
	fixture_target(&me, 9, getpid(), "shop");
	me.start_ticks = 0; /* whichever it has */
	strcpy(me.comm, "test");
	f.sink.seen(f.sink.ctx, &me);
	fixture_tick(&f, NOW);
	metrics_sample(f.m, NOW);
	assert_non_null(strstr(found(METRIC_MEMORY_RSS, METRIC_LAST), " (test) has 100 % of it"));
	assert_int_equal(cause.pid, getpid());
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_slow_service_has_a_route_that_takes_most_of_the_time),
		TEST(errors_are_of_the_route_that_has_most_of_them),
		TEST(a_stuck_request_is_named),
		TEST(a_stuck_request_of_another_environment_is_not),
		TEST(what_is_not_known_is_not_told),
		TEST(a_process_is_named_with_what_it_runs),
		TEST(the_process_that_is_worst_off_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
