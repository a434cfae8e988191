/*
 * document_timeseries - one metric over time: points, percentiles, heat map, peaks, and the same of
 *                       an earlier window beside them.
 */
#include "cache.h"
#include "spread.h"
#include "store.h"
#include "timeseries.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TIMESERIES_PEAKS 3u
#define TIMESERIES_MERGED 4u /* buckets of schema 5 in one of schema 3, which a heat map has */
#define TIMESERIES_SCHEMA 3
#define TIMESERIES_NS UINT64_C(1000000000)

/* One window of it, with what its points come to together. */
struct timeseries_view {
	const struct timeseries *asked;
	struct timeline t;
	struct metrics_sums sums;
	uint64_t buckets[RS_HIST_SLOTS];
	uint64_t *of_point; /* room for those of one */
	uint64_t room[RS_HIST_SLOTS];
};

static int64_t timeseries_begin(const struct timeseries_view *v, uint32_t point)
{
	return v->t.from_s + (int64_t)point * v->t.step_s;
}

/* The seconds of [from, to) that were watched, are kept, and have passed. */
static double timeseries_seconds(const struct timeseries_view *v, int64_t from, int64_t to)
{
	if (from < v->t.kept_from_s)
		from = v->t.kept_from_s;
	if (to > v->t.now_s + 1)
		to = v->t.now_s + 1;
	return to > from ? (double)(to - from) : 0;
}

/* What the metric comes to in sums of so many seconds. */
static double timeseries_value(const struct timeseries_view *v, const struct metrics_sums *sums,
			       double seconds)
{
	uint64_t count = sums->count;

	if (v->asked->metric->kind == TIMESERIES_DURATION)
		return count ? DOCUMENT_MS(sums->span_ns) / (double)count : METRICS_UNKNOWN;
	if (v->asked->metric->kind == TIMESERIES_ERRORS)
		count = sums->errors;
	return seconds > 0 ? (double)count / seconds : METRICS_UNKNOWN;
}

static double timeseries_point_value(const struct timeseries_view *v, uint32_t point)
{
	int64_t begin = timeseries_begin(v, point);

	if (v->t.values)
		return v->t.values[point];
	return timeseries_value(v, timeline_sums(&v->t, point),
				timeseries_seconds(v, begin, begin + v->t.step_s));
}

static void timeseries_put_ranks(const struct timeseries_view *v, const uint64_t *buckets,
				 const struct metrics_sums *sums, struct json *j)
{
	double (*rank_of)(const uint64_t *, const struct metrics_sums *, uint32_t) =
		v->t.schema == RS_HIST_SCHEMA ? spread_rank : spread_rank_wide;
	bool measured = sums->min_ns <= sums->max_ns;

	json_measure(j, "min", measured ? DOCUMENT_MS(sums->min_ns) : METRICS_UNKNOWN);
	json_measure(j, "max", measured ? DOCUMENT_MS(sums->max_ns) : METRICS_UNKNOWN);
	json_object_begin(j, "percentiles");
	for (unsigned int i = 0; i < v->asked->rank_count; i++) {
		const struct timeseries_rank *rank = &v->asked->ranks[i];

		document_measure_ms(j, rank->name, rank_of(buckets, sums, rank->thousandths));
	}
	json_object_end(j);
}

/* Up to which duration, and how many: of those that are not empty. */
static void timeseries_put_heat(const uint64_t *buckets, struct json *j)
{
	int most = (int)RS_HIST_SLOTS - 1;

	json_array_begin(j, "buckets");
	for (int i = 0; i <= most;) {
		int upper = (int)ceil((i - RS_HIST_BIAS) / (double)TIMESERIES_MERGED);
		uint64_t count = 0;

		for (; i <= most && i - RS_HIST_BIAS <= upper * (int)TIMESERIES_MERGED; i++)
			count += buckets[i];
		if (!count)
			continue;
		json_array_begin(j, NULL);
		json_double(j, NULL, exp2((double)upper / (1 << TIMESERIES_SCHEMA)) * 1e3);
		json_uint(j, NULL, count);
		json_array_end(j);
	}
	json_array_end(j);
}

static void timeseries_put_sums(const struct timeseries_view *v, const struct metrics_sums *sums,
				struct json *j)
{
	if (v->asked->metric->kind == TIMESERIES_ERRORS) {
		json_uint(j, "count", sums->errors);
		json_uint(j, "requests", sums->count);
		json_measure(j, "percent",
			     sums->count ? 100.0 * (double)sums->errors / (double)sums->count
					 : METRICS_UNKNOWN);
		return;
	}
	json_uint(j, "count", sums->count);
}

