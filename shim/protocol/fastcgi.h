/*
 * fastcgi - the records in one direction of a FastCGI connection (FastCGI 1.0 3.3), as events.
 *
 * Threads:  one at a time per struct fastcgi; pure.
 * Memory:   the struct; piece points into the input until the next call.
 * Errors:   FASTCGI_BAD: no record begins like this; the direction ends there.
 * Cost:     by records.
 */
#ifndef PROTOCOL_FASTCGI_H
#define PROTOCOL_FASTCGI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FASTCGI_HEAD_BYTES 8u

enum fastcgi_type {
	FASTCGI_BEGIN_REQUEST = 1,
	FASTCGI_ABORT_REQUEST,
	FASTCGI_END_REQUEST,
	FASTCGI_PARAMS,
	FASTCGI_STDIN,
	FASTCGI_STDOUT,
	FASTCGI_STDERR,
	FASTCGI_DATA,
	FASTCGI_GET_VALUES,
	FASTCGI_GET_VALUES_RESULT,
	FASTCGI_UNKNOWN_TYPE, /* what lies beyond is passed over */
};

enum fastcgi_event {
	FASTCGI_MORE,   /* all input is consumed */
	FASTCGI_RECORD, /* the head is complete: type, id and length are set */
	FASTCGI_PIECE,  /* a piece of its content */
	FASTCGI_END,    /* the record is complete */
	FASTCGI_BAD,
};

struct fastcgi {
	const uint8_t *piece;
	uint32_t piece_bytes;
	uint16_t length; /* of the content */
	uint16_t left;   /* of the content */
	uint16_t id;     /* of the request; 0: of the connection */
	uint8_t padding; /* bytes left behind the content */
	uint8_t type;
	uint8_t step; /* private */
	uint8_t got;  /* bytes of the head; 0: between two records, or in one */
	uint8_t head[FASTCGI_HEAD_BYTES];
};

void fastcgi_init(struct fastcgi *f);

/* Consume input from *at on, up to the next event. */
enum fastcgi_event fastcgi_next(struct fastcgi *f, const uint8_t **at, const uint8_t *end);

/* n bytes moved unseen: true in the content of one record; then ask for its end. */
bool fastcgi_skip(struct fastcgi *f, uint64_t n);

/* Are these the head of a BEGIN_REQUEST, as far as they go? */
bool fastcgi_is_begin(const uint8_t *bytes, size_t n);

#endif
