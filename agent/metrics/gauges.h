/*
 * gauges - what processes show of themselves in a span of time: each, together, and span by span.
 *
 * Threads:  pure functions.
 * Memory:   the caller's.
 * Errors:   METRICS_UNKNOWN where nothing was sampled, or it is not to be had.
 */
#ifndef METRICS_GAUGES_H
#define METRICS_GAUGES_H

#include "metrics.h"

struct means;

/* In the units of metrics_process. Their numbers are in files: new ones come last. */
enum metrics_gauge {
	METRICS_GAUGE_IN_FLIGHT,
	METRICS_GAUGE_CPU_PERCENT, /* of what the processes may use; the one that is worst off */
	METRICS_GAUGE_RSS,
	METRICS_GAUGE_HEAP,
	METRICS_GAUGE_MEMORY_PERCENT, /* the one that is worst off */
	METRICS_GAUGE_ALLOCATED,      /* per second, as the next two */
	METRICS_GAUGE_READ,
	METRICS_GAUGE_WRITTEN,
	METRICS_GAUGES,
};

void gauges_init(double values[METRICS_GAUGES]);

/* Of one process in the seconds [from_s, to_s). False: no sample lies in them. */
bool gauges_of(const struct means *means, int64_t from_s, int64_t to_s, double out[METRICS_GAUGES]);

/* Those of several processes add up, but for shares, of which the worst counts. */
void gauges_add(enum metrics_gauge gauge, double value, double *sum);

/* One of several spans in a row: levels are as they were last, of all others the mean counts. */
struct gauges_row {
	double value;
	uint32_t spans; /* that value is the mean of */
};
void gauges_row_add(enum metrics_gauge gauge, double value, struct gauges_row *row);

#endif
