/*
 * load - what the processes of a row use now, in one value each.
 *
 * Threads:  none of its own; under the lock of metrics.
 * Memory:   the caller's.
 * Errors:   METRICS_UNKNOWN where nothing is known.
 */
#ifndef METRICS_LOAD_H
#define METRICS_LOAD_H

#include "metrics.h"

void load_init(struct metrics_row *row);

/* Sums where values add up, the worst where they are shares of something. */
void load_add(struct metrics_row *row, const struct metrics_process *means);

#endif
