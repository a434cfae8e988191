/*
 * timeline - points of equal length, each with what was booked in it: a window cut into steps.
 *
 * Threads:  its owner's; metrics_timeline and metrics_gauges take the lock of metrics for as long
 *           as the work that timeline_open allowed.
 * Memory:   timeline_open allocates, timeline_fini frees.
 * Errors:   0 or -errno. What was not looked at, for it was too much, is said by is_cut.
 *
 * Seconds are of CLOCK_MONOTONIC and signed: those of an earlier boot may lie before its zero.
 */
#ifndef METRICS_TIMELINE_H
#define METRICS_TIMELINE_H

#include "gauges.h"
#include "series.h"

#define TIMELINE_POINTS 1500u
#define TIMELINE_SCHEMA_WIDE 3u
#define TIMELINE_WORK 200000u /* slots: a tenth of a second */

struct timeline {
	int64_t from_s; /* a multiple of step_s */
	uint32_t step_s, count;
	uint32_t slot_s; /* of the slots that it is made of */
	uint32_t schema; /* of the histograms: RS_HIST_SCHEMA, or what disks have of five minutes */
	uint32_t work;   /* that may yet be done */
	bool is_cut;
	bool is_found;             /* something of the scope's name is known */
	int64_t kept_from_s;       /* what is before it is not known */
	int64_t memory_from_s;     /* slots from here on are those of memory */
	int64_t now_s;             /* the newest second told */
	int64_t wall_offset_ms;    /* of the wall clock to seconds * 1000 */
	struct metrics_sums *sums; /* by point */
	struct slot *slots; /* by point, and sums in them; NULL: no histograms were asked for */
	double *values;     /* by point, METRICS_UNKNOWN; NULL: no gauge was asked for */
};

enum timeline_what { TIMELINE_SUMS, TIMELINE_HISTOGRAMS, TIMELINE_VALUES };

struct timeline_span {
	int64_t from_s, to_s; /* seconds [from_s, to_s) */
	uint32_t step_s;
};

/* The points that hold the span. -E2BIG: more than TIMELINE_POINTS. */
int timeline_open(struct timeline *t, const struct timeline_span *span, enum timeline_what what);
void timeline_fini(struct timeline *t);

/* One more piece of work. False, and a cut: no more is to be done. */
bool timeline_work(struct timeline *t);

/* Adds a slot of second; outside of the points: nothing. False: no more work is to be done. */
bool timeline_add(struct timeline *t, int64_t second, const uint8_t *packed, size_t size);
bool timeline_add_slot(struct timeline *t, int64_t second, const struct slot *slot);

/* All points together. buckets NULL: they are not wanted. */
void timeline_sum(const struct timeline *t, struct metrics_sums *sums,
		  uint64_t buckets[RS_HIST_SLOTS]);
const struct metrics_sums *timeline_sums(const struct timeline *t, uint32_t point);

/* The widest slots that make steps of this length: index of series_step_s. */
enum series_step timeline_slots(uint32_t step_s);

/* What memory has of it. -ENOTSUP, -ENOENT as metrics_window_get. */
int metrics_timeline(struct metrics *m, const struct metrics_scope *scope, struct timeline *t);
/* Points that begin before what memory has in full stay unknown. */
int metrics_gauges(struct metrics *m, const struct metrics_scope *scope, enum metrics_gauge gauge,
		   struct timeline *t);

#endif
