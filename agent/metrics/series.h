/*
 * series - the slots of one service, process or route: 1 s for ten minutes, 10 s for two hours.
 *
 * Threads:  none of its own; the shared part of metrics, under its lock.
 * Memory:   sparse: only seconds in which something happened, packed. All of it is drawn from one
 *           series_budget; what did not fit is counted there and lost.
 * Errors:   0 or -errno.
 */
#ifndef METRICS_SERIES_H
#define METRICS_SERIES_H

#include "slot.h"

#define SERIES_FINE_SLOTS 600u
#define SERIES_COARSE_SECONDS 10u
#define SERIES_COARSE_SLOTS 720u
#define SERIES_SECONDS (SERIES_COARSE_SECONDS * SERIES_COARSE_SLOTS)
#define SERIES_MINUTES (SERIES_SECONDS / 60u)

struct series_budget {
	size_t used, limit;
	uint64_t given_up;  /* requests whose slot found no room */
	uint64_t shed;      /* slots given up before their time, to make room */
	struct slot *spare; /* open slots at rest, for the next series that wakes */
};

struct series_packed {
	uint32_t second;
	uint32_t size;
	uint8_t *bytes;
};

struct series_tier {
	struct slot *open; /* the newest, not packed yet; NULL: none */
	struct series_packed *packed;
	uint32_t count, capacity; /* in the order of their seconds */
};

struct series {
	struct series_tier fine, coarse;
};

void series_fini(struct series *series, struct series_budget *budget);

/* Books a slot of one second. */
void series_add(struct series *series, const struct slot *second, struct series_budget *budget);

/* Packs what is complete, forgets what is too old. now: second. True: nothing is left at all. */
bool series_age(struct series *series, uint32_t now, struct series_budget *budget);

/* Adds all that from has. */
void series_unite(struct series *to, const struct series *from, struct series_budget *budget);

/* Gives up the oldest slots: an eighth of what there is in each tier. */
void series_shed(struct series *series, struct series_budget *budget);

/*
 * Adds the seconds [from, to) to sums and buckets. More than SERIES_FINE_SLOTS seconds: from is
 * taken down to a multiple of ten (series_from).
 */
void series_window(const struct series *series, uint32_t from, uint32_t to,
		   struct metrics_sums *sums, uint64_t buckets[RS_HIST_SLOTS]);
uint32_t series_from(uint32_t from, uint32_t to);

/* Adds the counts of the minutes from first (in minutes of CLOCK_MONOTONIC) on. */
void series_minutes(const struct series *series, uint32_t first, uint64_t out[SERIES_MINUTES]);

/* A slot as it was saved; borrowed. */
struct series_saved {
	uint32_t second;
	uint32_t size;
	const uint8_t *bytes;
};

int series_restore(struct series *series, bool coarse, const struct series_saved *saved,
		   struct series_budget *budget);

/* Open slots at rest, back to the system. */
void series_budget_fini(struct series_budget *budget);

#endif
