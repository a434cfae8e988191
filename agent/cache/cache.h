/*
 * cache - the memory tier: values by key for a while, within limits of items and of bytes.
 *
 * Threads:  one owner, the web thread, which serves from it without a lock; cache_second by one
 *           other, cache_counts_get and cache_window by any.
 * Memory:   cache_open allocates, cache_close frees what is in it. A value that was handed out is a
 *           reference of the caller's and outlives its entry.
 * Errors:   0 or -errno: -EINVAL key, -EFBIG value, -ERANGE time to live, -E2BIG tags or pattern,
 *           -ENOSPC: larger than all the room there is; -ENOMEM; -EBUSY: too many clears are waited
 *           for. What is refused changes nothing.
 * Keys:     1 … 65,536 bytes of any kind.
 * Time:     CLOCK_MONOTONIC is the caller's to give: a step of the wall clock expires nothing. An
 *           entry lives while less than its time passed, whole seconds from 1 to CACHE_TTL_MAX_S;
 *           "for ever" is not to be had: what nobody looks at any more must go by itself.
 * Clears:   take what is there when they are asked for, all of it in that moment: nothing of it is
 *           found from then on, and nothing that is set later is touched. What is much leaves
 *           memory in pieces of a millisecond or two (cache_run); how many went is known at the
 *           end.
 * Lapsed:   an entry may be kept for a while when its time is over, or be the word that there is
 *           none: no look finds either, and no count of what was taken out has it.
 * Behind:   a miss is an answer about this tier alone. Whoever finds the value elsewhere, in its
 *           own time, puts it in by cache_adopt.
 */
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include "rates.h"
#include "value.h"

#define CACHE_KEY_MAX 65536u
#define CACHE_TTL_MAX_S UINT64_C(31536000) /* a year of 365 days */
#define CACHE_TAGS 16u                     /* of one entry */
#define CACHE_TAG 128u                     /* bytes: 0x21 … 0x7e without the comma */
#define CACHE_TYPE 255u                    /* bytes of a content type */

struct cache;
struct glob;

struct cache_config {
	uint32_t max_items;
	uint64_t max_bytes; /* of entries with all that they take, the names of their tags too */
	size_t max_value;
	uint64_t ttl_s;      /* of an entry that does not say */
	uint64_t cleanup_ns; /* between two looks for what is over */
	bool compression;
	size_t compression_from; /* bytes */
	int compression_level;
};

struct cache_counts {
	uint64_t hits, misses; /* of looks */
	uint64_t found;        /* misses whose value was found behind */
	uint64_t sets, deletes;
	uint64_t errors; /* values that could not be kept or expanded */
	uint64_t evictions, expired;
	uint64_t invalidations; /* entries that a clear or an invalidation took */
	uint64_t items, bytes;  /* now */
	uint64_t packed, packed_raw,
		packed_stored; /* now: entries, their bytes, as they are kept */
	uint64_t max_items, max_bytes;
};

/* A key and what is to be kept under it; all borrowed. tags: count names. */
struct cache_put {
	struct cache_bytes key, value;
	const char *type; /* visible ASCII and blanks, at most CACHE_TYPE */
	const struct cache_bytes *tags;
	size_t tag_count;
	uint64_t ttl_s;   /* 0: the usual one */
	uint64_t lapse_s; /* beyond it, for cache_lapsed */
	bool absent;      /* there is none, for cache_is_absent; value and type: empty */
	uint64_t now_ns;
	int64_t wall_ms;
};

/*
 * What a clear takes: what a pattern fits or what begins with a prefix, what has one of the tags,
 * and the entries of the keys; borrowed, but for the pattern, which goes over to it.
 */
struct cache_clear {
	struct glob *pattern;      /* NULL: … */
	struct cache_bytes prefix; /* at NULL: none */
	const struct cache_bytes *tags, *keys;
	size_t tag_count, key_count;
	const void *who; /* asks for how many went; NULL: nobody does, and it is never refused */
	uint64_t now_ns;
};

int cache_open(struct cache **out, const struct cache_config *config);
void cache_close(struct cache *c); /* NULL is allowed */
const struct cache_config *cache_config_get(const struct cache *c);

int cache_set(struct cache *c, const struct cache_put *put);

/* NULL: it is not there. *left_ns: what is left of its time. */
struct cache_value *cache_get(struct cache *c, const struct cache_bytes *key, uint64_t now_ns,
			      uint64_t *left_ns);
/* The same without being one of the looks that are counted, and that keep it in memory. */
struct cache_value *cache_peek(struct cache *c, const struct cache_bytes *key, uint64_t now_ns,
			       uint64_t *left_ns);
void cache_found(struct cache *c); /* a look that missed was answered after all */

/* Of a key that a look did not find: is it known that there is none? */
bool cache_is_absent(struct cache *c, const struct cache_bytes *key, uint64_t now_ns);
/* … is there one whose time is over, by *over_ns, and that is still kept? */
struct cache_value *cache_lapsed(struct cache *c, const struct cache_bytes *key, uint64_t now_ns,
				 uint64_t *over_ns);

/* What is left of its time. */
struct cache_lease {
	uint64_t now_ns, left_ns; /* left_ns: from 1 on */
};

/* A value from behind is kept as if it had been put in; v stays the caller's reference too. */
int cache_adopt(struct cache *c, const struct cache_bytes *key, struct cache_value *v,
		const struct cache_lease *lease);

int cache_expand(struct cache *c, const struct cache_value *v, void **out);

/* Why no value is packed although they should be; NULL: nothing is wrong. The owner's to ask. */
const char *cache_pack_problem(const struct cache *c);

bool cache_delete(struct cache *c, const struct cache_bytes *key, uint64_t now_ns);

uint64_t cache_invalidate_key(struct cache *c, const struct cache_bytes *key, uint64_t now_ns);

int cache_clear(struct cache *c, const struct cache_clear *clear);

/*
 * How many went with the clear of this one, those not that were over anyway: told once. -EAGAIN: it
 * is not done; -ENOENT: there is none. Who does not wait for it any more leaves; it goes on.
 */
int cache_cleared(struct cache *c, const void *who, uint64_t *count);
void cache_leave(struct cache *c, const void *who);

/*
 * Takes what is cleared and what is over, a piece at a time. Milliseconds until it wants to run
 * again; -1: never.
 */
int cache_run(struct cache *c, uint64_t now_ns);

void cache_counts_get(const struct cache *c, struct cache_counts *out);
void cache_second(struct cache *c, uint64_t now_ns);
void cache_window(struct cache *c, uint64_t from_ns, uint64_t to_ns, struct rates_counts *out);

#endif
