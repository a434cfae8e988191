/*
 * glob - a pattern over keys: * any bytes, ? one byte, \ takes the next as it is, all else literal.
 *
 * Threads:  any; a compiled pattern is only read.
 * Memory:   glob_open allocates (at most 34 KiB), glob_close frees.
 * Errors:   -EINVAL: empty, or longer than GLOB_BYTES; -ENOMEM.
 * Cost:     one step of GLOB_BYTES / 64 words for each byte of a key, whatever the pattern: no
 *           pattern makes a long key take long. All states at once (shift-and, Baeza-Yates and
 *           Gonnet: A New Approach to Text Searching, CACM 1992), a star being a state that stays.
 */
#ifndef CACHE_GLOB_H
#define CACHE_GLOB_H

#include <stdbool.h>
#include <stddef.h>

#define GLOB_BYTES 1024u

struct glob;

int glob_open(struct glob **out, const void *pattern, size_t length);
void glob_close(struct glob *g); /* NULL is allowed */
bool glob_matches(const struct glob *g, const void *key, size_t length);

#endif
