/*
 * strains - what a process asked of memory, disks and the network between two of its samples.
 *
 * Threads:  none of its own; under the lock of metrics.
 * Memory:   a value.
 * Errors:   METRICS_UNKNOWN where not to be had.
 */
#ifndef METRICS_STRAINS_H
#define METRICS_STRAINS_H

#include "means.h"
#include "metrics.h"

/* All but the shortest trip and the longest delay, which are not between two samples alone. */
void strains_between(const struct means_sample *first, const struct means_sample *last,
		     struct metrics_strain *out);

#endif
