/*
 * governor - how much detail of one process its budget allows: a state machine, judged each 10 s.
 *
 * Threads:  one.
 * Memory:   a value.
 * Errors:   none. Time is an argument.
 * Down one step when our own cost is past the budget while the target uses more than half a core;
 * up one when it was below half the budget, or the target below half a core, for a whole wait:
 * a minute at first, doubled (up to an hour) each time that a step up turns out to be too much.
 */
#ifndef AGENT_GOVERNOR_H
#define AGENT_GOVERNOR_H

#include "event.h"

#define GOVERNOR_WINDOW_NS UINT64_C(10000000000)
#define GOVERNOR_WAIT_NS UINT64_C(60000000000)
#define GOVERNOR_LONGEST_NS UINT64_C(3600000000000)
#define GOVERNOR_CORE 0.5 /* below this use there is nothing to be saved */
#define GOVERNOR_STEPS 5u /* all, no strings, one in 8, 64, 512 */

/* Totals of one process. */
struct governor_load {
	uint64_t own_ns; /* our hooks' time in it */
	uint64_t cpu_ns; /* its CPU time, ours included */
};

struct governor {
	uint64_t from_ns; /* of the running window; 0: none yet */
	struct governor_load from;
	uint64_t moved_ns, calm_ns; /* the last step; calm since */
	uint64_t wait_ns;
	uint32_t step; /* 0 … GOVERNOR_STEPS - 1 */
	bool was_up;   /* the last step was one up */
	double share;  /* percent, of the window judged last; negative: none was */
};

enum governor_turn { GOVERNOR_STAYS, GOVERNOR_DOWN, GOVERNOR_UP };

void governor_init(struct governor *g);

/* budget: percent of the target's CPU time; 0: whatever it costs. */
enum governor_turn governor_step(struct governor *g, double budget,
				 const struct governor_load *load, uint64_t now_ns);

void governor_detail(const struct governor *g, struct drain_detail *out);

#endif
