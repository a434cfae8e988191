#include "source.h"

#include "metrics.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOURCE_SLACK_S 2u /* seconds at the ends that are not told yet */
#define SOURCE_SETS 4u    /* that one rule may need: its own, and one that explains them */
#define SOURCE_AHEAD 8    /* rows that are fetched before they are looked at */
#define SOURCE_SHORT 12   /* a burn must hold in a twelfth of its window too: it is not over yet */

/* One look of one rule: the row that it is about and those it is compared with. */
struct source_look {
	const struct spec *spec;
	const struct metrics_row *row;
	/* Its end (burn), or from the earlier window's begin and end until now; NULL: none. */
	const struct metrics_row *last, *begin, *end;
	const struct metrics_process *processes;
	int process_count;
	const struct metrics_in_flight *open;
	int open_count;
};

void source_begin(struct source *s, int64_t now_ns)
{
	s->now_ns = now_ns;
	s->kept_count = 0;
}

void source_end(struct source *s)
{
	for (size_t i = 0; i < s->kept_count; i++)
		free(s->kept[i].rows);
	s->kept_count = 0;
}

struct metrics_scope source_scope(const struct source *s, int64_t span_ns)
{
	int64_t from_ns = s->now_ns - span_ns;

	return (struct metrics_scope){ .from_ns = from_ns > 0 ? (uint64_t)from_ns : 0 };
}

/* Rows of a window: those that were asked for in this round already, or new ones. */
static int source_rows(struct source *s, int64_t span_ns, bool by_route,
		       const struct source_rows **out)
{
	struct metrics_scope scope = source_scope(s, span_ns);
	struct source_rows *r;

	for (size_t i = 0; i < s->kept_count; i++) {
		r = &s->kept[i];
		*out = r;
		if (r->from_ns == scope.from_ns && r->by_route == by_route)
			return 0;
	}
	if (s->kept_count == SOURCE_KEPT)
		return -ENOMEM;
	r = &s->kept[s->kept_count++];
	*r = (struct source_rows){ .from_ns = scope.from_ns, .by_route = by_route };
	r->count = by_route ? metrics_routes(s->metrics, &scope, &r->rows)
			    : metrics_services(s->metrics, &scope, &r->rows);
	if (r->count >= 0) {
		*out = r;
		return 0;
	}
	s->kept_count--;
	return r->count;
}

static bool source_is_same(const struct metrics_row *a, const struct metrics_row *b)
{
	return a->method == b->method && !strcmp(a->service, b->service) &&
	       !strcmp(a->environment, b->environment) && !strcmp(a->route, b->route);
}

/* The same series in other rows, which most often stand in the same order. */
static const struct metrics_row *source_same(const struct source_rows *rows,
					     const struct metrics_row *row, int guess)
{
	if (guess < rows->count && source_is_same(&rows->rows[guess], row))
		return &rows->rows[guess];
	for (int i = 0; i < rows->count; i++)
		if (source_is_same(&rows->rows[i], row))
			return &rows->rows[i];
	return NULL;
}

int source_rows_get(struct source *s, int64_t span_ns, bool by_route,
		    const struct source_rows **out)
{
	return source_rows(s, span_ns, by_route, out);
}

static double source_known(double value)
{
	return value < 0 ? (double)NAN : value;
}

static double source_seconds(const struct metrics_row *row)
{
	return row->span_s ? (double)row->span_s : (double)NAN;
}

static double source_duration(const struct metrics_row *row, enum metric_function function)
{
	const struct metrics_sums *sums = &row->sums;

	if (function <= METRIC_P999)
		return source_known(row->percentile_ns[function]) / 1e6;
	if (!sums->count)
		return (double)NAN;
	if (function == METRIC_MAX)
		return sums->min_ns <= sums->max_ns ? (double)sums->max_ns / 1e6 : (double)NAN;
	return (double)sums->span_ns / 1e6 / (double)sums->count;
}

