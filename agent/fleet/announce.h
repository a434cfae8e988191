/*
 * announce - says to the fleet that this host is there: its card, and its name in the list of all.
 *
 * Threads:  one, which waits for nothing.
 * Memory:   announce_open allocates; announce_close frees when nothing is under way: behind
 *           redis_close.
 * Errors:   -ENOMEM. What is not announced is announced a second later; what went wrong is in
 *           announce_state.
 *
 * The clock is that of the Redis that has the list of hosts: it is asked for each time, and the
 * card says how far the host's own is from it.
 */
#ifndef FLEET_ANNOUNCE_H
#define FLEET_ANNOUNCE_H

#include "card.h"
#include "redis_client.h"

struct announce;

struct announce_config {
	struct redis *redis;
	const char *host; /* as parcel_host has it; borrowed */
	uint64_t gone_after_ms, forget_ms;
	uint64_t agent; /* a random number */
	const char *version;
	int64_t started_ms; /* wall clock */
	uint64_t (*now_ns)(void);
	int64_t (*wall_ms)(void);
	/* What else the card says: slots, services, alerts (malloc's). */
	void (*fill)(void *ctx, struct card *card);
	void *ctx;
};

struct announce_state {
	uint64_t announced, bytes; /* cards that were put */
	uint64_t failed;           /* times that one was not */
	uint64_t others;           /* times that another agent's card was in the place of ours */
	enum redis_fault fault;    /* of the last time; REDIS_FINE: it went well */
	uint64_t put_ns;           /* CLOCK_MONOTONIC of the last one that was put; 0: none */
	int64_t offset_ms;         /* of our wall clock to that of the Redis */
};

int announce_open(struct announce **out, const struct announce_config *config);
void announce_close(struct announce *a); /* NULL is allowed */

/* Each second. ready: there is a Redis that answers. */
void announce_second(struct announce *a, bool ready);
void announce_state_get(const struct announce *a, struct announce_state *out);

#endif
