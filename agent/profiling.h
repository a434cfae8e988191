/*
 * profiling - the broker's part in profiles of every kind, and what the worker wants for them.
 *
 * Threads:  the broker's only one.
 * Memory:   a value; profiling_close ends all of it.
 * Errors:   none: what the kernel refuses is told.
 */
#ifndef AGENT_PROFILING_H
#define AGENT_PROFILING_H

#include "sampling.h"
#include "unwinding.h"
#include "waiting.h"

struct profiling {
	struct sampling sampling;
	struct unwinding unwinding;
	struct waiting waiting;
};

/* targets: the map of watched processes, or a negative errno: why there is none. */
void profiling_open(struct profiling *p, struct outbox *outbox, int targets);
void profiling_close(struct profiling *p);

/* The worker wants something of one process; what is not about profiles is left. */
void profiling_ask(struct profiling *p, struct finder *f, const struct link_message *message,
		   uint64_t now_ns);
void profiling_step(struct profiling *p, struct finder *f, uint64_t now_ns);
void profiling_second(struct profiling *p);

#endif
