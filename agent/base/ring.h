/*
 * ring - reads a ring of the kernel through its mapping, without a bpf() call.
 *
 * Threads:  one reader at a time; the kernel writes.
 * Memory:   ring_open maps, ring_close unmaps; the descriptor stays the caller's.
 * Errors:   0 or -errno.
 * Format:   the kernel's: a page with the reader's position, one with the writer's, then the data
 *           mapped twice in a row, so that no record is cut. A record is a word with its length and
 *           two flags, a word of the kernel's own, its bytes, up to the next multiple of 8.
 */
#ifndef BASE_RING_H
#define BASE_RING_H

#include <stddef.h>
#include <stdint.h>

struct ring;

typedef void (*ring_fn)(void *ctx, const void *record, size_t bytes);

int ring_open(struct ring **out, int fd, uint32_t bytes); /* -EINVAL: not a power of two */
void ring_close(struct ring *r);                          /* NULL is fine */

/* Hands on what is complete; a record is good until the callback returns. How many it were. */
uint32_t ring_read(struct ring *r, ring_fn each, void *ctx);

#endif
