/*
 * capsule - a cached value as it lies in Redis: with its key, its tags, its times, and a checksum
 *           over all of it.
 *
 * Threads:  pure functions.
 * Memory:   capsule_make gives bytes of malloc; what capsule_read tells points into what was read.
 * Errors:   -EBADMSG: damaged, or none of ours; -ENOMEM.
 * Format:   little endian. 0 "RSC" and a version, 4 flags (1: packed), 5 a byte of 0, 6 length of
 *           the type (2), 8 of the key (4), 12 of the tags (4), 16 of the value as it is kept (8),
 *           24 as it came (8), 32 created (8, ms), 40 ttl (8, s), 48 checksum of the value (8), 56
 *           checksum of all the rest (8); then key, type and NUL, tags and NUL, the value.
 * Trust:    whoever can write to that Redis can make a good checksum: all is checked that goes into
 *           a header or is a length. A capsule that is good may be another key's: who asked looks.
 */
#ifndef CACHE_CAPSULE_H
#define CACHE_CAPSULE_H

#include "value.h"

#define CAPSULE_VALUE (UINT64_C(16) << 20) /* bytes of a value, kept or expanded */

struct capsule {
	struct cache_bytes key;
	struct cache_stored value;
	uint64_t ttl_s;
};

int capsule_make(const struct capsule *c, void **out, size_t *length);
/* Of how many bytes capsule_tags is sure to have enough: by the length of the key. */
#define CAPSULE_TAGS(key) (64 + (key) + CACHE_TYPE + 1 + CACHE_TAGS * (CACHE_TAG + 1))
/* As a value has them, of its first bytes, whose checksum cannot be known: to find it by. */
int capsule_tags(const void *bytes, size_t length, const char **out);
int capsule_read(const void *bytes, size_t length, struct capsule *out);

#endif
