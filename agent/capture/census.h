/*
 * census - what the threads of processes wait for, estimated: all of them are looked at some four
 *          times a second, and each stands for the time since the look before.
 *
 * Threads:  the broker's only one.
 * Memory:   census_open allocates, census_close frees and detaches; the filter is borrowed.
 * Errors:   0 or -errno. It costs nobody a switch; a look costs us the threads of the machine, and
 *           comes more rarely where it takes more than 1/CENSUS_SHARE of a processor.
 * Moments are drawn at random, so that what a process does by the clock is met as often as it is.
 */
#ifndef CAPTURE_CENSUS_H
#define CAPTURE_CENSUS_H

#include "probe.h"
#include "wait_event.h"

#define CENSUS_EVERY_NS UINT64_C(250000000) /* on average */
#define CENSUS_SHARE 200u

struct census;

int census_open(struct census **out, const struct probe_filter *filter, struct probe_state *state);
void census_close(struct census *c); /* NULL is fine */

int census_watch(struct census *c, int32_t pid); /* from now on; -E2BIG: there are too many */
void census_forget(struct census *c, int32_t pid);

uint64_t census_due_ns(const struct census *c); /* CLOCK_MONOTONIC */
/* Looks, if it is time; a look that the kernel refuses is one that the next stands for. */
void census_step(struct census *c, uint64_t now_ns);

/* Since it was watched first; -ENOENT: it is not. */
int census_row_read(const struct census *c, int32_t pid, struct wait_row *out);
void census_look(const struct census *c, struct probe_state *state);

#endif
