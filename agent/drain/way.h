/*
 * way - one direction of a connection: where in it we are, and the bytes that are ahead.
 *
 * Threads:  the drain thread.
 * Memory:   a value, zero at first; pieces_clear of its pieces frees.
 * Errors:   none: bytes that were never seen are a gap.
 */
#ifndef DRAIN_WAY_H
#define DRAIN_WAY_H

#include "pieces.h"

#include <stdbool.h>

struct way {
	struct pieces pieces;
	uint32_t at; /* TCP's position of what moves next */
	bool known;
};

void way_begin(struct way *y, uint32_t at);

/* What moved, length bytes up to this position; how far we go by that. */
uint32_t way_to(struct way *y, uint32_t to, uint32_t length);

/*
 * On the way there: the next bytes, which y->at is behind then, NULL: unseen ones. False: we are.
 * Borrowed until the next call, in which the pieces behind us go.
 */
bool way_next(struct way *y, uint32_t to, uint32_t length, const uint8_t **text, uint32_t *bytes);

#endif
