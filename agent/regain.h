/*
 * regain - what the history has no more is fetched back from a Redis, once, after a start.
 *
 * Threads:  the worker's main thread, which waits for nothing; counts are read by any.
 * Memory:   regain_open allocates; regain_close frees when nothing is under way any more: behind
 *           redis_close. All in regain_config is borrowed until then.
 * Errors:   -ENOMEM. What is no parcel of this host, service and slot is refused and counted; where
 *           the Redis goes away, a part is fetched again, some times.
 *
 * Part by part, 64 slots of all services each, the oldest first: those that the history lacks are
 * asked for, and given to it together. What a restart leaves of five minutes that were not over is
 * in steps of ten seconds alone.
 */
#ifndef AGENT_REGAIN_H
#define AGENT_REGAIN_H

#include "redis_client.h"
#include "store.h"

#include <stdatomic.h>

#define REGAIN_TEXT 96

struct regain;

struct regain_config {
	struct redis *redis;
	struct store *store;
	const char *host, *boot; /* boot: as the store has it */
	uint64_t ttl_ms;         /* how long parcels of five minutes are there */
};

struct regain_counts {
	_Atomic uint64_t fetched; /* parcels that were sound, and given to the history */
	_Atomic uint64_t refused; /* what stood in the place of one, or found no room */
	_Atomic uint64_t again;   /* parts that were fetched again */
};

int regain_open(struct regain **out, const struct regain_config *config);
void regain_close(struct regain *r); /* NULL is allowed */

/* Each second. */
void regain_second(struct regain *r, int64_t wall_ms);
const struct regain_counts *regain_counts(const struct regain *r);

/* For people: where it is, or why it is no further. Main thread. */
void regain_show(const struct regain *r, char out[REGAIN_TEXT]);

#endif
