/*
 * watched - one watched segment: its process, what was taken from it, and what was told of it.
 *
 * Threads:  the drain thread.
 * Memory:   watched_open maps, watched_close unmaps; target and what it tells are the sink's until
 *           then.
 * Errors:   0 or -errno.
 * Counts:   details first, counters last, so that the next stage never has more requests in its
 *           histograms than in its totals. The counters alone say how many there were.
 * Restart:  what is booked and what the next stage was told are one state at the end of each
 *           round; lanes were released and cells emptied before, so that what dies with us is in
 *           the counters' difference and nowhere else.
 */
#ifndef DRAIN_WATCHED_H
#define DRAIN_WATCHED_H

#include "checkpoint.h"
#include "event.h"
#include "lane.h"
#include "late.h"
#include "pace.h"
#include "shapes.h"
#include "streams.h"

struct watched;

/* What all of them share. */
struct watched_shared {
	struct drain_sink sink;
	uint64_t slow_warning_ns, slow_critical_ns;
	uint32_t epoch;
	struct calibrate tsc;
	struct shapes_budget budget;
	struct streams_budget streams;
	uint64_t unknown, unequal, broken; /* as in struct drain_counts */
	uint64_t told;                     /* raised whenever the next stage was told something */
	struct lane_record record;         /* of the moment */
	struct late late;                  /* as above: empty between two processes */
	struct segment_cell cell;
	struct segment_open_request taken[RS_OPEN_ENTRIES];
	struct drain_open open[RS_OPEN_ENTRIES];
};

/*
 * memfd is borrowed. checkpoint: NULL, or where to find what was booked by an earlier agent. The
 * sink has seen it when this succeeds.
 */
int watched_open(struct watched **out, struct watched_shared *shared,
		 const struct capture_target *target, int memfd, struct checkpoint *checkpoint);
void watched_close(struct watched *w); /* NULL is fine */

/*
 * The segment that a process shares with its children: counters and folds, told as its own. It ends
 * before its owner; the sink hears of neither.
 */
int watched_kin_open(struct watched **out, struct watched *owner, int memfd,
		     struct checkpoint *checkpoint);

uint64_t watched_key(const struct watched *w);
uint64_t watched_due_ns(const struct watched *w);
uint64_t watched_period_ns(const struct watched *w);

/* False: its clock is not calibrated yet, so that nothing of it can be taken. */
bool watched_ready(const struct watched *w);

/* Takes what there is; false: its memory is gone, and so is the process for the sink. */
bool watched_round(struct watched *w, uint64_t now_ns);

/* Its requests in progress, told to the sink. */
void watched_list(struct watched *w, uint64_t now_ns);

/* It is dead: takes what is left, holes passed over, and tells the sink. */
void watched_end(struct watched *w, uint64_t now_ns);

/* Tells the process how to count; listening: that somebody does. */
void watched_tell(struct watched *w, bool listening);

void watched_off(struct watched *w); /* for good: silence; of a kin: nobody reads it any more */

void watched_detail(struct watched *w, const struct drain_detail *detail); /* tells it */

int watched_save(const struct watched *w, struct checkpoint *checkpoint); /* -ENOSPC */

#endif
