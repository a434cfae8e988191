/*
 * threads - which threads of a process use the CPU: the busiest between the last two looks.
 *
 * Threads:  none of its own; under the lock of metrics.
 * Memory:   a value.
 * Errors:   none.
 */
#ifndef METRICS_THREADS_H
#define METRICS_THREADS_H

#include "metrics.h"
#include "procfs.h"

struct threads {
	uint64_t looked_ns; /* 0: never */
	int count;
	struct metrics_thread rows[METRICS_THREADS]; /* the busiest first */
};

void threads_take(struct threads *t, const struct procfs_threads *seen, uint64_t now_ns);

#endif
