/*
 * tags - which entries carry a tag: an index from its name to them.
 *
 * Threads:  one owner.
 * Memory:   tags_open allocates the table, tags_add a name at its first entry; it is freed with its
 *           last one, so that there are never more names than links. Links are the caller's. A name
 *           that was taken is freed by tags_rest.
 * Errors:   -ENOMEM.
 */
#ifndef CACHE_TAGS_H
#define CACHE_TAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tag;

struct tag_link {
	struct tag *tag; /* NULL: in none */
	struct tag_link *before, *after;
	void *owner;
};

struct tags {
	struct tag **buckets;
	uint64_t mask;
	uint64_t key[2];
	uint64_t count; /* names */
};

int tags_open(struct tags *t, uint32_t buckets, const uint64_t key[2]);
void tags_close(struct tags *t); /* no link is left in it */

int tags_add(struct tags *t, const char *name, size_t length, struct tag_link *link);
void tags_drop(struct tags *t, struct tag_link *link); /* one in none is left alone */

/* What a name of that length takes, once for all of its links. */
size_t tags_size(size_t length);

/*
 * Takes a name out of the index, with all that carry it, in front of *list: whoever is given that
 * name next has nothing to do with them. by: not 0. False: nothing carries it.
 */
bool tags_take(struct tags *t, const char *name, size_t length, uint64_t by, struct tag **list);
uint64_t tags_taker(const struct tag_link *link); /* 0: its name is in the index */

/* A link that is left of those that were taken, NULL: none is; frees names that have none. */
struct tag_link *tags_rest(struct tag **list);

/* The first link of a name; the others by after. NULL: nothing carries it. */
struct tag_link *tags_first(const struct tags *t, const char *name, size_t length);

#endif
