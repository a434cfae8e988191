/*
 * wait - what the threads of targets wait for: sockets, disks, locks, times, a processor.
 *
 * Threads:  the broker's only one.
 * Memory:   wait_open allocates, wait_close frees and detaches; the filter is borrowed.
 * Errors:   0 or -errno. It taxes every switch of the machine: open it only while it is wanted.
 * A wait is booked when it ends. Waits for one of many descriptors (epoll) are those for sockets.
 */
#ifndef CAPTURE_WAIT_H
#define CAPTURE_WAIT_H

#include "probe.h"
#include "wait_event.h"

struct wait;

int wait_open(struct wait **out, const struct probe_filter *filter, struct probe_state *state);
void wait_close(struct wait *w);

int wait_watch(struct wait *w, int32_t pid); /* from now on; -E2BIG: there are too many */
void wait_forget(struct wait *w, int32_t pid);

/* Marks the threads of who is a target now, and of nobody else: after one came or went. */
int wait_find(const struct wait *w);

/* Since it was watched first; -ENOENT: it is not. */
int wait_row_read(const struct wait *w, int32_t pid, struct wait_row *out);
void wait_look(const struct wait *w, struct probe_state *state);

#endif
