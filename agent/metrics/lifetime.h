/*
 * lifetime - what was ever booked to one service or route: sums and a coarse histogram.
 *
 * Threads:  none of its own; the shared part of metrics, under its lock.
 * Memory:   a value; all zero is empty.
 * Bounds:   a bucket that holds a bound is counted above it, so that a step never claims too much:
 *           it is short of at most the requests within 2.2 % below its bound.
 */
#ifndef METRICS_LIFETIME_H
#define METRICS_LIFETIME_H

#include "slot.h"

struct lifetime {
	struct metrics_sums sums;
	uint64_t steps[METRICS_BOUNDS + 1]; /* requests up to each bound and above the one before */
};

void lifetime_add(struct lifetime *lifetime, const struct slot *slot);
void lifetime_unite(struct lifetime *to, const struct lifetime *from);

#endif
