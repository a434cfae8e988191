/*
 * timeseries - what a question for points over time asks for, checked: metric, step, percentiles.
 *
 * Threads:  a value of the web thread.
 * Memory:   borrows from the question.
 * Errors:   -EINVAL with a refusal (400).
 */
#ifndef WEB_TIMESERIES_H
#define WEB_TIMESERIES_H

#include "site.h"
#include "timeline.h"

#define TIMESERIES_RANKS 8u

enum timeseries_kind {
	TIMESERIES_RATE,
	TIMESERIES_ERRORS,
	TIMESERIES_DURATION,
	TIMESERIES_GAUGE,
	TIMESERIES_CACHE,   /* the agent's own, of the last hour */
	TIMESERIES_AWAITED, /* of a part of the agent that is not there yet */
};

struct timeseries_metric {
	const char *name, *unit;
	enum timeseries_kind kind;
	enum metrics_gauge gauge;
	bool statements; /* of databases alone */
};

struct timeseries_step {
	const char *name;
	uint32_t seconds;
};

struct timeseries_rank {
	char name[8];         /* "p50", "p999" */
	uint32_t thousandths; /* 500, 999 */
};

struct timeseries {
	const struct timeseries_metric *metric;
	const struct timeseries_step *step;
	struct timeseries_rank ranks[TIMESERIES_RANKS];
	unsigned int rank_count;
	bool is_heatmap;
	uint32_t offset_s; /* what it is compared with is so much earlier; 0: with nothing */
	struct timeline_span span;
};

int timeseries_ask(const struct question *q, struct timeseries *out);

/* The span offset_s earlier: a multiple of the step, so that points meet. */
struct timeline_span timeseries_earlier(const struct timeseries *t);

#endif
