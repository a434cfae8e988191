/*
 * rates - counts that only grow, as they were each few seconds of the last hour: what happened in a
 *         window of it.
 *
 * Threads:  rates_note by one, rates_window by any; one short lock.
 * Memory:   a value of some 24 KiB.
 * Errors:   none; a window longer than what is known is told as far as it is.
 */
#ifndef CACHE_RATES_H
#define CACHE_RATES_H

#include <pthread.h>
#include <stdint.h>

#define RATES_STEP_NS UINT64_C(5000000000)
#define RATES_STEPS 720u

struct rates_counts {
	uint64_t hits, misses, evictions;
};

struct rates {
	pthread_mutex_t lock;
	struct {
		uint64_t at_ns;
		struct rates_counts counts;
	} marks[RATES_STEPS]; /* the newest of all at newest % RATES_STEPS */
	uint64_t count;       /* of marks, ever */
	struct rates_counts now;
};

void rates_init(struct rates *r);
void rates_fini(struct rates *r);
void rates_note(struct rates *r, uint64_t now_ns, const struct rates_counts *counts);

/* What was counted between two times, to the step; to_ns UINT64_MAX: until the last note. */
void rates_window(struct rates *r, uint64_t from_ns, uint64_t to_ns, struct rates_counts *out);

#endif
