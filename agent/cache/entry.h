/*
 * entry - what is kept under a key: its value, its tags and its time.
 *
 * Threads:  one owner.
 * Memory:   entry_open copies the key and takes the value over, also where it fails; entry_close
 *           frees them.
 * Errors:   -ENOMEM.
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
	uint64_t expires_ns; /* no look finds it from then on; as gone_ns the cache's to set */
	uint64_t gone_ns;    /* it leaves; never before */
	bool absent;         /* it says that there is none */
	size_t key_length, tag_count;
	struct tag_link *tags;
	unsigned char key[];
};

/* The cache's own, which an entry is made with. */
struct entry_means {
	struct tags *tags;
	const uint64_t *hash_key;
};

/* Of a put its key and tags: it carries them from now on, and hangs nowhere yet. */
int entry_open(struct cache_entry **out, const struct cache_put *put, struct cache_value *v,
	       const struct entry_means *means);
void entry_close(struct cache_entry *e, struct tags *tags);

#endif
