/*
 * clears - the clears that are under way: what each of them takes, and how many it took.
 *
 * Threads:  one owner.
 * Memory:   a clear has its pattern, a copy of its prefix, or the tags that it took out of the
 *           index, until it is over and who asked for it was told or has left. clears_fini frees
 *           all, when no entry is left.
 * Errors:   -EBUSY: there are CLEARS_MOST, or CLEARS_WAITED that somebody waits for; -ENOMEM;
 *           -EAGAIN: it is not over; -ENOENT: there is none.
 * Order:    a clear takes what was there when it began, and nothing that came later: by the version
 *           of its value, or as it carries a name that is the clear's alone by now. What several
 *           take is the oldest one's.
 */
#ifndef CACHE_CLEARS_H
#define CACHE_CLEARS_H

#include "entry.h"

#define CLEARS_MOST 16u
#define CLEARS_WAITED 8u /* half of them: of requests, far more may wait (FRONT_LATER) */

struct clear {
	uint64_t id;
	uint64_t version; /* of the newest value that it takes */
	uint64_t now_ns;  /* when it began */
	const void *who;  /* waits to be told; NULL: nobody does */
	struct glob *pattern;
	unsigned char *prefix;
	size_t prefix_length;
	struct tag *tags; /* names that it has taken, with what carries them */
	uint64_t chains;  /* of the table that are still to be looked through for it */
	uint64_t count;   /* of what it took */
};

struct clears {
	struct clear items[CLEARS_MOST]; /* the oldest first */
	size_t count;
	uint64_t id; /* of the last one */
};

/* What there is when one begins. */
struct clears_from {
	struct tags *tags;
	uint64_t version, chains;
};

/* As long as it is, what is under way has to be done before another one begins. */
bool clears_is_full(const struct clears *c);

int clears_begin(struct clears *c, const struct cache_clear *what, const struct clears_from *from);
void clears_fini(struct clears *c);

/* The one that takes this entry; NULL: none does. */
struct clear *clears_claim(struct clears *c, const struct cache_entry *e);

/* What is to be done: a link of an entry to be taken, NULL: there is none; … */
struct tag_link *clears_link(struct clears *c);
/* … whether the table is to be looked through, and that a chain of it was, one behind the other. */
bool clears_want_chains(const struct clears *c);
void clears_chain_done(struct clears *c);

/* Once, how many the clear of this one took. */
int clears_tell(struct clears *c, const void *who, uint64_t *count);
void clears_leave(struct clears *c, const void *who); /* it goes on all the same */

#endif
