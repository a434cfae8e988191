#include "timeseries.h"

#include "store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMESERIES_USUAL 360u /* points of a window whose step was not given: no more than that */
#define TIMESERIES_ALL 1000u  /* thousandths */
#define TIMESERIES_NS 1000000000u
#define TIMESERIES_LONGEST INT64_C(2592000) /* 30 days: the longest that anything is kept */

static const struct timeseries_metric timeseries_metrics[] = {
	{ "requests.rate", "requests/s", TIMESERIES_RATE, METRICS_GAUGES, false },
	{ "requests.errors", "requests/s", TIMESERIES_ERRORS, METRICS_GAUGES, false },
	{ "requests.duration", "ms", TIMESERIES_DURATION, METRICS_GAUGES, false },
	{ "requests.inflight", "requests", TIMESERIES_GAUGE, METRICS_GAUGE_IN_FLIGHT, false },
	{ "cpu.percent", "percent", TIMESERIES_GAUGE, METRICS_GAUGE_CPU_PERCENT, false },
	{ "memory.rss", "bytes", TIMESERIES_GAUGE, METRICS_GAUGE_RSS, false },
	{ "memory.heap", "bytes", TIMESERIES_GAUGE, METRICS_GAUGE_HEAP, false },
	{ "memory.percent", "percent", TIMESERIES_GAUGE, METRICS_GAUGE_MEMORY_PERCENT, false },
	{ "alloc.rate", "bytes/s", TIMESERIES_GAUGE, METRICS_GAUGE_ALLOCATED, false },
	{ "io.read", "bytes/s", TIMESERIES_GAUGE, METRICS_GAUGE_READ, false },
	{ "io.write", "bytes/s", TIMESERIES_GAUGE, METRICS_GAUGE_WRITTEN, false },
	{ "cache.hitrate", "percent", TIMESERIES_CACHE, METRICS_GAUGES, false },
	{ "upstream.duration", "ms", TIMESERIES_AWAITED, METRICS_GAUGES, false },
	{ "database.duration", "ms", TIMESERIES_DURATION, METRICS_GAUGES, true },
};

static const struct timeseries_step timeseries_steps[] = {
	{ "1s", 1 },    { "10s", 10 },  { "1m", 60 },    { "5m", 300 },
	{ "15m", 900 }, { "1h", 3600 }, { "6h", 21600 }, { "24h", 86400 },
};

#define TIMESERIES_METRICS (sizeof(timeseries_metrics) / sizeof(timeseries_metrics[0]))
#define TIMESERIES_STEPS (sizeof(timeseries_steps) / sizeof(timeseries_steps[0]))

static int timeseries_refuse(const struct question *q, const char *field, const char *code)
{
	snprintf(q->no->field, sizeof(q->no->field), "%s", field);
	return refuse(q->no, 400, code, "must be one of");
}

/* One more name behind the message of a refusal. */
static void timeseries_list(const struct question *q, const char *name, bool is_first)
{
	size_t at = strlen(q->no->message);

	snprintf(q->no->message + at, sizeof(q->no->message) - at, "%s%s", is_first ? " " : ", ",
		 name);
}

static int timeseries_metric_find(const struct question *q, struct timeseries *out)
{
	for (size_t i = 0; i < TIMESERIES_METRICS && q->ask.metric; i++) {
		out->metric = &timeseries_metrics[i];
		if (!strcmp(out->metric->name, q->ask.metric))
			return 0;
	}
	timeseries_refuse(q, "metric", "bad_metric");
	for (size_t i = 0; i < TIMESERIES_METRICS; i++)
		timeseries_list(q, timeseries_metrics[i].name, i == 0);
	return -EINVAL;
}

static const struct timeseries_step *timeseries_step_find(const char *name)
{
	for (size_t i = 0; i < TIMESERIES_STEPS; i++) {
		if (!strcmp(timeseries_steps[i].name, name))
			return &timeseries_steps[i];
	}
	return NULL;
}

