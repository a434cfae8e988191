/*
 * unwound - has the stacks of one process unwound for some seconds, by the symbolizer.
 *
 * Threads:  any, one question each.
 * Memory:   unwound_fini frees; files and slots are the caller's.
 * Errors:   0 or -errno: -ELIBACC: libdw is not installed; -ECANCELED; -EPROTO: it failed.
 */
#ifndef PROFILE_UNWOUND_H
#define PROFILE_UNWOUND_H

#include "naming.h"

#include <stdatomic.h>

struct unwound_question {
	const char *program; /* as symbols.h has it */
	const struct symbols_file *files;
	uint32_t file_count;
	int slots; /* of the kernel's snapshots */
	uint32_t seconds, cpus;
	const atomic_bool *over; /* nobody waits for it any more; NULL: never */
};

struct unwound {
	struct naming_stack *stacks;
	uint32_t count;
	uint64_t *addresses;  /* of all of them */
	uint64_t taken, lost; /* samples; those for which there was no room */
};

int unwound_ask(const struct unwound_question *q, uint64_t key, struct unwound *out);
void unwound_fini(struct unwound *u);

#endif
