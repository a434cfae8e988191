/*
 * cells - what a gauge was in each slot of a timeline, before it is told by its points.
 *
 * Threads:  a value; its owner's.
 * Memory:   cells_open allocates, cells_fini frees.
 * Errors:   -ENOMEM.
 *
 * Of one slot all series are in one block, and add up. A later block of the same slot (of a boot
 * that followed, or of an agent that began anew) takes the place of an earlier one.
 */
#ifndef STORE_CELLS_H
#define STORE_CELLS_H

#include "timeline.h"

struct cell {
	double value;
	uint32_t block; /* that it is of */
};

struct cells {
	enum metrics_gauge gauge;
	uint32_t slot_s, count;
	struct cell *at;
};

int cells_open(struct cells *c, const struct timeline *t, enum metrics_gauge gauge);
void cells_fini(struct cells *c);

/* Outside of the points: nothing. False: no more work is to be done. */
bool cells_add(struct cells *c, struct timeline *t, uint32_t block, int64_t second, double value);

/* To those points of which memory knows nothing. */
void cells_fold(const struct cells *c, struct timeline *t);

#endif
