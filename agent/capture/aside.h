/*
 * aside - a child beside this process for what may wait for good; it can be left.
 *
 * Threads:  one, which waits for its children by their pids.
 * Memory:   the socket's descriptor is the caller's; the child ends with its other end, or with us.
 * Errors:   a pid or -errno; -EAGAIN: no process can be had now.
 */
#ifndef CAPTURE_ASIDE_H
#define CAPTURE_ASIDE_H

#include <sys/types.h>

#define ASIDE_SOCKET 0 /* the child's end: all that it holds of ours */

/* live: the child's life, which ends with it; messages keep their bounds. */
pid_t aside_start(const char *name, void (*live)(void), int *socket);

#endif
