/*
 * inspector - a locked-down child that reads one runtime's file, and says where its probes stand.
 *
 * Threads:  one at a time, from a process with one thread.
 * Memory:   a value, zero at first; inspector_stop ends the child.
 * Errors:   0 or -errno: -EAGAIN not done, -ETIMEDOUT, -EPROTO it was killed or talks rubbish.
 */
#ifndef AGENT_INSPECTOR_H
#define AGENT_INSPECTOR_H

#include "sites.h"

#include <sys/types.h>

#define INSPECTOR_SECONDS 2u

struct inspector {
	pid_t pid; /* 0: none */
	int answer;
	uint64_t until_ns;
};

/* file is borrowed for the moment. */
int inspector_start(struct inspector *i, int file, enum runtime runtime, uint64_t now_ns);

/* 0: *out is what it found, and the child is over; -EAGAIN: ask again; else it is over too. */
int inspector_poll(struct inspector *i, uint64_t now_ns, struct sites *out);
void inspector_stop(struct inspector *i); /* none is fine */

#endif
