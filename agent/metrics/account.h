/*
 * account - what the drain thread booked since the last merge, by series and second.
 *
 * Threads:  the drain thread; account_merge under the lock of what it merges into.
 * Memory:   slots are kept for the next second once taken; at most ACCOUNT_SLOTS of them.
 * Errors:   NULL: no room, counted by the caller.
 */
#ifndef METRICS_ACCOUNT_H
#define METRICS_ACCOUNT_H

#include "lifetime.h"
#include "series.h"

#define ACCOUNT_SLOTS 4096 /* 18 MB: a hostile process alone can ask for so many seconds at once */

struct account {
	struct slot *parts;       /* the drain thread's, newest first */
	struct account *dirty;    /* the next one with parts */
	struct account *parent;   /* takes the same slots; NULL: none */
	struct series series;     /* under the lock … */
	struct lifetime lifetime; /* … what of it is never forgotten */
};

struct account_book {
	struct account *dirty;
	struct slot *spare;
	uint32_t slots;
};

/* A slot for what is not told to an account yet: empty; NULL: no room. */
struct slot *account_slot_take(struct account_book *book, uint32_t second);
void account_slot_put(struct account_book *book, struct slot *slot);

/* Where to add what happened in this second. */
struct slot *account_slot_find(struct account_book *book, struct account *account, uint32_t second);

/*
 * Hands every slot on. now: second; what lies after it is booked to it, since a time to come is a
 * process's mistake. Returns the requests too old to be kept.
 */
uint64_t account_merge(struct account_book *book, uint32_t now, struct series_budget *budget);
void account_book_fini(struct account_book *book);

static inline struct slot *account_slot(struct account_book *book, struct account *account,
					uint32_t second)
{
	if (account->parts && account->parts->second == second)
		return account->parts;
	return account_slot_find(book, account, second);
}

#endif