static uint32_t timeseries_span_s(const struct timeseries *t)
{
	return (uint32_t)(t->span.to_s - t->span.from_s);
}

/* Slots of a finer step are not kept for so long, and a wider one is. */
static bool timeseries_is_kept(const struct question *q, uint32_t step_s, int64_t age_s)
{
	const uint32_t *keep_s = q->site->store ? store_keep_s : series_keep_s;
	enum series_step slots = timeline_slots(step_s);

	return slots == SERIES_WIDE || keep_s[slots] >= age_s;
}

/* The finest that makes no more points than usual. */
static const struct timeseries_step *timeseries_step_usual(const struct question *q,
							   const struct timeseries *t)
{
	int64_t age_s = (int64_t)(q->request->now_ns / TIMESERIES_NS) - t->span.from_s;
	size_t i = 0;

	while (i < TIMESERIES_STEPS - 1 &&
	       (timeseries_span_s(t) / timeseries_steps[i].seconds > TIMESERIES_USUAL ||
		!timeseries_is_kept(q, timeseries_steps[i].seconds, age_s)))
		i++;
	return &timeseries_steps[i];
}

static int timeseries_step_ask(const struct question *q, struct timeseries *out)
{
	out->step = q->ask.step ? timeseries_step_find(q->ask.step) : timeseries_step_usual(q, out);
	if (!out->step) {
		timeseries_refuse(q, "step", "bad_step");
		for (size_t i = 0; i < TIMESERIES_STEPS; i++)
			timeseries_list(q, timeseries_steps[i].name, i == 0);
		return -EINVAL;
	}
	out->span.step_s = out->step->seconds;
	if (timeseries_span_s(out) / out->step->seconds + 2 <= TIMELINE_POINTS)
		return 0;
	snprintf(q->no->field, sizeof(q->no->field), "step");
	return refuse(q->no, 400, "bad_step", "that makes more than %u points", TIMELINE_POINTS);
}

/* "99.9": 0.1 to 99.9 with at most one decimal. Moves *at behind it. */
static int timeseries_rank(const char **at, struct timeseries_rank *out)
{
	size_t whole = strspn(*at, "0123456789"), part = 0;
	char *end;

	if (whole < 1 || whole > 2)
		return -EINVAL;
	out->thousandths = (uint32_t)strtoul(*at, &end, 10) * 10;
	if (*end == '.') {
		part = strspn(end + 1, "0123456789");
		if (part != 1)
			return -EINVAL;
		out->thousandths += (uint32_t)(end[1] - '0');
	}
	if (!out->thousandths || out->thousandths >= TIMESERIES_ALL)
		return -EINVAL;
	snprintf(out->name, sizeof(out->name), "p%.*s%.*s", (int)whole, *at, (int)part,
		 part ? end + 1 : "");
	*at = part ? end + 2 : end;
	return 0;
}

static int timeseries_ranks_ask(const struct question *q, struct timeseries *out)
{
	const char *at = q->ask.ranks ? q->ask.ranks : "50,95,99";
	int ret = 0;

	do {
		if (out->rank_count == TIMESERIES_RANKS)
			ret = -E2BIG;
		else
			ret = timeseries_rank(&at, &out->ranks[out->rank_count++]);
	} while (ret == 0 && *at == ',' && *++at);
	if (ret == 0 && *at == '\0' && at[-1] != ',')
		return 0;
	snprintf(q->no->field, sizeof(q->no->field), "p");
	return refuse(q->no, 400, "bad_percentile",
		      "must be up to %u numbers from 0.1 to 99.9, as 50,95,99.9", TIMESERIES_RANKS);
}

