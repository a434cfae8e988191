/*
 * refill - slots that were exported, booked again: what recorded history is replayed through.
 *
 * Threads:  the one that drives the sink of these metrics; under the lock of metrics.
 * Memory:   key and slot are copied.
 * Errors:   -ENOMEM; -ENOTSUP: a key of processes or of gauges.
 */
#ifndef METRICS_REFILL_H
#define METRICS_REFILL_H

#include "export.h"

/* All of the slot happened in its second, which is not before what is told already. */
int metrics_refill(struct metrics *m, const struct export_key *key, const struct slot *slot);

#endif
