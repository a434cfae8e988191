/*
 * value - what an entry holds: its bytes, packed or not, and what is told with them. It never
 *         changes, so that a reply may be sent from it while its entry is long gone.
 *
 * Threads:  one owner; references are plain numbers.
 * Memory:   cache_value_open copies, the last cache_value_put frees.
 * Errors:   -ENOMEM; -EBADMSG: it cannot be expanded.
 */
#ifndef CACHE_VALUE_H
#define CACHE_VALUE_H

#include "pack.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cache_bytes {
	const void *at;
	size_t length;
};

/* What a value is made of; all borrowed. */
struct cache_parts {
	struct cache_bytes bytes;
	const char *type; /* of the content */
	const char *tags; /* parted by single blanks, "": none */
	uint64_t version;
	int64_t created_ms;
};

struct cache_value {
	uint32_t references;
	bool packed;
	size_t length, stored; /* of its bytes, and as they are kept */
	uint64_t version;      /* larger than that of any value before */
	uint64_t checksum;     /* of its bytes and type: the same in every agent */
	int64_t created_ms;
	const char *type, *tags;
	unsigned char bytes[];
};

/* What does not pay or cannot be packed stays as it is. */
int cache_value_open(struct cache_value **out, struct pack *pack, const struct cache_parts *parts);

/* As another agent made it. */
struct cache_stored {
	struct cache_bytes bytes; /* as they are kept */
	const char *type, *tags;  /* as in cache_parts */
	size_t length;            /* as they came: more than are kept if they are packed */
	bool packed;
	uint64_t checksum;
	int64_t created_ms;
};

int cache_value_restore(struct cache_value **out, const struct cache_stored *stored);
struct cache_value *cache_value_get(struct cache_value *v);
void cache_value_put(struct cache_value *v); /* NULL is allowed */

/* All memory that it takes. */
size_t cache_value_size(const struct cache_value *v);

/* Its bytes as they came, for the caller to free; only of one that is packed. */
int cache_value_expand(const struct cache_value *v, struct pack *pack, void **out);

#endif
