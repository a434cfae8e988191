#include "metric.h"

#include "text.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define METRIC_NEAR 4 /* single edits: more is no slip of the hand */
#define METRIC_RANKS                                                                               \
	(METRIC_BIT(METRIC_P50) | METRIC_BIT(METRIC_P90) | METRIC_BIT(METRIC_P95) |                \
	 METRIC_BIT(METRIC_P99) | METRIC_BIT(METRIC_P999))

#define LAST METRIC_BIT(METRIC_LAST)
#define AVG METRIC_BIT(METRIC_AVG)
#define MAX METRIC_BIT(METRIC_MAX)
#define RATE METRIC_BIT(METRIC_RATE)
#define RATIO METRIC_BIT(METRIC_RATIO)
#define DELTA METRIC_BIT(METRIC_DELTA)
#define ABSENT METRIC_BIT(METRIC_ABSENT)

#define OF_SERVICE .service = true
#define OF_AGENT .service = false
#define OF_ROUTE .service = true, .route = true

#define NO_CLIENT "outgoing calls are not watched yet"
#define NO_STATEMENTS                                                                              \
	NO_CLIENT "; of a database that is watched itself, requests.duration has its statements"

static const struct metric_info metric_table[METRICS_OF_RULES] = {
	[METRIC_REQUESTS_RATE] = { "requests.rate", "requests a second", NULL,
				   RATE | DELTA | ABSENT, METRIC_RATE, METRIC_UNIT_RATE, OF_ROUTE },
	[METRIC_REQUESTS_ERRORS] = { "requests.errors", "failed requests", NULL,
				     RATIO | RATE | DELTA, METRIC_RATIO, METRIC_UNIT_PERCENT,
				     OF_ROUTE },
	[METRIC_REQUESTS_DURATION] = { "requests.duration", "how long requests take", NULL,
				       METRIC_RANKS | AVG | MAX, METRIC_AVG, METRIC_UNIT_MS,
				       OF_ROUTE },
	[METRIC_REQUESTS_INFLIGHT] = { "requests.inflight", "requests in progress", NULL, LAST,
				       METRIC_LAST, METRIC_UNIT_NUMBER, OF_ROUTE },
	[METRIC_REQUESTS_AGE] = { "requests.age", "the oldest request in progress", NULL, MAX,
				  METRIC_MAX, METRIC_UNIT_MS, OF_SERVICE },
	[METRIC_CPU_PERCENT] = { "cpu.percent", "CPU, of what a process may use; the worst one",
				 NULL, AVG, METRIC_AVG, METRIC_UNIT_PERCENT, OF_SERVICE,
				 .bounded = true },
	[METRIC_MEMORY_PERCENT] = { "memory.percent",
				    "memory, of a process's nearest limit; the worst one", NULL,
				    LAST, METRIC_LAST, METRIC_UNIT_PERCENT, OF_SERVICE,
				    .bounded = true },
	[METRIC_MEMORY_RSS] = { "memory.rss", "resident memory of all processes", NULL, LAST,
				METRIC_LAST, METRIC_UNIT_BYTES, OF_SERVICE },
	[METRIC_MEMORY_HEAP] = { "memory.heap", "live heap of all processes", NULL, LAST,
				 METRIC_LAST, METRIC_UNIT_BYTES, OF_SERVICE },
	[METRIC_ALLOC_RATE] = { "alloc.rate", "bytes allocated a second", NULL, RATE, METRIC_RATE,
				METRIC_UNIT_BYTES_RATE, OF_SERVICE },
	[METRIC_IO_READ] = { "io.read", "bytes read from disks a second", NULL, RATE, METRIC_RATE,
			     METRIC_UNIT_BYTES_RATE, OF_SERVICE },
	[METRIC_IO_WRITE] = { "io.write", "bytes made dirty a second", NULL, RATE, METRIC_RATE,
			      METRIC_UNIT_BYTES_RATE, OF_SERVICE },
	[METRIC_IO_WAIT] = { "io.wait", "time that threads wait for disks; the worst process", NULL,
			     AVG, METRIC_AVG, METRIC_UNIT_PERCENT, OF_SERVICE },
	[METRIC_GC_PAUSE] = { "gc.pause", "time that stands still for garbage; the worst process",
			      NULL, AVG, METRIC_AVG, METRIC_UNIT_PERCENT, OF_SERVICE },
	[METRIC_SERVICE_PROCESSES] = { "service.processes", "processes that live", NULL, LAST,
				       METRIC_LAST, METRIC_UNIT_NUMBER, OF_SERVICE },
	[METRIC_SERVICE_RESTARTS] = { "service.restarts", "restarts of a service", NULL, DELTA,
				      METRIC_DELTA, METRIC_UNIT_NUMBER, OF_SERVICE },
	[METRIC_SERVICE_KILLS] = { "service.kills", "processes killed for want of memory", NULL,
				   DELTA, METRIC_DELTA, METRIC_UNIT_NUMBER, OF_SERVICE },
	[METRIC_SLO_BURN] = { "slo.burn", "how fast the error budget of `objective` is used", NULL,
			      LAST, METRIC_LAST, METRIC_UNIT_NUMBER, OF_ROUTE },
	[METRIC_CAPTURE_COMPLETENESS] = { "capture.completeness", "requests told in full", NULL,
					  RATIO, METRIC_RATIO, METRIC_UNIT_PERCENT, OF_SERVICE,
					  .bounded = true },
	[METRIC_AGENT_CPU] = { "agent.cpu", "the agent's own CPU, of one core", NULL, LAST,
			       METRIC_LAST, METRIC_UNIT_PERCENT, OF_AGENT },
	[METRIC_AGENT_MEMORY] = { "agent.memory", "the agent's own memory", NULL, LAST, METRIC_LAST,
				  METRIC_UNIT_BYTES, OF_AGENT },
	[METRIC_CACHE_HITRATE] = { "cache.hitrate", "look-ups that the cache answered", NULL, RATIO,
				   METRIC_RATIO, METRIC_UNIT_PERCENT, .bounded = true },
	[METRIC_CACHE_EVICTIONS] = { "cache.evictions",
				     "entries that the cache gave up for want of room, of its "
				     "look-ups",
				     NULL, RATIO, METRIC_RATIO, METRIC_UNIT_PERCENT, OF_AGENT },
	[METRIC_CACHE_MEMORY] = { "cache.memory", "the cache's memory, of its limit", NULL, LAST,
				  METRIC_LAST, METRIC_UNIT_PERCENT, .bounded = true },
	[METRIC_REDIS_FAILURES] = { "redis.failures", "our own Redis fails so often in a row", NULL,
				    LAST, METRIC_LAST, METRIC_UNIT_NUMBER, OF_AGENT },
	[METRIC_CLIENT_REDIS_FAILURES] = { "client.redis.failures",
					   "the application's Redis fails so often in a row",
					   NO_CLIENT, LAST, METRIC_LAST, METRIC_UNIT_NUMBER,
					   OF_SERVICE },
	[METRIC_UPSTREAM_DURATION] = { "upstream.duration", "how long outgoing calls take",
				       NO_CLIENT, METRIC_RANKS | AVG | MAX, METRIC_AVG,
				       METRIC_UNIT_MS, OF_SERVICE },
	[METRIC_UPSTREAM_FAILURES] = { "upstream.failures",
				       "an external service fails so often in a row", NO_CLIENT,
				       LAST, METRIC_LAST, METRIC_UNIT_NUMBER, OF_SERVICE },
	[METRIC_DATABASE_DURATION] = { "database.duration", "how long statements take",
				       NO_STATEMENTS, METRIC_RANKS | AVG | MAX, METRIC_AVG,
				       METRIC_UNIT_MS, OF_SERVICE },
	[METRIC_DATABASE_TIMEOUTS] = { "database.timeouts", "statements that timed out", NO_CLIENT,
				       DELTA, METRIC_DELTA, METRIC_UNIT_NUMBER, OF_SERVICE },
	[METRIC_POOL_WAITING] = { "pool.waiting", "callers that wait for a connection of a pool",
				  NO_CLIENT, LAST, METRIC_LAST, METRIC_UNIT_NUMBER, OF_SERVICE },
};

