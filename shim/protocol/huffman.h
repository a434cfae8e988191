/*
 * huffman - the code of strings in header blocks (RFC 7541 appendix B), a byte at a time.
 *
 * Threads:  one at a time per struct huffman; pure.
 * Memory:   the struct.
 * Errors:   HUFFMAN_BAD, and huffman_ends: a string that is none.
 * Cost:     a few comparisons a symbol.
 */
#ifndef PROTOCOL_HUFFMAN_H
#define PROTOCOL_HUFFMAN_H

#include <stdbool.h>
#include <stdint.h>

#define HUFFMAN_MORE (-1) /* the next symbol is not whole */
#define HUFFMAN_BAD (-2)  /* the one that no string has */

struct huffman {
	uint64_t bits; /* the lowest count are still to be read */
	uint32_t count;
};

static inline void huffman_put(struct huffman *h, uint8_t byte)
{
	h->bits = h->bits << 8 | byte;
	h->count += 8;
}

/* The next symbol, 0 … 255; ask until there is none, or less than a byte could be put. */
int huffman_next(struct huffman *h);

/* Behind the last symbol: is what is left the padding that a string may have? */
static inline bool huffman_ends(const struct huffman *h)
{
	uint64_t ones = (UINT64_C(1) << (h->count & 7)) - 1;

	return h->count < 8 && (h->bits & ones) == ones;
}

#endif
