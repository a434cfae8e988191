/*
 * redis_lag - how long answers took: sum, and what 99 of 100 are below, of all since the start.
 *
 * Threads:  one.
 * Memory:   a value.
 * Errors:   none.
 */
#ifndef REDIS_LAG_H
#define REDIS_LAG_H

#include <stdint.h>

#define REDIS_LAG_BUCKETS 256u

struct redis_lag {
	uint64_t buckets[REDIS_LAG_BUCKETS]; /* four for each power of two nanoseconds */
	uint64_t count, sum_ns;
};

void redis_lag_add(struct redis_lag *g, uint64_t took_ns);
/* At most a quarter more than it is; 0: there was none. */
uint64_t redis_lag_p99_ns(const struct redis_lag *g);

#endif