static double source_count(double count, const struct metrics_row *row,
			   enum metric_function function)
{
	switch (function) {
	case METRIC_RATIO:
		return row->sums.count ? 100 * count / (double)row->sums.count : (double)NAN;
	case METRIC_RATE:
		return count / source_seconds(row);
	case METRIC_ABSENT:
		return count > 0 ? 0 : 1;
	default:
		return count;
	}
}

/* Of the error budget, how many times too fast: the slower of the window and its last part. */
static double source_burn(const struct source_look *l)
{
	double allowed = (100 - l->spec->objective) / 100, burn[2];
	const struct metrics_row *rows[2] = { l->row, l->last };

	for (int i = 0; i < 2; i++) {
		if (!rows[i] || !rows[i]->sums.count)
			return i ? 0 : (double)NAN; /* nothing fails where nobody asks */
		burn[i] = (double)rows[i]->sums.errors / (double)rows[i]->sums.count / allowed;
	}
	return burn[0] < burn[1] ? burn[0] : burn[1];
}

static double source_completeness(const struct metrics_row *row)
{
	double detailed = (double)(row->sums.recorded + row->sums.folded);
	double all = (double)row->sums.count + (double)row->sums.unparsed;

	return all > 0 && detailed < all ? 100 * detailed / all : 100;
}

/* What only processes tell: of the worst one a share, of all a sum. */
static double source_of_process(const struct metrics_process *p, enum metric metric)
{
	switch (metric) {
	case METRIC_MEMORY_HEAP:
		return p->heap_live;
	case METRIC_ALLOC_RATE:
		return p->allocated_per_s;
	case METRIC_IO_READ:
		return p->read_per_s;
	case METRIC_IO_WRITE:
		return p->write_per_s;
	case METRIC_IO_WAIT:
		return p->io_wait_percent;
	default:
		return p->collected.ms >= 0 && p->window_ms > 0
			       ? 100 * p->collected.ms / p->window_ms
			       : METRICS_UNKNOWN;
	}
}

static double source_processes(const struct source_look *l)
{
	bool worst = l->spec->metric == METRIC_IO_WAIT || l->spec->metric == METRIC_GC_PAUSE;
	double value = (double)NAN;

	for (int i = 0; i < l->process_count; i++) {
		const struct metrics_process *p = &l->processes[i];
		double one = source_of_process(p, l->spec->metric);

		if (!p->alive || one < 0 || strcmp(p->target.service, l->row->service) != 0 ||
		    strcmp(p->target.environment, l->row->environment) != 0)
			continue;
		if (isnan(value) || (worst && one > value))
			value = one;
		else if (!worst)
			value += one;
	}
	return value;
}

static double source_oldest(const struct source_look *l)
{
	uint64_t age_ns = 0;

	for (int i = 0; i < l->open_count; i++) {
		const struct metrics_in_flight *open = &l->open[i];

		if (open->age_ns > age_ns && !strcmp(open->service, l->row->service) &&
		    !strcmp(open->environment, l->row->environment))
			age_ns = open->age_ns;
	}
	return (double)age_ns / 1e6;
}

static double source_of_row(const struct source_look *l, const struct metrics_row *row)
{
	enum metric_function function = l->spec->function;

	switch (l->spec->metric) {
	case METRIC_REQUESTS_RATE:
		return source_count((double)row->sums.count, row, function);
	case METRIC_REQUESTS_ERRORS:
		return source_count((double)row->sums.errors, row, function);
	case METRIC_REQUESTS_DURATION:
		return source_duration(row, function);
	case METRIC_REQUESTS_INFLIGHT:
		return (double)row->in_flight;
	case METRIC_REQUESTS_AGE:
		return source_oldest(l);
	case METRIC_CPU_PERCENT:
		return source_known(row->cpu_percent);
	case METRIC_MEMORY_PERCENT:
		return source_known(row->memory_percent);
	case METRIC_MEMORY_RSS:
		return source_known(row->rss);
	case METRIC_SERVICE_PROCESSES:
		return row->processes;
	case METRIC_SERVICE_RESTARTS:
		return source_known(row->incidents.window[METRICS_RESTARTS]);
	case METRIC_SERVICE_KILLS:
		return source_known(row->incidents.window[METRICS_KILLS]);
	case METRIC_SLO_BURN:
		return source_burn(l);
	case METRIC_CAPTURE_COMPLETENESS:
		return source_completeness(row);
	default:
		return source_processes(l);
	}
}

