/*
 * store - the history on disk: what metrics gives up after a while is kept in files for longer.
 *
 * Threads:  one of its own, which looks at metrics each few seconds and writes; store_timeline and
 *           store_state_get from any.
 * Memory:   store_open allocates, store_close ends the thread and frees. All in store_config is
 *           borrowed until then.
 * Errors:   0 or -errno. A disk that is full or refuses is told by store_state_get: what could not
 *           be written is tried again as long as memory has it.
 * Kept:     1 s for an hour, 10 s for a day, 5 min for 30 days (at schema 3), within a budget: the
 *           oldest file of the finest step goes first.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "archive.h"

#include "timeline.h"

#define STORE_BUDGET (UINT64_C(1) << 30)

struct stock;
struct store;

extern const uint32_t store_keep_s[SERIES_STEPS];

struct store_config {
	struct metrics *metrics;
	const char *folder; /* made where it is not there; its parent is */
	const char *boot;   /* of the running kernel */
	uint64_t budget;    /* bytes; 0: STORE_BUDGET */
	uint32_t pause_ms;  /* between two looks; 0: 5,000 */
	int64_t (*wall_ms)(void);
};

struct store_state {
	bool is_ready;    /* what was there has been looked at */
	int error;        /* of the last write; 0: it was good */
	int64_t error_ms; /* wall clock: since when */
	uint64_t bytes, budget, files;
	uint64_t deleted;  /* files, before their time, for the budget's sake */
	uint64_t lost;     /* slots of series that found no place */
	uint64_t regained; /* parcels of a stock that were written, … */
	uint64_t had;      /* … and that the history or memory had already */
	uint64_t cuts;     /* ends of files that were not sound */
	char cut[ARCHIVE_TEXT];
};

int store_open(struct store **out, const struct store_config *config);
int store_run(struct store *s);    /* starts the thread */
void store_close(struct store *s); /* writes what is complete; NULL is allowed */

/* One look, as the thread takes it; for who has none. */
void store_step(struct store *s);

/*
 * Does the history lack something of a step in these milliseconds of the wall clock, as far as it
 * is known yet?
 */
bool store_lacks(struct store *s, enum series_step step, int64_t from_ms, int64_t until_ms);

/*
 * Parcels that the history is to have where it lacks them; taken over, and written soon. All of a
 * slot come at once: what is given later of the same time is had already. -EAGAIN: not yet.
 */
int store_give(struct store *s, struct stock *stock);

void store_state_get(struct store *s, struct store_state *out);

/*
 * Adds what memory has no more to a timeline that metrics_timeline filled: of this boot before
 * memory_from_s, and of earlier ones all; kept_from_s becomes the first second of the disk.
 */
int store_timeline(struct store *s, const struct metrics_scope *scope, struct timeline *t);
/* The same after metrics_gauges: of a point the last level, and the mean of what is none. */
int store_gauges(struct store *s, const struct metrics_scope *scope, enum metrics_gauge gauge,
		 struct timeline *t);

#endif
