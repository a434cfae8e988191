/*
 * status - finds :status in the header blocks of one direction of a connection (RFC 7541).
 *
 * Threads:  one at a time per struct status; pure.
 * Memory:   160 bytes; no dynamic table is kept.
 * Errors:   a status that cannot be known is 0, never guessed.
 * Cost:     by fields: strings are passed over by their length.
 *
 * An index into the dynamic table counts back from the entry that came last, and only an entry that
 * is still there may be named. So it is enough to count what was inserted and to remember which of
 * it was a :status: sizes and evictions need not be followed.
 */
#ifndef PROTOCOL_STATUS_H
#define PROTOCOL_STATUS_H

#include <stddef.h>
#include <stdint.h>

#define STATUS_KEPT 16u /* of a server's statuses those inserted last; what is older reads as 0 */
#define STATUS_TEXT 3u

struct status_known {
	uint32_t number; /* of the insertion, from 1; 0: none */
	uint16_t status;
};

struct status {
	uint32_t inserted;
	uint32_t value; /* the integer being read, or bytes of a string still to come */
	struct status_known known[STATUS_KEPT];
	uint16_t found; /* in this block so far */
	uint8_t step;
	uint8_t shift; /* of the integer's next 7 bits */
	uint8_t field; /* first byte of the field, its form */
	uint8_t is_status;
	uint8_t huffman;
	uint8_t length; /* of the value, where it is a status */
	uint8_t got;
	uint8_t next; /* in known */
	uint8_t text[STATUS_TEXT];
};

void status_init(struct status *s);

/* A piece of a block. */
void status_read(struct status *s, const uint8_t *at, size_t n);

/* The block is over: its status, 0 where it has none or it is not known. */
uint16_t status_end(struct status *s);

#endif
