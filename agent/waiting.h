/*
 * waiting - the broker's part in off-CPU profiles: one process's waits while asked for.
 *
 * Threads:  the broker's only one.
 * Memory:   a value; waiting_end detaches and frees.
 * Errors:   none: what the kernel refuses is told to the worker, and as a facility's state.
 */
#ifndef AGENT_WAITING_H
#define AGENT_WAITING_H

#include "finder.h"
#include "offcpu.h"
#include "outbox.h"

struct waiting {
	struct outbox *outbox;
	struct offcpu *offcpu; /* NULL: none */
	uint64_t key;          /* whose */
	uint64_t until_ns;     /* a worker that forgets it does not keep it */
	uint64_t dropped;      /* of all that are over */
	uint32_t worker;       /* how-manieth it was */
	int targets;           /* the map of watched processes, or why there is none */
};

/* targets: the map of watched processes, or a negative errno: why there is none. */
void waiting_open(struct waiting *w, struct outbox *outbox, int targets);

/* The worker's word: begin, or end and tell. Only a watched process is looked at. */
void waiting_ask(struct waiting *w, struct finder *f, const struct link_message *message,
		 uint64_t now_ns);

/* Who ended is not looked at any more; what was seen of him is kept until it is asked for. */
void waiting_step(struct waiting *w, struct finder *f, uint64_t now_ns);
void waiting_end(struct waiting *w);

#endif