static void timeseries_put_point(const struct timeseries_view *v, uint32_t point, struct json *j)
{
	int64_t begin = timeseries_begin(v, point);
	uint64_t *buckets = v->of_point;
	struct metrics_sums sums;

	json_object_begin(j, NULL);
	json_time(j, "at", begin * 1000 + v->t.wall_offset_ms);
	json_measure(j, "value", timeseries_point_value(v, point));
	if (!v->t.values)
		timeseries_put_sums(v, timeline_sums(&v->t, point), j);
	if (v->t.slots) {
		memset(buckets, 0, sizeof(v->room));
		slot_sums_init(&sums);
		slot_window_add(&v->t.slots[point], &sums, buckets);
		timeseries_put_ranks(v, buckets, &sums, j);
		if (v->asked->is_heatmap)
			timeseries_put_heat(buckets, j);
	}
	json_object_end(j);
}

/* The best points, the best first; a point that is not over yet may be one. */
static void timeseries_put_peaks(const struct timeseries_view *v, struct json *j)
{
	uint32_t best[TIMESERIES_PEAKS] = { 0 };
	unsigned int found = 0;

	for (uint32_t i = 0; i < v->t.count; i++) {
		double value = timeseries_point_value(v, i);
		unsigned int at = found;

		if (value <= 0)
			continue;
		while (at > 0 && timeseries_point_value(v, best[at - 1]) < value)
			at--;
		if (at == TIMESERIES_PEAKS)
			continue;
		found += found < TIMESERIES_PEAKS;
		memmove(&best[at + 1], &best[at], (found - at - 1) * sizeof(best[0]));
		best[at] = i;
	}
	json_array_begin(j, "peaks");
	for (unsigned int i = 0; i < found; i++) {
		json_object_begin(j, NULL);
		json_time(j, "at", timeseries_begin(v, best[i]) * 1000 + v->t.wall_offset_ms);
		json_measure(j, "value", timeseries_point_value(v, best[i]));
		json_object_end(j);
	}
	json_array_end(j);
}

/* Of a gauge: the mean, least and most of its points. */
static double timeseries_put_levels(const struct timeseries_view *v, struct json *j)
{
	double sum = 0, least = METRICS_UNKNOWN, most = METRICS_UNKNOWN, mean;
	uint32_t known = 0;

	for (uint32_t i = 0; i < v->t.count; i++) {
		double value = v->t.values[i];

		if (value < 0)
			continue;
		sum += value;
		most = value > most ? value : most;
		least = known++ && least < value ? least : value;
	}
	mean = known ? sum / known : METRICS_UNKNOWN;
	json_measure(j, "value", mean);
	json_measure(j, "min", least);
	json_measure(j, "max", most);
	return mean;
}

/* Returns the value that two windows are compared by. */
static double timeseries_put_summary(const struct timeseries_view *v, struct json *j)
{
	int64_t end = timeseries_begin(v, v->t.count);
	double value;

	json_object_begin(j, "summary");
	if (v->t.values) {
		value = timeseries_put_levels(v, j);
	} else {
		value = timeseries_value(v, &v->sums, timeseries_seconds(v, v->t.from_s, end));
		json_measure(j, "value", value);
		timeseries_put_sums(v, &v->sums, j);
		if (v->t.slots)
			timeseries_put_ranks(v, v->buckets, &v->sums, j);
	}
	json_object_end(j);
	return value;
}

static double timeseries_put_view(const struct timeseries_view *v, struct json *j)
{
	int64_t end = timeseries_begin(v, v->t.count);
	double value;

	if (end > v->t.now_s + 1 && v->t.now_s >= v->t.from_s) /* the last point is not over yet */
		end = v->t.now_s + 1;
	json_time(j, "from", v->t.from_s * 1000 + v->t.wall_offset_ms);
	json_time(j, "to", end * 1000 + v->t.wall_offset_ms);
	json_time(j, "keptFrom", v->t.kept_from_s * 1000 + v->t.wall_offset_ms);
	json_bool(j, "cut", v->t.is_cut);
	value = timeseries_put_summary(v, j);
	timeseries_put_peaks(v, j);
	json_array_begin(j, "points");
	for (uint32_t i = 0; i < v->t.count; i++)
		timeseries_put_point(v, i, j);
	json_array_end(j);
	return value;
}

