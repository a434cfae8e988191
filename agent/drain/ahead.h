/*
 * ahead - pieces of header blocks that were drained ahead of those before them.
 *
 * Threads:  the drain thread.
 * Memory:   the caller's, AHEAD_MOST records.
 * Errors:   false, NULL: there is no room; there is none.
 *
 * Two threads may read from a connection one after the other, and the lane of the second be visited
 * first. Once all lanes were visited again what is before a piece was there, or never will be.
 */
#ifndef DRAIN_AHEAD_H
#define DRAIN_AHEAD_H

#include "lane.h"

#define AHEAD_MOST 32u

struct ahead {
	uint32_t count;
	struct lane_record records[AHEAD_MOST];
};

bool ahead_put(struct ahead *a, const struct lane_record *record);

/* The piece of this number; it stays where it is until the next call of this header. */
const struct lane_record *ahead_take(struct ahead *a, uint32_t connection, uint32_t number);

#endif
