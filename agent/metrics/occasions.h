/*
 * occasions - how often something rare happened, by second and by ten seconds.
 *
 * Threads:  none of its own; under the lock of metrics.
 * Memory:   a value of 4 KB; all zero is empty.
 * Errors:   none. What is older than all that is kept is in the total alone.
 */
#ifndef METRICS_OCCASIONS_H
#define METRICS_OCCASIONS_H

#include "series.h"

struct occasions {
	uint64_t total;
	uint32_t newest; /* second up to which the rings go */
	uint16_t fine[SERIES_FINE_SLOTS];
	uint32_t coarse[SERIES_COARSE_SLOTS];
};

void occasions_add(struct occasions *o, uint32_t second);

/* In the seconds [from, to); what began before the fine ones is counted in tens. NULL: none. */
uint64_t occasions_count(const struct occasions *o, uint32_t from, uint32_t to);

#endif
