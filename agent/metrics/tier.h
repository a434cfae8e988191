/*
 * tier - packed slots of one series and one step, in the order of their seconds, in one piece.
 *
 * Threads:  none of its own; the shared part of metrics, under its lock.
 * Memory:   one block that grows by a sixteenth, drawn from a budget. Records: steps since the one
 *           before and size, both LEB128, then the packed slot.
 * Errors:   -ENOSPC: the budget is spent, -ENOMEM; nothing was changed.
 */
#ifndef METRICS_TIER_H
#define METRICS_TIER_H

#include "slot.h"

/* What all series together may take; see series.h for who gives what up. */
struct series_budget {
	size_t used, limit;
	uint64_t given_up;     /* requests whose slot found no room */
	uint64_t shed;         /* slots given up before their time, to make room */
	uint32_t kept_from[3]; /* by enum series_step: the first second that no shedding took */
	uint32_t taken_s;      /* seconds before this one were handed to who keeps them … */
	uint64_t untaken;      /* … and requests of these that came later */
	struct slot *spare;    /* open slots at rest, for the next series that wakes */
};

/*
 * Where a window begins is found from marks: the newest of them are kept, each of the first record
 * of so many steps.
 */
#define TIER_MARKS 8u
#define TIER_MARK_STEPS 128u

struct tier_mark {
	uint32_t second, before; /* of the record, and of the one before it */
	uint32_t offset;
};

struct tier {
	uint8_t *bytes;
	uint32_t begin, end, capacity; /* records are in [begin, end) */
	uint32_t tail;                 /* where the last one begins */
	uint32_t first, last;          /* seconds of the first and of the last one */
	uint32_t count;
	struct tier_mark marks[TIER_MARKS]; /* by number of such steps; offset before begin: none */
};

/* A look along a tier; all zero: before its first record. */
struct tier_at {
	uint32_t second, size;
	const uint8_t *packed;
	uint32_t next; /* where the record behind it begins */
};

bool tier_next(const struct tier *tier, uint32_t step, struct tier_at *at);
/* As tier_next from the first record on, but what is before that second is mostly passed over. */
void tier_seek(const struct tier *tier, uint32_t step, uint32_t second, struct tier_at *at);
bool tier_last(const struct tier *tier, struct tier_at *at);
bool tier_find(const struct tier *tier, uint32_t step, uint32_t second, struct tier_at *at);

/* second is a multiple of step; a record of that second is replaced. packed is not of the tier. */
int tier_put(struct tier *tier, uint32_t step, const struct tier_at *record,
	     struct series_budget *budget);

/* Forgets what is before this second; how many slots. */
uint32_t tier_drop(struct tier *tier, uint32_t step, uint32_t before, struct series_budget *budget);
void tier_fini(struct tier *tier, struct series_budget *budget);

#endif
