/*
 * inputs - what system alerts are made of: kills for want of memory, TCP connections, block I/O.
 *
 * Threads:  the broker's only one.
 * Memory:   inputs_open allocates, inputs_close frees and detaches; the filter is borrowed.
 * Errors:   0 or -errno. What a kernel refuses of it is not in strain.known.
 * Connections are looked at by a walk and at their end: between walks nothing runs for them.
 * Block I/O is that which a process waits for or submits itself: what the kernel writes back later
 * is nobody's.
 */
#ifndef CAPTURE_INPUTS_H
#define CAPTURE_INPUTS_H

#include "inputs_event.h"
#include "probe.h"
#include "strain.h"

struct inputs;

typedef void (*inputs_kill_fn)(void *ctx, int32_t pid);

int inputs_open(struct inputs **out, const struct probe_filter *filter, struct probe_state *state);
void inputs_close(struct inputs *in); /* NULL is fine */

int inputs_watch(struct inputs *in, int32_t pid); /* from now on; -E2BIG: there are too many */
void inputs_watch_all(struct inputs *in, const struct probe_filter *filter); /* who is watched */
void inputs_forget(struct inputs *in, int32_t pid);

/* Settles the open connections of all targets: it looks at each descriptor of the machine. */
int inputs_walk(const struct inputs *in);

/* Since it was watched first; takes the shortest trip. -ENOENT: it is not watched. */
int inputs_strain_take(struct inputs *in, int32_t pid, struct strain *out);

/* Hands on each kill of the machine since the last call. */
int inputs_kills_read(struct inputs *in, inputs_kill_fn each, void *ctx);

void inputs_look(const struct inputs *in, struct probe_state *state);

#endif
