/*
 * metric - what a rule may be about: its name, unit and functions, and its values as people write
 *          them.
 *
 * Threads:  constants and pure functions.
 * Memory:   none.
 * Errors:   -ENOENT, with the nearest name; -EINVAL with the reason.
 * Values are milliseconds, percent, bytes, bytes or events per second, numbers.
 */
#ifndef RULES_METRIC_H
#define RULES_METRIC_H

#include "tree.h"

enum metric {
	METRIC_REQUESTS_RATE,
	METRIC_REQUESTS_ERRORS,
	METRIC_REQUESTS_DURATION,
	METRIC_REQUESTS_INFLIGHT,
	METRIC_REQUESTS_AGE,
	METRIC_CPU_PERCENT,
	METRIC_MEMORY_PERCENT,
	METRIC_MEMORY_RSS,
	METRIC_MEMORY_HEAP,
	METRIC_ALLOC_RATE,
	METRIC_IO_READ,
	METRIC_IO_WRITE,
	METRIC_IO_WAIT,
	METRIC_GC_PAUSE,
	METRIC_SERVICE_PROCESSES,
	METRIC_SERVICE_RESTARTS,
	METRIC_SERVICE_KILLS,
	METRIC_SLO_BURN,
	METRIC_CAPTURE_COMPLETENESS,
	METRIC_AGENT_CPU,
	METRIC_AGENT_MEMORY,
	METRIC_CACHE_HITRATE,
	METRIC_CACHE_EVICTIONS,
	METRIC_CACHE_MEMORY,
	METRIC_REDIS_FAILURES,
	METRIC_CLIENT_REDIS_FAILURES, /* from here on nobody delivers them yet */
	METRIC_UPSTREAM_DURATION,
	METRIC_UPSTREAM_FAILURES,
	METRIC_DATABASE_DURATION,
	METRIC_DATABASE_TIMEOUTS,
	METRIC_POOL_WAITING,
	METRICS_OF_RULES,
};

enum metric_unit {
	METRIC_UNIT_MS,
	METRIC_UNIT_PERCENT,
	METRIC_UNIT_BYTES,
	METRIC_UNIT_BYTES_RATE,
	METRIC_UNIT_RATE,
	METRIC_UNIT_NUMBER,
};

/* Those of ranks are in the order of metrics.h. */
enum metric_function {
	METRIC_P50,
	METRIC_P90,
	METRIC_P95,
	METRIC_P99,
	METRIC_P999,
	METRIC_AVG,
	METRIC_MAX,
	METRIC_LAST,
	METRIC_RATE,   /* per second */
	METRIC_RATIO,  /* percent of all */
	METRIC_DELTA,  /* how many in the window */
	METRIC_ABSENT, /* 1: there is none in the window */
	METRIC_FUNCTIONS,
};

#define METRIC_BIT(function) (1u << (function))

struct metric_info {
	const char *name, *help;
	const char *waits;      /* why there is no data yet; NULL: there is */
	unsigned int functions; /* METRIC_BIT of those that it has */
	enum metric_function usual;
	enum metric_unit unit; /* of avg, max, last and the percentiles */
	bool service, route;   /* is it known of each? neither: the agent's own */
	bool bounded;          /* between 0 and 100 */
};

const struct metric_info *metric_info(enum metric metric);
const char *metric_function_name(enum metric_function function);
const char *metric_unit_name(enum metric_unit unit); /* as the API says it */

/* -ENOENT, then *near is the nearest, or NULL. */
int metric_find(const char *name, const char **near);
int metric_function_find(const char *name, const char **near);
enum metric_unit metric_unit_of(enum metric metric, enum metric_function function);

/* "500ms", "80%", "64MiB", "1MiB/s", "600/min", or a bare number where the unit has no doubt. */
int metric_value_parse(const struct tree *value, enum metric_unit unit, double *out,
		       const char **reason);
void metric_value_format(double value, enum metric_unit unit, char *out, size_t size);

#endif
