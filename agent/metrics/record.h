/*
 * record - what the record of a request adds: to its leaf, and to the slow list.
 *
 * Threads:  the drain thread.
 * Memory:   of metrics.
 * Errors:   none; what finds no room is counted in lost_requests and lost_listed.
 * Cost:     about 8 ns.
 */
#ifndef METRICS_RECORD_H
#define METRICS_RECORD_H

#include "registry.h"

/* ctx: struct metrics. As drain_sink.request. */
void record_on_request(void *ctx, const struct capture_target *target,
		       const struct drain_request *request);

#endif
