/*
 * pace - when a process is looked at next: soon enough that a lane holds one period of its peak.
 *
 * Threads:  the drain thread; pure.
 * Memory:   the caller's.
 * Errors:   none.
 * 2 ms at least (a 2 ms tick on an idle target costs 1 % of a core); 10 ms at most while something
 * comes; then the period doubles up to 250 ms, but the peak is forgotten by and by only.
 */
#ifndef DRAIN_PACE_H
#define DRAIN_PACE_H

#include <stdint.h>

#define PACE_LEAST_NS UINT64_C(2000000)
#define PACE_LOAD_NS UINT64_C(10000000)
#define PACE_MOST_NS UINT64_C(250000000)
#define PACE_FULL 1024u /* a lane that was found full */

struct pace {
	uint64_t last_ns;   /* the last look */
	uint64_t period_ns; /* from there to the next one */
	uint64_t hold_ns;   /* how long the fullest lane holds what came at its peak */
};

void pace_init(struct pace *p, uint64_t now_ns); /* the first look is due at once */

/* After a look at now_ns. fill: of the fullest lane, 0 … PACE_FULL. */
void pace_step(struct pace *p, uint64_t now_ns, uint32_t fill);

static inline uint64_t pace_due_ns(const struct pace *p)
{
	return p->last_ns + p->period_ns;
}

#endif