/*
 * In percent of what it was then; both windows must have been watched from begin to end. Seconds
 * that old are kept by tens and for long windows alone, so that the earlier one is the difference
 * of two that reach until now.
 */
static double source_against(const struct source_look *l)
{
	uint64_t whole_s = (uint64_t)(l->spec->window_ns / 1000000000);
	struct metrics_row then;
	double now, before;

	if (!l->begin || !l->end)
		return (double)NAN;
	then = *l->begin;
	then.span_s -= l->end->span_s;
	then.sums.count -= l->end->sums.count;
	then.sums.errors -= l->end->sums.errors;
	then.sums.span_ns -= l->end->sums.span_ns;
	if (then.span_s + SOURCE_SLACK_S < whole_s || (double)then.sums.count < l->spec->min_count)
		return (double)NAN;
	now = source_of_row(l, l->row);
	before = source_of_row(l, &then);
	return before > 0 ? 100 * (now - before) / before : (double)NAN;
}

static double source_value(const struct source_look *l)
{
	if (l->spec->against_ns)
		return source_against(l);
	if (l->spec->min_count > 0 && (double)l->row->sums.count < l->spec->min_count)
		return (double)NAN;
	return source_of_row(l, l->row);
}

const char *source_method(uint8_t method)
{
	static const char *const names[RS_METHODS] = {
		[RS_METHOD_GET] = "GET",         [RS_METHOD_HEAD] = "HEAD",
		[RS_METHOD_POST] = "POST",       [RS_METHOD_PUT] = "PUT",
		[RS_METHOD_DELETE] = "DELETE",   [RS_METHOD_PATCH] = "PATCH",
		[RS_METHOD_OPTIONS] = "OPTIONS", [RS_METHOD_CONNECT] = "CONNECT",
		[RS_METHOD_TRACE] = "TRACE",
	};

	return method < RS_METHODS && names[method] ? names[method] : "_OTHER";
}

/* Of a row that source_read gave; NULL: the agent itself. Whole fields are copied. */
void source_label(void *source, const struct spec *spec, const void *of, struct notice_labels *out)
{
	const struct metrics_row *row = of;

	(void)source;
	_Static_assert(sizeof(out->service) == sizeof(row->service) &&
			       sizeof(out->environment) == sizeof(row->environment) &&
			       sizeof(out->route) >= sizeof(row->route),
		       "a row's names fit");
	out->service[0] = out->environment[0] = out->route[0] = out->method[0] = '\0';
	if (!row)
		return;
	memcpy(out->service, row->service, sizeof(row->service));
	memcpy(out->environment, row->environment, sizeof(row->environment));
	if (!spec->by_route)
		return;
	memcpy(out->route, row->route, sizeof(row->route));
	snprintf(out->method, sizeof(out->method), "%s", source_method(row->method));
}

/* All the rows that a rule is made of; those that it does not need are NULL. */
struct source_sets {
	const struct source_rows *now, *last, *begin, *end;
};

static int source_series(const struct source_look *look, const struct source_sets *sets,
			 struct engine_reading **rows)
{
	const struct source_rows *now = sets->now;
	struct source_look l = *look;
	int count = 0;

	*rows = malloc(((size_t)now->count + 1) * sizeof(**rows));
	if (!*rows)
		return -ENOMEM;
	for (int i = 0; i < now->count; i++) {
		const struct metrics_row *row = &now->rows[i];
		const struct metrics_row *ahead =
			row + (i + SOURCE_AHEAD < now->count ? SOURCE_AHEAD : 0);
		const char *route = l.spec->by_route ? row->route : NULL;

		/* The rows are many and long: else each is waited for. */
		__builtin_prefetch(&ahead->sums);
		__builtin_prefetch(&ahead->percentile_ns);
		if (!spec_has(l.spec, row->service, row->environment, route))
			continue;
		l.row = row;
		if (sets->last)
			l.last = source_same(sets->last, row, i);
		if (sets->begin) {
			l.begin = source_same(sets->begin, row, i);
			l.end = source_same(sets->end, row, i);
		}
		(*rows)[count++] = (struct engine_reading){ row, source_value(&l) };
	}
	return count;
}