static const char *const metric_functions[METRIC_FUNCTIONS] = {
	[METRIC_P50] = "p50",     [METRIC_P90] = "p90",     [METRIC_P95] = "p95",
	[METRIC_P99] = "p99",     [METRIC_P999] = "p999",   [METRIC_AVG] = "avg",
	[METRIC_MAX] = "max",     [METRIC_LAST] = "last",   [METRIC_RATE] = "rate",
	[METRIC_RATIO] = "ratio", [METRIC_DELTA] = "delta", [METRIC_ABSENT] = "absent",
};

const struct metric_info *metric_info(enum metric metric)
{
	return &metric_table[metric];
}

const char *metric_function_name(enum metric_function function)
{
	return metric_functions[function];
}

const char *metric_unit_name(enum metric_unit unit)
{
	static const char *const names[] = { "ms",        "percent", "bytes", "bytesPerSecond",
					     "perSecond", "count" };

	return names[unit];
}

/* One candidate: 0 it is the one; else the nearest so far is kept. */
static size_t metric_nearer(const char *known, const char *name, size_t *least, const char **near)
{
	size_t distance = text_distance(known, name);

	if (distance < *least) {
		*least = distance;
		*near = known;
	}
	return distance;
}

int metric_find(const char *name, const char **near)
{
	size_t least = METRIC_NEAR + 1;

	*near = NULL;
	for (int i = 0; i < METRICS_OF_RULES; i++)
		if (!metric_nearer(metric_table[i].name, name, &least, near))
			return i;
	return -ENOENT;
}

