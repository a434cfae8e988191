/*
 * waits - what the threads of targets wait for: each wait of who was asked for, which taxes every
 *         switch of the machine; an estimate of all others, which taxes none.
 *
 * Threads:  the broker's only one.
 * Memory:   waits_open, waits_close, for a value; outbox and filter are borrowed. All zero is one
 *           that was not opened, and knows nobody.
 * Errors:   none: what the kernel refuses is told as a facility, and not tried again.
 */
#ifndef AGENT_WAITS_H
#define AGENT_WAITS_H

#include "cause.h"
#include "census.h"
#include "outbox.h"
#include "wait.h"

#include <stdbool.h>

struct waits {
	struct outbox *outbox;
	struct probe_filter *filter; /* NULL: refused, */
	int filter_error;            /* … and why, negative */
	struct wait *wait;           /* NULL: refused, or nobody asked */
	struct census *census;       /* NULL: refused, or nobody is watched */
	bool wait_refused, census_refused;
	bool seek; /* a target came or went: their threads are not marked yet */
};

/* error: why filter is NULL, negative. */
void waits_open(struct waits *w, struct outbox *outbox, struct probe_filter *filter, int error);
void waits_close(struct waits *w);

/* news: it was not asked for before, or is not any more. May be said again. */
void waits_watch(struct waits *w, int32_t pid, bool asked, bool news);
void waits_forget(struct waits *w, int32_t pid, bool goes_on); /* as a process, unwatched */

void waits_rest(struct waits *w);        /* nobody is asked for */
void waits_census(struct waits *w);      /* there is who is watched, for a while now */
void waits_census_rest(struct waits *w); /* nobody is watched */

/* False: nothing is known of it. A row of one kind begins at 0 when that of the other ends. */
bool waits_read(const struct waits *w, int32_t pid, struct cause_waits *out);

uint64_t waits_due_ns(const struct waits *w); /* CLOCK_MONOTONIC; UINT64_MAX: never */
void waits_step(struct waits *w, uint64_t now_ns);
void waits_second(const struct waits *w); /* each: counts */

#endif
