#include "book.h"
#include "defaults.h"
#include "rs_test.h"

#include <math.h>
#include <string.h>

#define SECOND INT64_C(1000000000)
#define MIB 1048576.0

static const struct spec_defaults defaults = { 30 * SECOND, 300 * SECOND };
static struct findings findings;

#define NONE NAN /* there is no such limit */

/* Every one of them, as the guide has its thresholds and the issue names the others. */
static const struct shipped {
	const char *name;
	enum metric metric;
	enum metric_function function;
	bool below;
	double warning, critical;
	int64_t window_s;
	double min_count;
} shipped[] = {
	{ "slow-average", METRIC_REQUESTS_DURATION, METRIC_AVG, false, 500, 1000, 300, 10 },
	{ "slow-p95", METRIC_REQUESTS_DURATION, METRIC_P95, false, 2000, 5000, 300, 20 },
	{ "slow-request", METRIC_REQUESTS_DURATION, METRIC_MAX, false, 1000, 5000, 60, 0 },
	{ "stuck-request", METRIC_REQUESTS_AGE, METRIC_MAX, false, 30000, 120000, 300, 0 },
	{ "error-rate", METRIC_REQUESTS_ERRORS, METRIC_RATIO, false, 1, 5, 300, 20 },
	{ "slo-burn", METRIC_SLO_BURN, METRIC_LAST, false, 6, 14.4, 3600, 100 },
	{ "throughput-drop", METRIC_REQUESTS_RATE, METRIC_RATE, true, -50, -80, 300, 300 },
	{ "memory", METRIC_MEMORY_PERCENT, METRIC_LAST, false, 80, 90, 300, 0 },
	{ "memory-dump", METRIC_MEMORY_PERCENT, METRIC_LAST, false, NONE, 95, 300, 0 },
	{ "cpu", METRIC_CPU_PERCENT, METRIC_AVG, false, 70, 85, 60, 0 },
	{ "gc-pause", METRIC_GC_PAUSE, METRIC_AVG, false, 10, 25, 300, 0 },
	{ "disk-wait", METRIC_IO_WAIT, METRIC_AVG, false, 20, 50, 300, 0 },
	{ "oom-kill", METRIC_SERVICE_KILLS, METRIC_DELTA, false, NONE, 0, 600, 0 },
	{ "restarts", METRIC_SERVICE_RESTARTS, METRIC_DELTA, false, 2, NONE, 600, 0 },
	{ "target-gone", METRIC_SERVICE_PROCESSES, METRIC_LAST, true, NONE, 1, 900, 1 },
	{ "capture-incomplete", METRIC_CAPTURE_COMPLETENESS, METRIC_RATIO, true, 99, 90, 300, 100 },
	{ "agent-cpu", METRIC_AGENT_CPU, METRIC_LAST, false, 20, 50, 300, 0 },
	{ "agent-memory", METRIC_AGENT_MEMORY, METRIC_LAST, false, 192 * MIB, 384 * MIB, 300, 0 },
	{ "cache-hit-rate", METRIC_CACHE_HITRATE, METRIC_RATIO, true, 80, 50, 300, 100 },
	/* a cache that is full is as it should be, but not one that gives up what is asked for */
	{ "cache-memory", METRIC_CACHE_EVICTIONS, METRIC_RATIO, false, 20, 50, 300, 100 },
	{ "redis-lost", METRIC_REDIS_FAILURES, METRIC_LAST, false, 2, 10, 300, 0 },
	{ "application-redis-lost", METRIC_CLIENT_REDIS_FAILURES, METRIC_LAST, false, NONE, 4, 300,
	  0 },
	{ "upstream-down", METRIC_UPSTREAM_FAILURES, METRIC_LAST, false, NONE, 4, 300, 0 },
	{ "query-timeouts", METRIC_DATABASE_TIMEOUTS, METRIC_DELTA, false, 0, 10, 300, 0 },
	{ "pool-exhausted", METRIC_POOL_WAITING, METRIC_LAST, false, 0, 10, 300, 0 },
};

#define SHIPPED (sizeof(shipped) / sizeof(shipped[0]))

static bool has_limit(const struct spec_limit *limit, double wanted)
{
	return isnan(wanted) ? !limit->set : limit->set && limit->limit == wanted;
}

static void is_as_shipped(const struct spec *s, const struct shipped *wanted)
{
	if (!s)
		fail_msg("there is no rule %s", wanted->name);
	else if (!s->enabled || s->metric != wanted->metric || s->function != wanted->function)
		fail_msg("%s is about something else", wanted->name);
	else if (s->below != wanted->below ||
		 !has_limit(&s->limits[SPEC_WARNING], wanted->warning) ||
		 !has_limit(&s->limits[SPEC_CRITICAL], wanted->critical))
		fail_msg("%s has other limits", wanted->name);
	else if (s->window_ns != wanted->window_s * SECOND || s->min_count != wanted->min_count)
		fail_msg("%s has another window", wanted->name);
}

static void the_shipped_rules_are_the_guides_thresholds(void **state)
{
	struct book *b;

	(void)state;
	findings_init(&findings);
	assert_int_equal(book_read(&b, &defaults, NULL, &findings), 0);
	for (size_t i = 0; i < SHIPPED; i++)
		is_as_shipped(book_find(b, shipped[i].name), &shipped[i]);
	assert_int_equal(b->count, SHIPPED);
	assert_int_equal(book_find(b, "throughput-drop")->against_ns, 3600 * SECOND);
	assert_true(book_find(b, "slo-burn")->objective == 99.9);
	book_close(b);
}

static void each_shipped_rule_says_what_it_is_about(void **state)
{
	struct book *b;

	(void)state;
	findings_init(&findings);
	assert_int_equal(book_read(&b, &defaults, NULL, &findings), 0);
	for (size_t i = 0; i < b->count; i++) {
		assert_true(strlen(b->specs[i].summary) > 0);
		assert_int_equal(strncmp(b->specs[i].where, DEFAULTS_NAME ":", 8), 0);
	}
	book_close(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_shipped_rules_are_the_guides_thresholds),
		cmocka_unit_test(each_shipped_rule_says_what_it_is_about),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
