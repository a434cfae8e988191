/*
 * status - finds :status and grpc-status in the header blocks of a server (RFC 7541).
 *
 * Threads:  one at a time per struct status; pure.
 * Memory:   170 bytes; no dynamic table is kept.
 * Errors:   a status that cannot be known is 0, never guessed.
 * Cost:     by fields: strings are passed over by their length.
 *
 * An index into the dynamic table counts back from the entry that came last, and only an entry that
 * is still there may be named. So it is enough to count what was inserted and to remember which of
 * it was one of the two: sizes and evictions need not be followed.
 */
#ifndef PROTOCOL_STATUS_H
#define PROTOCOL_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STATUS_KEPT 16u /* of what was inserted that which came last; older ones read as 0 */
#define STATUS_TEXT 3u
#define STATUS_NAME 11u /* grpc-status */

enum status_kind {
	STATUS_NONE,
	STATUS_HTTP,
	STATUS_GRPC,
};

struct status_known {
	uint32_t number; /* of the insertion, from 1; 0: none */
	uint16_t status; /* of grpc-status 1: another than 0 */
	uint8_t kind;    /* enum status_kind */
};

/* What a block had to say. */
struct status_said {
	uint16_t status; /* 0: it has none, or it is not known */
	bool grpc_failed;
};

struct status {
	uint32_t inserted;
	uint32_t value; /* the integer being read, or bytes of a string still to come */
	struct status_known known[STATUS_KEPT];
	struct status_said said; /* in this block so far */
	uint8_t step;
	uint8_t shift; /* of the integer's next 7 bits */
	uint8_t field; /* first byte of the field, its form */
	uint8_t kind;  /* enum status_kind */
	uint8_t huffman;
	uint8_t length; /* of name or value, where it may be of interest */
	uint8_t got;
	uint8_t next; /* in known */
	uint8_t text[STATUS_NAME];
};

void status_init(struct status *s);

/* A piece of a block. */
void status_read(struct status *s, const uint8_t *at, size_t n);

/* The block is over. */
struct status_said status_end(struct status *s);

#endif
