/*
 * mask - header blocks of requests without what they say in confidence (RFC 7541).
 *
 * Threads:  one at a time per struct mask: blocks of one direction of a connection, in their order.
 * Memory:   200 bytes.
 * Errors:   mask_is_bad: it makes no sense, and nothing more comes of it.
 * Cost:     by fields and by symbols of strings that Huffman's code packs.
 *
 * Of each string that is spelled out no more is kept than the names of what is kept, the method,
 * that it is gRPC, and the path up to its query: the rest is filler. Each string decodes to as many
 * bytes as before, so that a dynamic table filled by it holds and drops the same entries.
 * Of the table only what its last MASK_KNOWN entries are called is known; where a field takes its
 * name from one before them, nothing of its value is kept.
 */
#ifndef PROTOCOL_MASK_H
#define PROTOCOL_MASK_H

#include "huffman.h"

#include <ringside/abi.h>

#include <stddef.h>

#define MASK_FILLER 'a' /* no path begins with it */
#define MASK_KNOWN 64u
#define MASK_LENGTH_MOST 5u /* bytes of an integer */

struct mask {
	uint64_t known[2]; /* bits of enum mask_kind, by how many entries came later */
	uint64_t connects; /* which of them are the method CONNECT */
	struct huffman code;
	uint32_t value;   /* the integer being read, or bytes of a string still to come */
	uint32_t decoded; /* bytes of the string so far */
	uint32_t fill;    /* bytes of filler still to be put */
	uint32_t filled;
	uint8_t step; /* enum mask_step */
	uint8_t shift;
	uint8_t field; /* first byte of the field, its form */
	uint8_t kind;  /* enum mask_kind */
	uint8_t name;  /* of the field */
	uint8_t ends;  /* padding in the last byte of filler */
	bool huffman;
	bool keeping;
	bool packed;  /* the filler is */
	bool connect; /* the string is that method */
	bool tunnel;  /* the block has it */
	uint8_t kept; /* of the string's first bytes */
	uint8_t put;  /* of text */
	/* The length ahead of what is kept. */
	uint8_t text[MASK_LENGTH_MOST + RS_PATH_BYTES];
};

void mask_init(struct mask *m);

/* As much of *at … end as out has room for. Returns what was put there. */
size_t mask_read(struct mask *m, const uint8_t **at, const uint8_t *end, uint8_t *out, size_t room);

bool mask_waits(const struct mask *m); /* there is more to be put, without more input */
bool mask_is_bad(const struct mask *m);

/* The block is over: within a field that is bad. Does it ask for a tunnel, as CONNECT does? */
bool mask_end(struct mask *m);

#endif
