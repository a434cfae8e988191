#include "source.h"

#include "book.h"
#include "sample_fixture.h"

#include <errno.h>
#include <time.h>

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

static void the_oldest_request_is_that_of_the_environment(void **state)
{
	const struct drain_open young = { .t0_ns = NOW - 10 * SECOND, .path = "/a" };
	const struct drain_open old = { .t0_ns = NOW - 100 * SECOND, .path = "/a" };
	struct capture_target other;

	(void)state;
	fixture_target(&other, 8, 80, "shop");
	strcpy(other.environment, "test");
	f.sink.seen(f.sink.ctx, &other);
	f.sink.open(f.sink.ctx, &f.target, &young, 1, NOW);
	f.sink.open(f.sink.ctx, &other, &old, 1, NOW);
	assert_int_equal(read_spec(METRIC_REQUESTS_AGE, METRIC_MAX), 2);
	for (int i = 0; i < 2; i++)
		assert_true(near(rows[i].value, *labels[i].environment ? 100000 : 10000));
}

static void cache_of_a_bad_day(void *ctx, uint64_t from_ns, struct source_cache *out)
{
	(void)ctx;
	(void)from_ns;
	*out = (struct source_cache){
		.looks = 200, .hits = 50, .evictions = 120, .memory_percent = 97
	};
}

/* Three that end and are started again, the third of them killed, by the boot's clock. */
static void restarts_of_a_bad_day(uint64_t now_ns)
{
	const struct strain strain = { .known = STRAIN_KILLS };
	struct timespec boot;
	uint64_t ticks;

	clock_gettime(CLOCK_BOOTTIME, &boot);
	ticks = (uint64_t)boot.tv_sec * 100 + 1000; /* after metrics was opened */
	for (uint64_t key = 20; key < 24; key++, ticks += 200) {
		struct capture_target t;

		fixture_target(&t, key, (int32_t)key, "shop");
		t.parent = 5;
		t.kernel = true;
		t.start_ticks = ticks;
		metrics_started(f.m, &t, now_ns);
		if (key < 23)
			metrics_ended(f.m, key, (ticks + 100) * 10000000, now_ns);
	}
	metrics_strain_put(f.m, 8, &strain);
	metrics_killed(f.m, 22, now_ns);
}

/* What only a look at the process tells; half a minute lies between two of them. */
static void look_of_a_bad_day(const struct tree *tree, bool second)
{
	const struct metrics_reading reading = { METRICS_UNKNOWN, METRICS_UNKNOWN, second * 300000,
						 second * 600000, false };
	const struct runtime_state runtime = { .runtime = RUNTIME_PYTHON,
					       .why = RUNTIME_ATTACHED,
					       .collections = true,
					       .collected.ns = second * 12 * SECOND };
	const struct cause_waits waits = { .ns = { [CAUSE_DISK] = second * 18 * SECOND } };

	metrics_reading_put(f.m, 8, &reading);
	metrics_runtime_put(f.m, 8, &runtime);
	metrics_waits_put(f.m, 8, &waits);
	if (second)
		put_process(tree, 1360, 4080, "54400000000 1000000 5\n");
	metrics_sample(f.m, NOW - (second ? 1 : 31) * SECOND);
}

/* All that can be bad is, after a morning with more requests. */
static void bad_day(struct tree *tree)
{
	const struct drain_open open = { .t0_ns = NOW - 130 * SECOND, .path = "/a" };
	struct drain_counters folded = { .begun = 62, /* two of them are in progress */
					 .requests = 60,
					 .span_ns = 360 * SECOND,
					 .dropped = { [RS_KIND_REQUEST] = 60 } };
	struct drain_counters heap = { .allocated_bytes = 90000, .freed_bytes = 40000 };
	struct drain_ledger ledger = { .delivered = { 0 } };

	tree_make(tree);
	put_machine(tree);
	put_process(tree, 10, 30, "400000000 1000000 5\n");
	tree_put(tree, "/proc/70/limits", "Max address space  940000 unlimited bytes\n");
	assert_int_equal(metrics_root_set(f.m, tree->root), 0);
	f.sink.gone(f.sink.ctx, &f.target, NOW - 3890 * SECOND);
	f.target.key = 8;
	f.target.allocator = RS_ALLOCATOR_SEEN;
	f.sink.seen(f.sink.ctx, &f.target);
	requests(3700, 700, MILLISECOND, 200);
	restarts_of_a_bad_day(NOW - 40 * SECOND);
	look_of_a_bad_day(tree, false);
	f.sink.counters(f.sink.ctx, &f.target, &heap, &ledger, NOW - 3 * SECOND, false);
	requests(2, 60, 6 * SECOND, 500);
	folded.status[4] = 60;
	f.sink.counters(f.sink.ctx, &f.target, &folded, &ledger, NOW - 2 * SECOND, false);
	f.sink.open(f.sink.ctx, &f.target, &open, 1, NOW - 2 * SECOND);
	fixture_tick(&f, NOW - 2 * SECOND);
	look_of_a_bad_day(tree, true);
	source.agent = (struct source_agent){ .cpu_percent = 60,
					      .memory = 500e6,
					      .cache = cache_of_a_bad_day,
					      .redis_failures = 11 };
}

