/*
 * lag - how long answers took: sum, and what 99 of 100 are below, of all since the start.
 *
 * Threads:  one.
 * Memory:   a value.
 * Errors:   none.
 */
#ifndef BASE_LAG_H
#define BASE_LAG_H

#include <stdint.h>

#define LAG_BUCKETS 256u

struct lag {
	uint64_t buckets[LAG_BUCKETS]; /* four for each power of two nanoseconds */
	uint64_t count, sum_ns;
};

void lag_add(struct lag *g, uint64_t took_ns);
/* At most a quarter more than it is; 0: there was none. */
uint64_t lag_p99_ns(const struct lag *g);

#endif
