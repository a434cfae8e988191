/*
 * pending - writes that Redis does not have yet, the newest of each key, within a bound.
 *
 * Threads:  one owner.
 * Memory:   pending_open, pending_close. A write or a drop that was put belongs to it; one that is
 *           under way does too, until it is done.
 * Errors:   -ENOMEM.
 * Kept:     each key's newest write, a value or its removal, in the order of their coming; and what
 *           is to be taken out by prefix, pattern or tag. What that takes of those that came before
 *           is taken out at once; what it would take of those that come later waits for it, by a
 *           tag everything, as a key may be in its set though its newest value is not.
 * Lost:     beyond the bytes the oldest values are forgotten, but not that their keys are to go:
 *           who asks Redis later finds nothing rather than something older. Beyond the items the
 *           oldest value goes with its key, and a removal only when there are removals alone. Both
 *           are counted.
 */
#ifndef CACHE_PENDING_H
#define CACHE_PENDING_H

#include "drop.h"

#define PENDING_DROPS 256u

struct pending_write {
	struct pending_write *before, *after; /* that wait, or that are under way */
	struct pending_write *older, *newer;  /* that wait with a value */
	struct pending_write *chain;
	uint64_t hash;
	void *capsule; /* of malloc; NULL: the key is to go */
	size_t length;
	uint64_t expires_ns; /* of the value */
	uint64_t due_ns;     /* it failed: not before */
	char *tags;          /* as a value has them, of malloc; NULL: none */
	bool under_way;
	bool overtaken; /* while it was under way it was taken out: there is no value any more */
	uint32_t steps, fault; /* what it is under way with; its owner's, … */
	bool placed;           /* … as is whether its value is there */
	void *ctx;             /* … and for whom it is */
	size_t key_length;
	unsigned char key[];
};

struct pending;

struct pending_counts {
	uint64_t writes, drops, bytes; /* now */
	uint64_t lost_sets, lost_drops;
};

int pending_open(struct pending **out, uint32_t items, uint64_t bytes);
void pending_close(struct pending *p); /* NULL is allowed */

/* One of a removal, to be filled in for a value; NULL: no memory. */
struct pending_write *pending_write_open(const struct cache_bytes *key);
void pending_write_close(struct pending_write *w);

void pending_put(struct pending *p, struct pending_write *w);
void pending_drop(struct pending *p, struct drop *d);

/* The newest write of a key, under way or not; NULL: there is none. */
const struct pending_write *pending_find(const struct pending *p, const struct cache_bytes *key);
/* Might what Redis has under this key be what is to be taken out? */
bool pending_takes(const struct pending *p, const struct cache_bytes *key);

/* The next that need not wait, and whose key is not under way; it is under way now. NULL: none. */
struct pending_write *pending_next(struct pending *p, uint64_t now_ns);
void pending_done(struct pending *p, struct pending_write *w);
/* It failed, and is to be tried again, after the others, unless there is a newer one. */
void pending_again(struct pending *p, struct pending_write *w, uint64_t due_ns);
/* Its value is never to be had there: what there is of its key is to go. */
void pending_refused(struct pending *p, struct pending_write *w);

/* The first drop, which stays until it is done. NULL: there is none. */
const struct drop *pending_first_drop(const struct pending *p);
void pending_drop_done(struct pending *p);

void pending_counts_get(const struct pending *p, struct pending_counts *out);

#endif
