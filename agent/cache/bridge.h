/*
 * bridge - what goes between the thread that serves the memory tier and the one that asks Redis:
 *          one queue each way, and the newest state of the far side.
 *
 * Threads:  each lane has one who puts and one who takes; both hold a short lock for as long as it
 *           takes to hang in or to take off a list, and nobody waits for the other to do anything.
 * Memory:   bridge_open, bridge_close. A letter that was put belongs to the lane; one that was
 *           refused stays the caller's, as do those that were taken. letter_close frees one with
 *           all that it carries.
 * Errors:   -ENOBUFS: the lane is full; -ENOMEM.
 * Wakes:    a lane's descriptor is readable from bridge_tell until it is emptied. Who puts tells
 *           once for all that it has put, before it waits: a wake for each letter would cost more
 *           than the letters, and have the other side answer them one by one.
 */
#ifndef CACHE_BRIDGE_H
#define CACHE_BRIDGE_H

#include "drop.h"

#include <pthread.h>
#include <stdatomic.h>

#define BRIDGE_LETTERS 4096u
#define BRIDGE_BYTES (UINT64_C(32) << 20)
#define BRIDGE_REASON 160

enum letter_kind {
	LETTER_ASK,  /* there: is this key known? */
	LETTER_SET,  /* there: keep this capsule */
	LETTER_DROP, /* there: take it out; back: somebody else took it out, or wrote it anew */
	LETTER_TOLD, /* back: the answer to what was asked */
};

struct letter {
	struct letter *next;
	enum letter_kind kind;
	uint64_t id;               /* of what was asked */
	uint64_t expires_ns;       /* of a capsule */
	void *capsule;             /* of malloc */
	size_t length;             /* of the capsule */
	char *tags;                /* of the capsule, of malloc; NULL: none */
	struct cache_value *value; /* told; NULL: it is not known */
	uint64_t left_ns;          /* of the value's time */
	struct drop *drop;
	size_t key_length;
	unsigned char key[]; /* of what is asked or kept */
};

struct bridge_lane {
	pthread_mutex_t lock;
	struct letter *first, **end;
	size_t count;
	uint64_t bytes;
	bool overflowed; /* a drop was lost: all may be stale */
	bool untold;     /* of who puts: since the last time something was put */
	atomic_bool some;
	int wake;
};

/* How far the writes are, told whenever it changes: none is thought to be through that is not. */
struct bridge_progress {
	uint64_t seen;           /* letters of writes that came, ever */
	uint64_t pending, bytes; /* writes that are not in Redis yet, all kinds */
};

/* The far side as it is told each second. */
struct bridge_state {
	struct bridge_progress progress; /* not of the second, but of now */
	bool ready, cluster, listening;
	const char *circuit;        /* of breaker_state_name */
	const char *persistence;    /* of redis_persistence_name */
	char reason[BRIDGE_REASON]; /* why it is not ready, or what it refused; "": all is well */
	double average_ms, p99_ms;  /* of answers; -1: there was none yet */
	uint64_t limit, limit_bytes;
	uint64_t written, removed; /* that Redis took */
	uint64_t lost_sets, lost_drops;
	uint64_t corrupted, foreign; /* values that are none, or another key's */
	uint64_t published, heard, gaps;
};

struct bridge {
	struct bridge_lane there, back;
	atomic_bool away; /* nobody is there to be asked */
	pthread_mutex_t lock;
	struct bridge_state state;
};

int bridge_open(struct bridge **out);
void bridge_close(struct bridge *b); /* NULL is allowed */

/* One with a copy of the key; NULL: no memory. */
struct letter *letter_open(enum letter_kind kind, const struct cache_bytes *key);
void letter_close(struct letter *l); /* NULL is allowed */
uint64_t letter_size(const struct letter *l);

/* Drops have a reserve that nothing else may take. */
int bridge_put(struct bridge_lane *lane, struct letter *l);
/* d is taken over; one that does not go is told as an overflow. */
int bridge_drop(struct bridge_lane *lane, struct drop *d);
void bridge_overflow(struct bridge_lane *lane); /* told at once, by either side */
/* Wakes the other side if anything was put since the last time and is there still. */
void bridge_tell(struct bridge_lane *lane);
/* All that there is, the oldest first; *overflowed: a drop was lost since the last time. */
struct letter *bridge_take(struct bridge_lane *lane, bool *overflowed);

/* All but its progress, which has a call of its own. */
void bridge_state_put(struct bridge *b, const struct bridge_state *state);
void bridge_progress_put(struct bridge *b, const struct bridge_progress *progress);
void bridge_state_get(struct bridge *b, struct bridge_state *out);

#endif
