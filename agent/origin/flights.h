/*
 * flights - fetches under way or waiting, one of each key, and who waits for each.
 *
 * Threads:  one.
 * Memory:   flights_open allocates, flights_close frees what is left and tells nobody. A key is
 *           copied; a flight that was taken is the caller's, until flight_tell.
 * Errors:   -ENOBUFS: so many wait already; -ENOMEM.
 */
#ifndef ORIGIN_FLIGHTS_H
#define ORIGIN_FLIGHTS_H

#include "origin_answer.h"

#define FLIGHTS_WAITERS 65536u /* of all flights together */

/* Told exactly once; the answer is good until the function returns. */
typedef void (*origin_fn)(void *ctx, const struct origin_answer *answer);

struct origin_then {
	origin_fn done;
	void *ctx;
};

struct flight_waiter {
	struct flight_waiter *next;
	struct origin_then then;
};

struct flight {
	struct flight *chain, *next; /* next: of its origin's queue, which is the caller's */
	struct flight_waiter *first, **end;
	uint64_t hash;
	uint32_t origin; /* from here on the caller's to use */
	uint64_t deadline_ns, sent_ns;
	bool probe; /* of a circuit */
	size_t key_length;
	unsigned char key[];
};

struct flights;

int flights_open(struct flights **out, const uint64_t hash_key[2]);
void flights_close(struct flights *f); /* NULL is allowed */

/* NULL: none has this key. */
struct flight *flights_find(const struct flights *f, const struct cache_bytes *key);
/* One of a key that none has; nobody waits for it yet. */
int flights_add(struct flights *f, const struct cache_bytes *key, struct flight **out);
int flights_join(struct flights *f, struct flight *one, const struct origin_then *then);

/* Nobody finds it any more. */
void flights_take(struct flights *f, struct flight *one);
/* One that was taken: all who wait are told, the first of them as that, and it is freed. */
void flight_tell(struct flights *f, struct flight *one, struct origin_answer *answer);

/* Any; NULL: there is none. */
struct flight *flights_any(const struct flights *f);

#endif
