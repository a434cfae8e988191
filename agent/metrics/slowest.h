/*
 * slowest - the requests worth a look: all slow ones, failed ones, and the slowest of the rest.
 *
 * Threads:  none of its own; the shared part of metrics, under its lock.
 * Memory:   fixed: two rings and two tops, overwritten in place.
 * Errors:   none.
 */
#ifndef METRICS_SLOWEST_H
#define METRICS_SLOWEST_H

#include "metrics.h"

#define SLOWEST_RING 512u
#define SLOWEST_FAILED 256u
#define SLOWEST_PERIOD_S 300u /* "recent": this period and the one before it */
#define SLOWEST_ROWS (SLOWEST_RING + SLOWEST_FAILED + 2 * METRICS_SLOWEST)

struct slowest_entry {
	uint64_t end_ns;
	bool slow, failed;
	struct metrics_slow row;
};

struct slowest {
	uint64_t slow_count, failed_count; /* ever put: the next place, modulo the ring */
	uint32_t top_count[2];
	uint32_t period; /* of top[period % 2] */
	struct slowest_entry slow[SLOWEST_RING];
	struct slowest_entry failed[SLOWEST_FAILED];
	struct slowest_entry top[2][METRICS_SLOWEST];
};

void slowest_put(struct slowest *slowest, const struct slowest_entry *entry);

/* A route of this service has another name from now on. */
void slowest_rename(struct slowest *slowest, const char *service, const char *from, const char *to);

/* A request that is neither slow nor failed and took no longer is not worth to be put. */
uint64_t slowest_floor_ns(const struct slowest *slowest, uint64_t now_ns);

/* Pointers to what is there, longest first; out has SLOWEST_ROWS places. */
uint32_t slowest_list(const struct slowest *slowest, uint64_t now_ns,
		      const struct slowest_entry **out);

#endif
