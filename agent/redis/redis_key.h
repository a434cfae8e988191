/*
 * redis_key - which of a cluster's slots a key is in, and patterns that reach our own keys alone.
 *
 * Threads:  pure functions.
 * Memory:   the caller's.
 * Errors:   -ENOSPC: it does not fit.
 */
#ifndef REDIS_KEY_H
#define REDIS_KEY_H

#include <stddef.h>
#include <stdint.h>

#define REDIS_SLOTS 16384u

/* CRC16 (XMODEM) of the key, or of its hash tag: what the first { and the next } enclose. */
uint16_t redis_key_slot(const void *key, size_t length);

/*
 * A pattern of ours (* and ?, \ takes the next as it is, all else is literal) as one of Redis's
 * behind the prefix: its brackets are escaped, and so is a \ that nothing follows. Its length.
 */
int redis_key_pattern(const char *prefix, const void *pattern, size_t length, char *out,
		      size_t size);

#endif
