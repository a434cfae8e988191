/*
 * offcpu - where one process's threads are off the processor, summed by the kernel while it is
 *          asked for.
 *
 * Threads:  the broker's only one.
 * Memory:   offcpu_open loads and attaches; offcpu_close detaches, and gives all of it back.
 * Errors:   0 or -errno. It taxes every switch of the machine: open it only while it is wanted.
 * Who sleeps when it begins is found by a walk over all threads; who still does when it ends is
 * counted up to then.
 */
#ifndef CAPTURE_OFFCPU_H
#define CAPTURE_OFFCPU_H

#include <stdint.h>

struct offcpu;

/* targets: the map of filter.bpf.h, shared with other probes. */
int offcpu_open(struct offcpu **out, int targets, int32_t pid);
void offcpu_close(struct offcpu *o); /* NULL is fine */

/* Of CLOCK_MONOTONIC; what is between is told of. Ending it again does nothing. */
void offcpu_begin(struct offcpu *o, uint64_t now_ns);
void offcpu_end(struct offcpu *o, uint64_t now_ns);

/* Once, when it has ended: a memfd as offcpu_event.h has it, the caller's. */
int offcpu_rows(struct offcpu *o, int *out);
uint64_t offcpu_dropped(const struct offcpu *o); /* waits without a stack, and lost ones */

#endif
