/*
 * deposit - our aggregates, slot by slot, to a Redis: each service's as a parcel under a key of its
 *           own, which says the same however often it is put.
 *
 * Threads:  the worker's main thread, which waits for nothing; counts are read by any.
 * Memory:   deposit_open allocates; deposit_close frees when nothing is under way any more: behind
 *           redis_close. metrics and redis are borrowed until then.
 * Errors:   -ENOMEM. What could not be put is put again as long as memory has the slot; what the
 *           server refused, or the budget, is counted and left.
 */
#ifndef AGENT_DEPOSIT_H
#define AGENT_DEPOSIT_H

#include "metrics.h"
#include "parcel.h"
#include "redis_client.h"

#include <stdatomic.h>

#define DEPOSIT_COARSE_MS UINT64_C(7200000) /* what is finer than five minutes is there so long */

struct deposit;

struct deposit_config {
	struct metrics *metrics;
	struct redis *redis;
	const char *host, *boot;
	uint64_t budget; /* bytes a second, over ten seconds; a single parcel may be more */
	uint64_t ttl_ms; /* from an hour on */
};

/* All since the start. */
struct deposit_counts {
	_Atomic uint64_t parcels, bytes; /* put, and told so */
	_Atomic uint64_t again;          /* of which nothing is known: they are put again */
	_Atomic uint64_t refused;        /* by the server, and left */
	_Atomic uint64_t over_budget;    /* left */
	_Atomic uint64_t left_out;       /* series that found no room in their parcel */
	_Atomic uint64_t missed;         /* slots that memory had no more when the Redis was back */
	_Atomic uint64_t behind_s;       /* now: of ten seconds, what is yet to be put (again) */
};

/* What is there of a step, by the numbers of parcel_key.h. */
struct deposit_span {
	int64_t from, until;             /* [from, until) was put, or there was nothing … */
	int64_t lacks_from, lacks_until; /* … but for these: they are yet to be put */
	int64_t base_ms;                 /* of the wall clock: what numbers are reckoned with */
	uint32_t services;               /* of the newest slot */
};

int deposit_open(struct deposit **out, const struct deposit_config *config);
void deposit_close(struct deposit *d); /* NULL is allowed */

/* Each second. */
void deposit_second(struct deposit *d, uint64_t now_ns);
void deposit_span_get(const struct deposit *d, enum series_step step, struct deposit_span *out);
const struct deposit_counts *deposit_counts(const struct deposit *d);

#endif
