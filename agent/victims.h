/*
 * victims - who of our targets was chosen to be killed for want of memory, until the worker knows.
 *
 * Threads:  the broker's only one.
 * Memory:   a value; all zero is empty.
 * Errors:   0 or -errno. The kernel tells a kill before the process is over, but it may be read
 *           after that: the last that ended are remembered.
 */
#ifndef AGENT_VICTIMS_H
#define AGENT_VICTIMS_H

#include "finder.h"

#define VICTIMS_OVER 64u
#define VICTIMS_PENDING 64u

struct victims {
	struct {
		int32_t pid;
		uint64_t key;
	} over[VICTIMS_OVER]; /* a ring */
	uint32_t over_next;
	uint64_t pending[VICTIMS_PENDING]; /* keys that are to be told */
	uint32_t pending_count;
	uint64_t lost; /* found no room in it */
};

void victims_over(struct victims *v, int32_t pid, uint64_t key); /* this target has ended */
void victims_kill(struct victims *v, struct finder *f, int32_t pid);
int victims_send(struct victims *v, int link); /* -EAGAIN: not all of it went */

#endif
