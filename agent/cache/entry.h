/*
 * entry - what is kept under a key: its value, its tags and its time, made from what was put.
 *
 * Threads:  one owner.
 * Memory:   entry_open copies all that it is given; entry_close frees it.
 * Errors:   entry_check: as cache_set has them; entry_open: -ENOMEM.
 */
#ifndef CACHE_ENTRY_H
#define CACHE_ENTRY_H

#include "cache.h"
#include "evict.h"
#include "tags.h"

struct cache_entry {
	struct evict_node node; /* first: found by its address; its hash and bytes are set */
	struct cache_entry *chain;
	struct cache_value *value;
	uint64_t expires_ns; /* the cache's to set */
	size_t key_length, tag_count;
	struct tag_link *tags;
	unsigned char key[];
};

/* The cache's own, which an entry is made with. */
struct entry_means {
	struct tags *tags;
	struct pack *pack;
	const uint64_t *hash_key;
	uint64_t version; /* of its value */
};

int entry_check(const struct cache_put *put);

/* It carries its tags from now on, and hangs nowhere yet. */
int entry_open(struct cache_entry **out, const struct cache_put *put,
	       const struct entry_means *means);
void entry_close(struct cache_entry *e, struct tags *tags);

#endif
