/*
 * muster - the hosts of a fleet: when each was heard of last, whether it is gone, and which slots
 *          of it belong to a window.
 *
 * Threads:  a value; its owner's.
 * Memory:   muster_fini frees.
 * Errors:   -ENOSPC: MUSTER_HOSTS are known; -EBADMSG: no host has such a name, or was
 *           heard of then; -ENOMEM.
 */
#ifndef FLEET_MUSTER_H
#define FLEET_MUSTER_H

#include "card.h"

#define MUSTER_HOSTS 2048u
#define MUSTER_FAULT 96
#define MUSTER_MS_MOST INT64_C(100000000000000) /* the year 5138 */
#define MUSTER_LATE 3 /* slots of ten seconds that the newest one may be behind the clock */

enum muster_state {
	MUSTER_LIVE,
	MUSTER_GONE,   /* not heard of for the time that it gave itself */
	MUSTER_UNREAD, /* nothing but when it was heard of is known: the host's fault says why */
};

/* Numbers of slots, [from, until). */
struct muster_range {
	int64_t from, until;
};

/* One window of one host: slots of five minutes, and those of ten seconds behind them. */
struct muster_span {
	struct muster_range ranges[CARD_STEPS]; /* by step, coarse first */
	int64_t from_ms, to_ms;                 /* by the Redis's clock */
};

struct muster_host {
	char name[PARCEL_HOST];
	int64_t seen_ms;
	enum muster_state state;
	char fault[MUSTER_FAULT]; /* ""; none. Of what could not be read of it, the first */
	struct card card;
	struct muster_span span;
	/* of the slots of its span, in seconds: how long it is, and of how much it has told */
	uint32_t wanted_s, told_s;
	uint64_t unread; /* parcels that could not be read */
	struct metrics_sums sums;
};

struct muster {
	struct muster_host *hosts;
	uint32_t count, capacity;
	int64_t now_ms; /* by the Redis's clock */
};

void muster_init(struct muster *m);
void muster_fini(struct muster *m);

/* One of the index, which has each once. */
int muster_add(struct muster *m, const char *name, size_t length, int64_t seen_ms);
/* All of the index are there: by name, without those that are forgotten. */
void muster_sort(struct muster *m, uint64_t forget_ms);

/* The value of its card; bytes NULL: it has none. */
void muster_card(struct muster_host *h, const char *bytes, size_t length);
void muster_fault(struct muster_host *h, const char *fault); /* the first one stays */

/* When all cards are there: who is gone, and what of each belongs to a window. */
void muster_judge(struct muster *m, uint64_t window_s);

/* Has it said that it put this slot? Then there was nothing to tell where there is no parcel. */
bool muster_has_told(const struct muster_host *h, enum series_step step, int64_t number);

uint32_t muster_count(const struct muster *m, enum muster_state state);

#endif
