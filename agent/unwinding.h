/*
 * unwinding - the broker's part in unwound profiles: one process's snapshots while asked for.
 *
 * Threads:  the broker's only one.
 * Memory:   a value; unwinding_end ends the snapshots.
 * Errors:   none: what the kernel refuses is told to the worker, and as a facility's state.
 */
#ifndef AGENT_UNWINDING_H
#define AGENT_UNWINDING_H

#include "finder.h"
#include "outbox.h"
#include "snapshots.h"

struct unwinding {
	struct outbox *outbox;
	struct snapshots *snapshots; /* NULL: none are taken */
	uint64_t key;                /* whose */
	uint64_t until_ns;           /* a worker that forgets them does not keep them */
	uint32_t worker;             /* how-manieth it was */
};

void unwinding_open(struct unwinding *u, struct outbox *outbox);

/* The worker's word: begin, or end. Only a watched process's stacks are looked at. */
void unwinding_ask(struct unwinding *u, struct finder *f, const struct link_message *message,
		   uint64_t now_ns);
void unwinding_step(struct unwinding *u, struct finder *f, uint64_t now_ns);
void unwinding_second(struct unwinding *u); /* each: of CPUs that come and go */
void unwinding_end(struct unwinding *u);

#endif