/* What it takes beside the rows of services. */
static int source_more(const struct source *s, const struct spec *spec, struct source_look *l,
		       void **more)
{
	struct metrics_scope scope = source_scope(s, spec->window_ns);
	struct metrics_process *processes = NULL;
	struct metrics_in_flight *open = NULL;

	*more = NULL;
	if (spec->metric == METRIC_REQUESTS_AGE) {
		l->open_count = metrics_open_requests(s->metrics, &scope, &open);
		*more = open;
		l->open = open;
		return l->open_count < 0 ? l->open_count : 0;
	}
	if (spec->metric < METRIC_MEMORY_HEAP || spec->metric > METRIC_GC_PAUSE)
		return 0;
	l->process_count = metrics_process_list(s->metrics, &scope, &processes);
	*more = processes;
	l->processes = processes;
	return l->process_count < 0 ? l->process_count : 0;
}

static double source_of_cache(const struct source *s, const struct spec *spec)
{
	struct source_cache cache;

	if (!s->agent.cache)
		return (double)NAN;
	s->agent.cache(s->agent.cache_ctx, source_scope(s, spec->window_ns).from_ns, &cache);
	if (spec->metric == METRIC_CACHE_MEMORY)
		return cache.memory_percent;
	if (cache.looks < 1 || cache.looks < spec->min_count)
		return (double)NAN;
	return 100 * (spec->metric == METRIC_CACHE_HITRATE ? cache.hits : cache.evictions) /
	       cache.looks;
}

static int source_of_agent(const struct source *s, const struct spec *spec,
			   struct engine_reading **rows)
{
	*rows = calloc(1, sizeof(**rows));
	if (!*rows)
		return -ENOMEM;
	if (spec->metric == METRIC_AGENT_CPU)
		(*rows)->value = s->agent.cpu_percent;
	else if (spec->metric == METRIC_AGENT_MEMORY)
		(*rows)->value = s->agent.memory;
	else if (spec->metric == METRIC_REDIS_FAILURES)
		(*rows)->value = s->agent.redis_failures;
	else
		(*rows)->value = source_of_cache(s, spec);
	return 1;
}

static int source_of_services(struct source *s, const struct spec *spec,
			      struct engine_reading **rows)
{
	struct source_look l = { .spec = spec };
	struct source_sets sets = { NULL, NULL, NULL, NULL };
	bool by_route = spec->by_route;
	void *more;
	int ret = source_more(s, spec, &l, &more);

	if (s->kept_count + SOURCE_SETS > SOURCE_KEPT) /* many windows: from the start again */
		source_end(s);
	if (!ret && spec->metric == METRIC_SLO_BURN)
		ret = source_rows(s, spec->window_ns / SOURCE_SHORT, by_route, &sets.last);
	if (!ret && spec->against_ns)
		ret = source_rows(s, spec->against_ns + spec->window_ns, by_route, &sets.begin);
	if (!ret && spec->against_ns)
		ret = source_rows(s, spec->against_ns, by_route, &sets.end);
	if (!ret)
		ret = source_rows(s, spec->window_ns, by_route, &sets.now);
	if (!ret)
		ret = source_series(&l, &sets, rows);
	free(more);
	return ret;
}

int source_read(void *source, const struct spec *spec, struct engine_reading **rows)
{
	struct source *s = source;

	*rows = NULL;
	if (metric_info(spec->metric)->waits)
		return -ENODATA;
	if (!metric_info(spec->metric)->service)
		return source_of_agent(s, spec, rows);
	return source_of_services(s, spec, rows);
}
