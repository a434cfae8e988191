/*
 * bare - the processes that are watched without a segment: nothing is drained of them.
 *
 * Threads:  the drain thread.
 * Memory:   bare_fini frees.
 * Errors:   -ENOMEM: its seen never comes.
 */
#ifndef DRAIN_BARE_H
#define DRAIN_BARE_H

#include "event.h"

struct bare_one;

struct bare {
	struct bare_one *first;
	uint64_t told; /* calls of the sink */
};

int bare_add(struct bare *b, const struct drain_sink *sink, const struct capture_target *target);
void bare_died(struct bare *b, const struct drain_sink *sink, uint64_t key, uint64_t now_ns);
void bare_fini(struct bare *b);

#endif
