/*
 * put - what may be put into the cache: keys, times, types and tags as they must be.
 *
 * Threads:  pure functions.
 * Memory:   a value is the caller's reference.
 * Errors:   as cache_set: -EINVAL, -EFBIG, -ERANGE, -E2BIG, -ENOMEM.
 */
#ifndef CACHE_PUT_H
#define CACHE_PUT_H

#include "cache.h"

int put_check(const struct cache_put *put, const struct cache_config *config);

/* What was checked, as a value. */
int put_value(const struct cache_put *put, struct pack *pack, uint64_t version,
	      struct cache_value **out);

/* The tags of a value as names that point into it. How many; -E2BIG: it is none. */
int put_tags_read(const char *text, struct cache_bytes out[CACHE_TAGS]);

/* 1 to CACHE_TYPE bytes of visible ASCII and blanks: it goes into a header as it is. */
bool put_is_type(const char *type);

#endif
