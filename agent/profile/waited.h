/*
 * waited - where one process's threads are off the CPU for some seconds: what the broker summed, as
 *          stacks.
 *
 * Threads:  any, one question each.
 * Memory:   waited_fini frees.
 * Errors:   0 or -errno; -EPROTO: it is not as bpf/offcpu_event.h says.
 */
#ifndef PROFILE_WAITED_H
#define PROFILE_WAITED_H

#include "handover.h"
#include "naming.h"

#include <stdatomic.h>
#include <stdbool.h>

struct waited_question {
	uint64_t key;
	uint32_t seconds;
	const atomic_bool *over; /* nobody waits for it any more; NULL: never */
};

struct waited {
	struct naming_stack *stacks; /* each with one cause */
	uint32_t count;
	void *rows;       /* what their addresses stand in */
	uint64_t span_ns; /* of the time that it is of */
	uint64_t lost;    /* waits without a stack, or in none of them */
	bool asleep_unseen;
};

/* Until the seconds have passed, or nobody waits for them. *out is to be freed after errors too. */
int waited_ask(struct handover *h, const struct waited_question *q, struct waited *out);
void waited_fini(struct waited *w);

#endif
