/*
 * late - requests that were drained ahead of their header block, from the lane of another thread.
 *
 * Threads:  the drain thread.
 * Memory:   the caller's, LATE_MOST requests.
 * Errors:   false: there is no room.
 *
 * The block was published before its request ended: once the other lanes were visited again, it is
 * known, or never will be.
 */
#ifndef DRAIN_LATE_H
#define DRAIN_LATE_H

#include "decode.h"

#define LATE_MOST 256u

struct late_request {
	struct drain_request request;
	struct decode_raw raw; /* without a path: that is what is waited for */
};

struct late {
	uint32_t count;
	struct late_request requests[LATE_MOST];
};

bool late_put(struct late *l, const struct drain_request *request, const struct decode_raw *raw);

/* The next one, in the order they came; false: there is none, and l is empty again. */
bool late_take(struct late *l, uint32_t *at, struct drain_request *request, struct decode_raw *raw);

#endif