static int timeseries_form_ask(const struct question *q, struct timeseries *out)
{
	const char *form = q->ask.format;

	out->is_heatmap = form && !strcmp(form, "heatmap");
	if (form && !out->is_heatmap && strcmp(form, "points") != 0) {
		timeseries_refuse(q, "format", "bad_format");
		timeseries_list(q, "points", true);
		timeseries_list(q, "heatmap", false);
		return -EINVAL;
	}
	if (!out->is_heatmap || out->metric->kind == TIMESERIES_DURATION)
		return 0;
	snprintf(q->no->field, sizeof(q->no->field), "format");
	return refuse(q->no, 400, "bad_format", "only requests.duration has a heat map");
}

static int timeseries_offset_ask(const struct question *q, struct timeseries *out)
{
	static const struct timeseries_step offsets[] = {
		{ "1m", 60 },    { "5m", 300 },    { "15m", 900 },   { "1h", 3600 },
		{ "6h", 21600 }, { "24h", 86400 }, { "7d", 604800 },
	};
	const size_t count = sizeof(offsets) / sizeof(offsets[0]);

	if (!q->ask.compare)
		return 0;
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(offsets[i].name, q->ask.compare))
			out->offset_s = offsets[i].seconds;
	}
	if (!out->offset_s) {
		timeseries_refuse(q, "compare", "bad_compare");
		for (size_t i = 0; i < count; i++)
			timeseries_list(q, offsets[i].name, i == 0);
		return -EINVAL;
	}
	if (out->offset_s % out->step->seconds == 0)
		return 0;
	snprintf(q->no->field, sizeof(q->no->field), "compare");
	return refuse(q->no, 400, "bad_compare", "must be a multiple of the step, %s",
		      out->step->name);
}

/* Seconds after that of from up to that of to, as elsewhere; what nobody keeps is not asked for. */
static void timeseries_span_ask(const struct question *q, struct timeseries *out)
{
	int64_t now_s = (int64_t)(q->request->now_ns / TIMESERIES_NS);
	int64_t ago_s = (q->request->wall_ms - q->ask.from_ms) / 1000;
	uint64_t to_ns = q->ask.scope.to_ns ? q->ask.scope.to_ns : q->request->now_ns;

	out->span.from_s = now_s - (ago_s < TIMESERIES_LONGEST ? ago_s : TIMESERIES_LONGEST) + 1;
	out->span.to_s = (int64_t)(to_ns / TIMESERIES_NS) + 1;
	if (out->span.from_s > out->span.to_s)
		out->span.from_s = out->span.to_s;
}

/* What a metric is not known of must not be asked for. */
static int timeseries_scope_ask(const struct question *q, const struct timeseries *out)
{
	const struct metrics_scope *scope = &q->ask.scope;
	const char *field = NULL, *of = NULL;

	if (out->metric->kind == TIMESERIES_CACHE) {
		of = "the agent's own cache";
		field = scope->service ? "service" : scope->route ? "route" : NULL;
		field = scope->pid ? "pid" : field;
	} else if (out->metric->statements && scope->pid) {
		of = "services and routes";
		field = "pid";
	} else if (scope->route && out->metric->kind == TIMESERIES_GAUGE) {
		of = "processes, not of routes";
		field = "route";
	}
	if (!field)
		return 0;
	snprintf(q->no->field, sizeof(q->no->field), "%s", field);
	return refuse(q->no, 400, "bad_scope", "%s is of %s", out->metric->name, of);
}

int timeseries_ask(const struct question *q, struct timeseries *out)
{
	memset(out, 0, sizeof(*out));
	timeseries_span_ask(q, out);
	if (timeseries_metric_find(q, out) || timeseries_step_ask(q, out) ||
	    timeseries_ranks_ask(q, out) || timeseries_form_ask(q, out) ||
	    timeseries_offset_ask(q, out))
		return -EINVAL;
	return timeseries_scope_ask(q, out);
}

struct timeline_span timeseries_earlier(const struct timeseries *t)
{
	struct timeline_span span = t->span;

	span.from_s -= t->offset_s;
	span.to_s -= t->offset_s;
	return span;
}
