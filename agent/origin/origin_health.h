/*
 * origin_health - what health is told of the origins, as its part "origins".
 *
 * Threads:  as origin; health looks after its own.
 * Memory:   a value; health is borrowed.
 * Errors:   none.
 */
#ifndef ORIGIN_HEALTH_H
#define ORIGIN_HEALTH_H

#include "health.h"
#include "origin.h"

struct origin_health {
	struct health *health; /* NULL: nobody is told */
	uint64_t ended;        /* fetches, when it was told last … */
	bool is_told;          /* … if it was */
};

/* Cheap where no fetch ended since the last time. */
void origin_health_tell(struct origin_health *h, const struct origin *o, int64_t wall_ms);

/* Does it answer, and may it be asked? */
bool origin_is_well(const struct origin_state *s);

#endif
