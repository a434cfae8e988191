/*
 * naming - turns the addresses of one process's stacks into frames of a graph.
 *
 * Threads:  one owner.
 * Memory:   borrowed, all of it, until it returns.
 * Errors:   0 or -errno; what has no name gets its library's, and the reason.
 */
#ifndef PROFILE_NAMING_H
#define PROFILE_NAMING_H

#include "graph.h"
#include "symbols.h"

#include <stdbool.h>

#define NAMING_KERNEL (UINT64_C(1) << 63)

/* A copy of a stack, innermost frame first, the kernel's in front. */
struct naming_stack {
	uint64_t key;
	uint64_t samples; /* of an off-CPU graph: nanoseconds */
	uint16_t kernel_count, user_count;
	const uint64_t *addresses;
	bool unwound;   /* by unwind information; its last address is 0 where that ended */
	uint64_t waits; /* of an off-CPU graph: how many, … */
	uint32_t cause; /* … for what: enum cause */
};

/*
 * Adds all stacks of one process. question: files and kallsyms, or no file and problem why;
 * addresses are filled in here. seconds are spent in the symbolizer.
 */
int naming_add(struct graph *g, const struct naming_stack *stacks, uint32_t count,
	       struct symbols_question *question, const char *problem);

#endif