static void each_metric_has_its_number(void **state)
{
	static const struct {
		enum metric metric;
		enum metric_function function;
		double value;
	} told[] = {
		{ METRIC_REQUESTS_RATE, METRIC_RATE, 2 },
		{ METRIC_REQUESTS_RATE, METRIC_DELTA, 120 },
		{ METRIC_REQUESTS_RATE, METRIC_ABSENT, 0 },
		{ METRIC_REQUESTS_ERRORS, METRIC_RATIO, 100 },
		{ METRIC_REQUESTS_ERRORS, METRIC_RATE, 2 },
		{ METRIC_REQUESTS_ERRORS, METRIC_DELTA, 120 },
		{ METRIC_REQUESTS_DURATION, METRIC_AVG, 6000 },
		{ METRIC_REQUESTS_DURATION, METRIC_MAX, 6000 },
		{ METRIC_REQUESTS_INFLIGHT, METRIC_LAST, 2 },
		{ METRIC_REQUESTS_AGE, METRIC_MAX, 130000 },
		{ METRIC_CPU_PERCENT, METRIC_AVG, 90 },
		{ METRIC_MEMORY_PERCENT, METRIC_LAST, 100 * 900 * 1024 / 940000.0 },
		{ METRIC_MEMORY_RSS, METRIC_LAST, 200 * 1024 },
		{ METRIC_MEMORY_HEAP, METRIC_LAST, 50000 },
		{ METRIC_ALLOC_RATE, METRIC_RATE, 3000 },
		{ METRIC_IO_READ, METRIC_RATE, 10000 },
		{ METRIC_IO_WRITE, METRIC_RATE, 20000 },
		{ METRIC_IO_WAIT, METRIC_AVG, 60 },
		{ METRIC_GC_PAUSE, METRIC_AVG, 40 },
		{ METRIC_SERVICE_PROCESSES, METRIC_LAST, 1 },
		{ METRIC_SERVICE_RESTARTS, METRIC_DELTA, 3 },
		{ METRIC_SERVICE_KILLS, METRIC_DELTA, 1 },
		{ METRIC_SLO_BURN, METRIC_LAST, 1000 },
		{ METRIC_CAPTURE_COMPLETENESS, METRIC_RATIO, 50 },
		{ METRIC_AGENT_CPU, METRIC_LAST, 60 },
		{ METRIC_AGENT_MEMORY, METRIC_LAST, 500e6 },
		{ METRIC_CACHE_HITRATE, METRIC_RATIO, 25 },
		{ METRIC_CACHE_EVICTIONS, METRIC_RATIO, 60 },
		{ METRIC_CACHE_MEMORY, METRIC_LAST, 97 },
		{ METRIC_REDIS_FAILURES, METRIC_LAST, 11 },
	};
	struct tree tree;

	(void)state;
	bad_day(&tree);
	spec.objective = 99.9;
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		assert_int_equal(read_spec(told[i].metric, told[i].function), 1);
		if (!near(rows[0].value, told[i].value))
			fail_msg("%s %s: %g", metric_info(told[i].metric)->name,
				 metric_function_name(told[i].function), rows[0].value);
	}
	tree_remove(&tree, "");
}

static void passes_its_worst_limit(const struct spec *rule)
{
	enum spec_severity worst = rule->limits[SPEC_CRITICAL].set ? SPEC_CRITICAL : SPEC_WARNING;
	struct engine_reading *one;

	source_begin(&source, (int64_t)NOW);
	assert_int_equal(source_read(&source, rule, &one), 1);
	if (!spec_is_over(rule, worst, one[0].value))
		fail_msg("%s does not fire at %g", rule->name, one[0].value);
	free(one);
	source_end(&source);
}

static void each_shipped_rule_fires_on_a_bad_day(void **state)
{
	static const struct spec_defaults defaults = { 30000000000, 300000000000 };
	struct engine_reading *none;
	struct findings findings;
	size_t waiting = 0;
	struct tree tree;
	struct book *b;

	(void)state;
	findings_init(&findings);
	assert_int_equal(book_read(&b, &defaults, NULL, &findings), 0);
	bad_day(&tree);
	fixture_tick(&f, NOW);
	for (size_t i = 0; i < b->count; i++) {
		const struct spec *rule = &b->specs[i];

		if (metric_info(rule->metric)->waits) {
			assert_int_equal(source_read(&source, rule, &none), -ENODATA);
			waiting++;
		} else if (strcmp(rule->name, "target-gone") != 0) {
			passes_its_worst_limit(rule);
		}
	}
	assert_int_equal(waiting, 4);
	f.sink.gone(f.sink.ctx, &f.target, NOW);
	fixture_tick(&f, NOW);
	passes_its_worst_limit(book_find(b, "target-gone"));
	book_close(b);
	tree_remove(&tree, "");
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
		TEST(the_oldest_request_is_that_of_the_environment),
		TEST(each_metric_has_its_number),
		TEST(each_shipped_rule_fires_on_a_bad_day),
		TEST(what_nobody_delivers_yet_says_so),
		TEST(the_agent_is_one_series_of_its_own),
		TEST(the_cache_is_told_by_who_has_it),
		TEST(rules_of_one_window_read_once_and_many_windows_are_read_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
