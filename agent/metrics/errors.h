/*
 * errors - how many requests failed where records alone do not tell.
 *
 * Threads:  the drain thread.
 * Memory:   a value.
 * Errors:   none.
 * Counters tell an upper bound: a 5xx that was cut short counts twice.
 */
#ifndef METRICS_ERRORS_H
#define METRICS_ERRORS_H

#include "event.h"

/* Of one process: what records and folds told since its last counters, and too much of it. */
struct errors {
	int64_t told, owed;
};

uint64_t errors_counted(const struct drain_counters *delta);
uint64_t errors_folded(const struct drain_fold *fold);

/*
 * Errors among the requests that left no record, as where one in so many is recorded: what the
 * counters have beyond what was told. A record may be a round later than its count: that is owed.
 */
uint64_t errors_untold(struct errors *e, const struct drain_counters *delta);

#endif
