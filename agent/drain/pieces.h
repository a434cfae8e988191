/*
 * pieces - bytes of one direction of a connection, by their TCP positions, until they are wanted.
 *
 * Threads:  the drain thread.
 * Memory:   pieces_clear frees; bytes are copied, PIECES_BYTES at most, and of each piece
 *           PIECES_BESIDES more are counted: packets of one byte are bounded, too.
 * Errors:   what finds no room is left out: a gap, as of bytes that were never seen.
 */
#ifndef DRAIN_PIECES_H
#define DRAIN_PIECES_H

#include <stdint.h>

#define PIECES_BYTES (256u * 1024) /* what a client sends ahead of its server's reading */
#define PIECES_BESIDES 128u        /* its own memory, and the time in which it is passed by */

struct piece;

struct pieces {
	struct piece *first, *last; /* by their positions */
	uint32_t bytes;             /* as pieces_cost has it */
};

static inline uint32_t pieces_cost(uint32_t bytes)
{
	return bytes + PIECES_BESIDES;
}

void pieces_put(struct pieces *p, uint32_t at, const uint8_t *text, uint32_t bytes);
void pieces_clear(struct pieces *p);

/* The bytes from here on, or NULL: a gap. *bytes: how many, at most that many of them. */
const uint8_t *pieces_at(const struct pieces *p, uint32_t at, uint32_t *bytes);

void pieces_drop(struct pieces *p, uint32_t before); /* they are not wanted any more */

/* How far b is ahead of a: positions wrap. */
static inline int32_t pieces_ahead(uint32_t a, uint32_t b)
{
	return (int32_t)(b - a);
}

#endif
