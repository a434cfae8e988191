/*
 * clerk - makes one graph at a time on a thread of its own, for one who cannot wait.
 *
 * Threads:  all functions on the asker's one thread; a thread per graph.
 * Memory:   clerk_open allocates, clerk_close waits for what is under way and frees.
 * Errors:   0 or -errno; -EAGAIN: ask again later.
 */
#ifndef PROFILE_CLERK_H
#define PROFILE_CLERK_H

#include "profile.h"

#include <stdbool.h>

struct clerk;

int clerk_open(struct clerk **out, struct profile *profile);
void clerk_close(struct clerk *c); /* NULL is fine */

/*
 * The graph of whoever asks, made from the first time that he asks and nobody else is served;
 * scope is copied then. Anything but -EAGAIN ends it.
 */
int clerk_ask(struct clerk *c, const void *who, const struct profile_scope *scope, uint64_t now_ns,
	      struct graph **out);

/* Does he serve somebody else, who still waits? */
bool clerk_is_busy(const struct clerk *c, const void *who);

/* He asks no more. */
void clerk_leave(struct clerk *c, const void *who);

#endif
