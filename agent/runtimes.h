/*
 * runtimes - which runtime each target runs on, and what that says of itself, told to the worker.
 *
 * Threads:  the broker's only one.
 * Memory:   a value; runtimes_close frees and detaches. The outbox is borrowed.
 * Errors:   none: what cannot be had is told with its reason.
 */
#ifndef AGENT_RUNTIMES_H
#define AGENT_RUNTIMES_H

#include "finder.h"
#include "outbox.h"
#include "runtime_files.h"

struct runtimes_process;

struct runtimes {
	struct outbox *outbox;
	struct runtime_files files;
	struct runtimes_process *processes; /* by pid */
	uint32_t count, room;
	uint64_t look_ns; /* when the next of them is to be looked at */
};

/* targets: the map of watched processes, or a negative errno: why there is none. */
void runtimes_open(struct runtimes *r, struct outbox *outbox, int targets);
void runtimes_close(struct runtimes *r);

/*
 * Again is fine. all: also of what happens often, as statements do; their probes cost some
 * microseconds each, which is for who asked.
 */
void runtimes_watch(struct runtimes *r, int32_t pid, bool all);
void runtimes_forget(struct runtimes *r, int32_t pid); /* tells what it did last, first */

/* Looks at some of those that are due: a runtime may be loaded after its process began. */
void runtimes_step(struct runtimes *r, uint64_t now_ns);
void runtimes_second(const struct runtimes *r); /* each: how the facilities stand */
int runtimes_tell(struct runtimes *r, const struct finder_target *t); /* 0, or -errno: not now */

#endif
