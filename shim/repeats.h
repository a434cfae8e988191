/*
 * repeats - header blocks that a connection has sent before and that still mean the same.
 *
 * Threads:  find, place, keep and forget are the reader's; release anybody's.
 * Memory:   as it stands, RS_PLACES blocks of REPEATS_BYTES at most, as they were read: it is the
 *           process's own, nothing of it is shared.
 * Errors:   0: not known, or not to be kept.
 * Cost:     a hash of the block, and a look at RS_PLACES words.
 *
 * A block that changes nothing in the dynamic table (indexing.h) means what it did as long as no
 * other changes it (RFC 7541 2.2): until then the same bytes need not be sent to the agent again.
 * Settings alone change nothing: a table of another size is announced in a block (RFC 7541 4.2).
 * A place is not taken from a block while a request refers to it, so that the agent has it still.
 */
#ifndef SHIM_REPEATS_H
#define SHIM_REPEATS_H

#include <ringside/abi.h>
#include <stdbool.h>
#include <stddef.h>

#define REPEATS_BYTES 53u /* a cache line; what is said again and again is short */
#define REPEATS_PLACE_BITS 4u

struct repeats_block {
	_Atomic uint32_t open; /* requests that refer to it */
	uint32_t number;       /* of its piece + 1 */
	uint8_t valid;
	uint8_t used; /* since the hand passed */
	uint8_t length;
	uint8_t bytes[REPEATS_BYTES];
};

struct repeats {
	uint32_t hash[RS_PLACES];
	uint32_t hand; /* the place that is looked at next, when one is wanted */
	struct repeats_block blocks[RS_PLACES];
};

/* A word for a block that is kept: released once its request is over. 0: none. */
uint32_t repeats_find(struct repeats *r, const uint8_t *bytes, size_t n);

/* Where a block that changes nothing can be kept, from 1; 0: nowhere. */
uint8_t repeats_place(struct repeats *r, size_t n, uint32_t number);

/* It was sent, by this number and place. As of find. */
uint32_t repeats_keep(struct repeats *r, uint8_t place, uint32_t number, const uint8_t *bytes,
		      size_t n);

void repeats_forget(struct repeats *r); /* the dynamic table is another one */
void repeats_release(struct repeats *r, uint32_t word);

/* As in rs_block_of. */
static inline uint32_t repeats_block_of(uint32_t word)
{
	return word >> REPEATS_PLACE_BITS;
}

#endif