/* A point is of as many seconds as the cache counts at once, at least. */
static void timeseries_cache(const struct question *q, struct timeline *t)
{
	uint64_t least_ns = (uint64_t)t->step_s * TIMESERIES_NS;
	uint64_t hour_ns = RATES_STEPS * RATES_STEP_NS, first_ns = q->site->started_ns;

	if (first_ns + hour_ns < q->request->now_ns)
		first_ns = q->request->now_ns - hour_ns;
	t->kept_from_s = (int64_t)(first_ns / TIMESERIES_NS);
	if (least_ns < RATES_STEP_NS)
		least_ns = RATES_STEP_NS;
	for (uint32_t i = 0; q->site->cache && i < t->count; i++) {
		int64_t end_s = t->from_s + ((int64_t)i + 1) * t->step_s;
		uint64_t end_ns = end_s > 0 ? (uint64_t)end_s * TIMESERIES_NS : 0;
		struct rates_counts c;

		cache_window(q->site->cache, end_ns > least_ns ? end_ns - least_ns : 0, end_ns, &c);
		if (c.hits + c.misses)
			t->values[i] = 100 * (double)c.hits / (double)(c.hits + c.misses);
	}
}

static int timeseries_look(const struct question *q, const struct timeseries *asked,
			   const struct timeline_span *span, struct timeseries_view *v)
{
	static const enum timeline_what what[] = { TIMELINE_SUMS,       TIMELINE_SUMS,
						   TIMELINE_HISTOGRAMS, TIMELINE_VALUES,
						   TIMELINE_VALUES,     TIMELINE_VALUES };
	enum timeseries_kind kind = asked->metric->kind;
	struct metrics_scope scope = q->ask.scope;
	int ret = timeline_open(&v->t, span, what[kind]);

	v->asked = asked;
	v->of_point = v->room;
	scope.statements = asked->metric->statements;
	if (ret)
		return ret;
	ret = kind < TIMESERIES_GAUGE
		      ? metrics_timeline(q->site->metrics, &scope, &v->t)
		      : metrics_gauges(q->site->metrics, &scope, asked->metric->gauge, &v->t);
	if ((!ret || ret == -ENOENT) && kind <= TIMESERIES_GAUGE && q->site->store) {
		int more = kind < TIMESERIES_GAUGE ? store_timeline(q->site->store, &scope, &v->t)
						   : store_gauges(q->site->store, &scope,
								  asked->metric->gauge, &v->t);

		if (v->t.is_found || more)
			ret = more;
	}
	if (!ret && kind == TIMESERIES_CACHE)
		timeseries_cache(q, &v->t);
	if (!ret && !v->t.values)
		timeline_sum(&v->t, &v->sums, v->buckets);
	return ret;
}

static int timeseries_put_compared(const struct question *q, const struct timeseries *asked,
				   double value, struct json *j)
{
	const struct timeline_span span = timeseries_earlier(asked);
	struct timeseries_view *v = calloc(1, sizeof(*v));
	double before;
	int ret = v ? timeseries_look(q, asked, &span, v) : -ENOMEM;

	if (ret == 0) {
		json_object_begin(j, "compared");
		json_string(j, "offset", q->ask.compare);
		before = timeseries_put_view(v, j);
		if (before > 0 && value >= 0)
			json_double(j, "changePercent", 100 * (value - before) / before);
		else
			json_null(j, "changePercent");
		json_object_end(j);
	}
	if (v)
		timeline_fini(&v->t);
	free(v);
	return ret;
}

static void timeseries_put_head(const struct question *q, const struct timeseries *asked,
				const struct timeseries_view *v, struct json *j)
{
	json_string(j, "metric", asked->metric->name);
	json_string(j, "unit", asked->metric->unit);
	json_string(j, "window", q->ask.window);
	json_string(j, "step", asked->step->name);
	json_uint(j, "stepSeconds", asked->step->seconds);
	json_uint(j, "slotSeconds", v->t.slot_s);
	json_int(j, "schema", asked->is_heatmap ? TIMESERIES_SCHEMA : (int)v->t.schema);
	json_bool(j, "awaited", asked->metric->kind == TIMESERIES_AWAITED);
	json_null(j, "nextCursor");
}

int document_timeseries(const struct question *q, struct json *j)
{
	struct timeseries asked;
	struct timeseries_view *v;
	double value;
	int ret = timeseries_ask(q, &asked);

	if (ret)
		return ret;
	v = calloc(1, sizeof(*v));
	ret = v ? timeseries_look(q, &asked, &asked.span, v) : -ENOMEM;
	if (ret == 0) {
		json_object_begin(j, NULL);
		timeseries_put_head(q, &asked, v, j);
		value = timeseries_put_view(v, j);
		if (asked.offset_s)
			ret = timeseries_put_compared(q, &asked, value, j);
		json_object_end(j);
	}
	if (v)
		timeline_fini(&v->t);
	free(v);
	return ret ? document_refuse(q, ret) : 0;
}
