#include "culprit.h"

#include "metrics.h"
#include "source.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *kind, *verb, *of; /* of: what the share is of; NULL: it has none */
} culprit_table[NOTICE_CAUSES] = {
	[NOTICE_CAUSE_TIME] = { "route", "takes", " of the time" },
	[NOTICE_CAUSE_SLOWEST] = { "route", "was the slowest", NULL },
	[NOTICE_CAUSE_ERRORS] = { "route", "has", " of the errors" },
	[NOTICE_CAUSE_OPEN] = { "route", "has", " of those in progress" },
	[NOTICE_CAUSE_OLDEST] = { "request", "is the oldest in progress", NULL },
	[NOTICE_CAUSE_SHARE] = { "process", "has", " of it" },
	[NOTICE_CAUSE_WORST] = { "process", "is at", "" },
};

const char *culprit_kind(const struct notice_cause *cause)
{
	return culprit_table[cause->kind].kind;
}

void culprit_text(const struct notice_cause *cause, char *out, size_t size)
{
	const char *verb = culprit_table[cause->kind].verb, *of = culprit_table[cause->kind].of;

	out[0] = '\0';
	if (of)
		snprintf(out, size, "%s %s %.3g %%%s", cause->name, verb, cause->share, of);
	else if (verb)
		snprintf(out, size, "%s %s", cause->name, verb);
}

static enum notice_cause_kind culprit_of_routes(const struct spec *spec)
{
	switch (spec->metric) {
	case METRIC_REQUESTS_DURATION:
		return spec->function == METRIC_MAX ? NOTICE_CAUSE_SLOWEST : NOTICE_CAUSE_TIME;
	case METRIC_REQUESTS_ERRORS:
	case METRIC_SLO_BURN:
		return NOTICE_CAUSE_ERRORS;
	case METRIC_REQUESTS_INFLIGHT:
		return NOTICE_CAUSE_OPEN;
	default:
		return NOTICE_CAUSE_UNKNOWN;
	}
}

static double culprit_route_value(const struct metrics_row *row, enum notice_cause_kind kind)
{
	switch (kind) {
	case NOTICE_CAUSE_TIME:
		return (double)row->sums.span_ns;
	case NOTICE_CAUSE_SLOWEST:
		return row->sums.min_ns <= row->sums.max_ns ? (double)row->sums.max_ns : 0;
	case NOTICE_CAUSE_ERRORS:
		return (double)row->sums.errors;
	default:
		return (double)row->in_flight;
	}
}

static bool culprit_is_of(const char *service, const char *environment,
			  const struct notice_labels *labels)
{
	return !strcmp(service, labels->service) && !strcmp(environment, labels->environment);
}

static void culprit_route(struct source *s, const struct spec *spec,
			  const struct notice_labels *labels, struct notice_cause *out)
{
	enum notice_cause_kind kind = culprit_of_routes(spec);
	const struct metrics_row *most = NULL;
	const struct source_rows *rows;
	double best = 0, sum = 0;

	if (source_rows_get(s, spec->window_ns, true, &rows))
		return;
	for (int i = 0; i < rows->count; i++) {
		double value = culprit_route_value(&rows->rows[i], kind);

		if (!culprit_is_of(rows->rows[i].service, rows->rows[i].environment, labels))
			continue;
		sum += value;
		if (value <= best)
			continue;
		best = value;
		most = &rows->rows[i];
	}
	if (!most)
		return;
	out->kind = kind;
	out->share = kind == NOTICE_CAUSE_SLOWEST ? (double)NAN : 100 * best / sum;
	snprintf(out->name, sizeof(out->name), "%s %s", source_method(most->method), most->route);
}

static void culprit_request(const struct source *s, const struct notice_labels *labels,
			    struct notice_cause *out)
{
	const struct metrics_scope scope = { .service = labels->service };
	struct metrics_in_flight *open = NULL;
	int count = metrics_open_requests(s->metrics, &scope, &open), i = 0;

	while (i < count && !culprit_is_of(open[i].service, open[i].environment, labels))
		i++;
	if (i < count) { /* the oldest is the first */
		out->kind = NOTICE_CAUSE_OLDEST;
		out->pid = open[i].pid;
		snprintf(out->name, sizeof(out->name), "%s %s", source_method(open[i].method),
			 *open[i].path ? open[i].path : "unknown");
	}
	free(open);
}

/* A share of all, or of its own limit. */
static double culprit_process_value(const struct metrics_process *p, enum metric metric,
				    enum notice_cause_kind *kind)
{
	*kind = NOTICE_CAUSE_SHARE;
	switch (metric) {
	case METRIC_MEMORY_RSS:
		return p->rss;
	case METRIC_MEMORY_HEAP:
		return p->heap_live;
	case METRIC_ALLOC_RATE:
		return p->allocated_per_s;
	case METRIC_IO_READ:
		return p->read_per_s;
	case METRIC_IO_WRITE:
		return p->write_per_s;
	default:
		break;
	}
	*kind = NOTICE_CAUSE_WORST;
	switch (metric) {
	case METRIC_CPU_PERCENT:
		return p->cpu_percent;
	case METRIC_MEMORY_PERCENT:
		return p->memory_percent;
	case METRIC_IO_WAIT:
		return p->io_wait_percent;
	case METRIC_GC_PAUSE:
		return p->collected.ms >= 0 && p->window_ms > 0
			       ? 100 * p->collected.ms / p->window_ms
			       : METRICS_UNKNOWN;
	default:
		*kind = NOTICE_CAUSE_UNKNOWN;
		return METRICS_UNKNOWN;
	}
}

static void culprit_process(const struct source *s, const struct spec *spec,
			    const struct notice_labels *labels, struct notice_cause *out)
{
	const struct metrics_scope scope = source_scope(s, spec->window_ns);
	const struct metrics_process *most = NULL;
	struct metrics_process *rows = NULL;
	int count = metrics_process_list(s->metrics, &scope, &rows);
	enum notice_cause_kind kind = NOTICE_CAUSE_UNKNOWN;
	double best = 0, sum = 0;

	for (int i = 0; i < count; i++) {
		const struct metrics_process *p = &rows[i];
		double value = culprit_process_value(p, spec->metric, &kind);

		if (!p->alive || value < 0 ||
		    !culprit_is_of(p->target.service, p->target.environment, labels))
			continue;
		sum += value;
		if (value <= best)
			continue;
		best = value;
		most = p;
	}
	if (most) {
		out->kind = kind;
		out->pid = most->target.pid;
		out->share = kind == NOTICE_CAUSE_SHARE ? 100 * best / sum : best;
		snprintf(out->name, sizeof(out->name), "pid %d (%s)", out->pid, most->target.comm);
	}
	free(rows);
}

void culprit_find(void *source, const struct spec *spec, const struct notice_labels *labels,
		  struct notice_cause *out)
{
	struct source *s = source;

	*out = (struct notice_cause){ .kind = NOTICE_CAUSE_UNKNOWN, .share = (double)NAN };
	if (!*labels->service || spec->by_route)
		return; /* of a route nobody knows more, yet */
	if (culprit_of_routes(spec) != NOTICE_CAUSE_UNKNOWN)
		culprit_route(s, spec, labels, out);
	else if (spec->metric == METRIC_REQUESTS_AGE)
		culprit_request(s, labels, out);
	else
		culprit_process(s, spec, labels, out);
}
