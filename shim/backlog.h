/*
 * backlog - pieces of header blocks that found their lane full, in order until it has room.
 *
 * Threads:  one at a time per struct backlog: its connection's reader.
 * Memory:   as it stands, BACKLOG_BYTES.
 * Errors:   false: there is no room.
 * Cost:     nothing as long as lanes have room.
 */
#ifndef SHIM_BACKLOG_H
#define SHIM_BACKLOG_H

#include "emit.h"

#define BACKLOG_BYTES 2048u /* what a client says first, several times over */

struct backlog {
	uint32_t used;
	uint8_t bytes[BACKLOG_BYTES];
};

static inline bool backlog_is_empty(const struct backlog *b)
{
	return !b->used;
}

/* Of the piece: its bytes, stream and last. */
bool backlog_put(struct backlog *b, const struct emit_piece *piece);

/* Emits what is there with numbers from *number on, as far as the lane has room. */
void backlog_send(struct backlog *b, uint32_t connection, uint32_t *number);

#endif