int metric_function_find(const char *name, const char **near)
{
	size_t least = 3; /* their names are short */

	*near = NULL;
	for (int i = 0; i < METRIC_FUNCTIONS; i++)
		if (!metric_nearer(metric_functions[i], name, &least, near))
			return i;
	return -ENOENT;
}

enum metric_unit metric_unit_of(enum metric metric, enum metric_function function)
{
	enum metric_unit unit = metric_table[metric].unit;

	switch (function) {
	case METRIC_RATIO:
		return METRIC_UNIT_PERCENT;
	case METRIC_DELTA:
	case METRIC_ABSENT:
		return METRIC_UNIT_NUMBER;
	case METRIC_RATE:
		return unit == METRIC_UNIT_BYTES_RATE ? unit : METRIC_UNIT_RATE;
	default:
		return unit;
	}
}

static const char *metric_expected(enum metric_unit unit)
{
	switch (unit) {
	case METRIC_UNIT_MS:
		return "must be a duration with its unit, as \"500ms\" or \"2s\"";
	case METRIC_UNIT_PERCENT:
		return "must be percent, as 80 or \"80%\"";
	case METRIC_UNIT_BYTES:
		return "must be a size, as \"64MiB\" or a number of bytes";
	case METRIC_UNIT_BYTES_RATE:
		return "must be bytes a second, as \"1MiB/s\" or a number";
	case METRIC_UNIT_RATE:
		return "must be so many a second or minute, as \"10/s\", \"600/min\" or a number";
	case METRIC_UNIT_NUMBER:
		break;
	}
	return "must be a plain number";
}

/* A text that ends so, without that end; false: it does not. */
static bool metric_without(const char *text, const char *end, char out[32])
{
	size_t length = strlen(text), tail = strlen(end);

	if (length <= tail || length - tail >= 32 || strcmp(text + length - tail, end) != 0)
		return false;
	memcpy(out, text, length - tail);
	out[length - tail] = '\0';
	return true;
}

static int metric_text_parse(const char *text, enum metric_unit unit, double *out)
{
	uint64_t whole = 0;
	char bare[32];
	int ret;

	switch (unit) {
	case METRIC_UNIT_MS:
		ret = text_span_ns(text, &whole);
		*out = (double)whole / 1e6;
		return ret;
	case METRIC_UNIT_PERCENT:
		return text_number(metric_without(text, "%", bare) ? bare : text, out);
	case METRIC_UNIT_BYTES:
	case METRIC_UNIT_BYTES_RATE:
		if (unit == METRIC_UNIT_BYTES_RATE && metric_without(text, "/s", bare))
			text = bare;
		ret = text_size_bytes(text, &whole);
		*out = (double)whole;
		return ret;
	case METRIC_UNIT_RATE:
		if (metric_without(text, "/s", bare))
			return text_number(bare, out);
		if (!metric_without(text, "/min", bare) || text_number(bare, out))
			return -EINVAL;
		*out /= 60;
		return 0;
	case METRIC_UNIT_NUMBER:
		break;
	}
	return text_number(text, out);
}

int metric_value_parse(const struct tree *value, enum metric_unit unit, double *out,
		       const char **reason)
{
	*reason = metric_expected(unit);
	if (tree_kind(value) == TREE_TEXT)
		return metric_text_parse(tree_text(value), unit, out) ? -EINVAL : 0;
	if (tree_kind(value) != TREE_NUMBER || unit == METRIC_UNIT_MS)
		return -EINVAL;
	*out = tree_number(value);
	return 0;
}

static void metric_bytes_format(double value, const char *end, char *out, size_t size)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	size_t i = 0;

	while (fabs(value) >= 1024 && i < 4) {
		value /= 1024;
		i++;
	}
	snprintf(out, size, "%.4g %s%s", value, units[i], end);
}

void metric_value_format(double value, enum metric_unit unit, char *out, size_t size)
{
	if (isnan(value)) {
		snprintf(out, size, "unknown");
		return;
	}
	switch (unit) {
	case METRIC_UNIT_MS:
		if (fabs(value) >= 1000)
			snprintf(out, size, "%.4g s", value / 1000);
		else
			snprintf(out, size, "%.4g ms", value);
		return;
	case METRIC_UNIT_PERCENT:
		snprintf(out, size, "%.4g %%", value);
		return;
	case METRIC_UNIT_BYTES:
		metric_bytes_format(value, "", out, size);
		return;
	case METRIC_UNIT_BYTES_RATE:
		metric_bytes_format(value, "/s", out, size);
		return;
	case METRIC_UNIT_RATE:
		snprintf(out, size, "%.4g/s", value);
		return;
	case METRIC_UNIT_NUMBER:
		break;
	}
	snprintf(out, size, "%.6g", value);
}
