/*
 * leaf - where a request is booked, once: by process, route and second, until it is rolled up.
 *
 * Threads:  the drain thread.
 * Memory:   fixed but for slots, which are the book's and go back to it at a roll.
 * Errors:   NULL: the book has no slot, counted by the caller.
 */
#ifndef METRICS_LEAF_H
#define METRICS_LEAF_H

#include "account.h"

#include <stdbool.h>

#define LEAF_PLACES 1024u /* power of two */
#define LEAF_WAYS 4u /* places that one key may have; when all are taken, the first is rolled */

struct process;
struct route;

struct leaf {
	uint64_t key;      /* stands for one route of one process; 0: free */
	uint32_t second;   /* of CLOCK_MONOTONIC */
	bool listed;       /* as used */
	struct slot *slot; /* its sums.recorded is count, and set by the roll */
	struct process *process;
	struct route *route;
	struct leaf *used; /* the next one that was taken since the last roll */
};

struct leaves {
	struct leaf *used;
	uint64_t lost; /* requests of leaves whose process or route had no slot */
	struct leaf at[LEAF_PLACES];
};

static inline uint32_t leaf_place(uint64_t key)
{
	return (uint32_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 40) & (LEAF_PLACES - 1);
}

static inline bool leaf_is(const struct leaf *leaf, uint64_t key, uint32_t second)
{
	return leaf->key == key && leaf->second == second;
}

static inline struct leaf *leaf_first(struct leaves *leaves, uint64_t key)
{
	return &leaves->at[leaf_place(key)];
}

struct leaf *leaf_find(struct leaves *leaves, uint64_t key, uint32_t second); /* NULL: none */

/* One that leaf_find did not find: empty, its process and route to be set by the caller. */
struct leaf *leaf_open(struct leaves *leaves, struct account_book *book, uint64_t key,
		       uint32_t second);

/* Adds what the leaves hold to their processes and routes, and frees them. */
void leaf_roll(struct leaves *leaves, struct account_book *book);

#endif
