/*
 * parts - the health of the worker's own parts, from what they count of themselves.
 *
 * Threads:  the worker's main thread.
 * Memory:   a value; nothing is kept but what the last look saw.
 * Errors:   none; a part that finds no place is not shown.
 */
#ifndef AGENT_PARTS_H
#define AGENT_PARTS_H

#include "drain.h"
#include "metrics.h"
#include "profile.h"
#include "store.h"
#include "turn.h"

#include <sys/types.h>

#define PARTS_PROCESSES 5 /* broker, nursery, worker, both runners (0: there is none) */
#define PARTS_CHILDREN 4  /* of the broker, beside these */
#define PARTS_LATE_NS UINT64_C(1000000000) /* later is degraded: a second's work is left out */

struct health;

struct parts {
	struct health *health;
	const struct turn *turn; /* of who calls these */
	pid_t pids[PARTS_PROCESSES];
	uint64_t cpu_ns, looked_ns; /* of all of them, at the last look */
	double cpu_percent, memory; /* … of a core, and bytes; NAN: not yet */
};

void parts_put(struct parts *p, const struct drain_counts *drain,
	       const struct metrics_losses *losses, uint64_t now_ns, int64_t wall_ms);

/* untaken: requests that came too late for the disk. */
void parts_history_put(const struct parts *p, const struct store_state *history, uint64_t untaken,
		       int64_t wall_ms);

/* Whether there is a profile at all is told by the broker, as ebpf.profile. */
void parts_profile_put(const struct parts *p, const struct profile_counts *counts, int64_t wall_ms);

#endif
