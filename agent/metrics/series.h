/*
 * series - the slots of one service, process or route: 1 s for ten minutes, 10 s for two hours,
 *          5 min for six.
 *
 * Threads:  none of its own; the shared part of metrics, under its lock.
 * Memory:   sparse: only seconds in which something happened, packed. All of it is drawn from one
 *           series_budget; what did not fit is counted there and lost.
 * Errors:   0 or -errno.
 */
#ifndef METRICS_SERIES_H
#define METRICS_SERIES_H

#include "tier.h"

#define SERIES_FINE_SLOTS 600u
#define SERIES_COARSE_SECONDS 10u
#define SERIES_COARSE_SLOTS 720u
#define SERIES_SECONDS (SERIES_COARSE_SECONDS * SERIES_COARSE_SLOTS)
#define SERIES_MINUTES (SERIES_SECONDS / 60u)
#define SERIES_WIDE_SECONDS 300u
#define SERIES_WIDE_SLOTS 72u
#define SERIES_SPAN (SERIES_WIDE_SECONDS * SERIES_WIDE_SLOTS) /* all that is kept */

/* The coarser ones are made of the finer ones, so that they lack what these still hold open. */
enum series_step { SERIES_FINE, SERIES_COARSE, SERIES_WIDE, SERIES_STEPS };

extern const uint32_t series_step_s[SERIES_STEPS];
extern const uint32_t series_keep_s[SERIES_STEPS];

struct series {
	struct slot *open; /* the newest second, not packed yet; NULL: none */
	struct tier fine, coarse, wide;
	bool is_wide; /* the newest ten seconds are in wide, as all before them are */
};

void series_fini(struct series *series, struct series_budget *budget);

/* Books a slot of one second. */
void series_add(struct series *series, const struct slot *second, struct series_budget *budget);

/* Packs what is complete, forgets what is too old. now: second. True: nothing is left at all. */
bool series_age(struct series *series, uint32_t now, struct series_budget *budget);

/* Adds all that from has. */
void series_unite(struct series *to, const struct series *from, struct series_budget *budget);

/*
 * Makes room where the budget is nearly spent: an eighth of what is kept of the finest step that
 * has some to spare goes, in all series alike, so that the coarsest is kept longest. The first
 * second of it that stays is in budget->kept_from then; SERIES_STEPS: nothing can be spared.
 */
enum series_step series_shed_step(struct series_budget *budget, uint32_t now, uint32_t begin);
void series_shed(struct series *series, enum series_step step, struct series_budget *budget);

/*
 * The first slot of a step that memory has in full, now and begin (the first second watched) being
 * seconds: what is older is on a disk, or nowhere.
 */
uint32_t series_first(const struct series_budget *budget, enum series_step step, uint32_t begin,
		      uint32_t now);

/*
 * The seconds [from, to): the widest step has those up to tens, that of ten seconds those up to
 * fine, that of seconds the rest. Where the widest is that of seconds, the first ten seconds that
 * are whole begin at tens.
 */
struct series_span {
	uint32_t from, tens, fine, to;
	enum series_step widest;
};

/*
 * The finest steps that were kept long enough. An end that lies in a slot of theirs is taken down
 * to where that begins: of a window that is older than what has its seconds, both ends.
 */
struct series_span series_span_of(const struct series_budget *budget, uint32_t from, uint32_t to,
				  uint32_t now);

/* Adds what happened in these seconds. */
void series_window(const struct series *series, const struct series_span *span,
		   struct slot_window *out);

/* Adds the counts of the minutes from first (in minutes of CLOCK_MONOTONIC) on. */
void series_minutes(const struct series *series, uint32_t first, uint64_t out[SERIES_MINUTES]);

/* A slot as it was saved; borrowed. */
struct series_saved {
	uint32_t second;
	uint32_t size;
	const uint8_t *bytes;
};

int series_restore(struct series *series, enum series_step step, const struct series_saved *saved,
		   struct series_budget *budget);

/* Open slots at rest, back to the system. */
void series_budget_fini(struct series_budget *budget);

#endif
