/*
 * frame - the frames in one direction of an HTTP/2 connection (RFC 9113 4), as events.
 *
 * Threads:  one at a time per struct frame; pure.
 * Memory:   56 bytes; piece points into the input until the next call.
 * Errors:   FRAME_BAD: no HTTP/2, or an error of the connection; the direction ends there.
 * Cost:     by frames, not by bytes. A length is believed up to its 24 bits, since nothing is kept.
 */
#ifndef PROTOCOL_FRAME_H
#define PROTOCOL_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_HEAD_BYTES 9u
#define FRAME_PREFACE_BYTES 24u
#define FRAME_LINE_BYTES 16u /* of the preface, what reads as a request line, with its end */
#define FRAME_PREFIX_MOST 6u /* pad length, dependency and weight */

enum frame_type {
	FRAME_DATA,
	FRAME_HEADERS,
	FRAME_PRIORITY,
	FRAME_RST_STREAM,
	FRAME_SETTINGS,
	FRAME_PUSH_PROMISE,
	FRAME_PING,
	FRAME_GOAWAY,
	FRAME_WINDOW_UPDATE,
	FRAME_CONTINUATION,
	FRAME_TYPES, /* what lies beyond is passed over */
};

enum frame_flag {
	FRAME_END_STREAM = 0x1, /* of DATA and HEADERS; of SETTINGS and PING it is ACK */
	FRAME_END_HEADERS = 0x4,
	FRAME_PADDED = 0x8,
	FRAME_WITH_PRIORITY = 0x20,
};

enum frame_event {
	FRAME_MORE,  /* all input is consumed */
	FRAME_BEGIN, /* the head is complete: type, flags and stream are set */
	FRAME_BLOCK, /* a piece of a header block: piece, piece_bytes, and last at its end */
	FRAME_END,   /* the frame is complete; word is what a RST_STREAM or a GOAWAY begins with */
	FRAME_BAD,
};

enum frame_step {
	FRAME_AT_PREFACE,
	FRAME_AT_HEAD,
	FRAME_AT_PREFIX,
	FRAME_AT_BODY,
	FRAME_AT_BAD,
};

struct frame {
	const uint8_t *piece;
	uint32_t piece_bytes;
	uint32_t left; /* of the payload, padding included */
	uint32_t stream;
	uint32_t word;
	uint32_t block; /* the stream whose header block goes on in a CONTINUATION; 0: none */
	uint8_t step;   /* enum frame_step */
	uint8_t got;    /* bytes of the preface, the head or the prefix */
	uint8_t prefix; /* bytes ahead of a body: pad length, priority, promised stream */
	uint8_t padding;
	uint8_t type;
	uint8_t flags;
	bool ends;    /* END_STREAM of the HEADERS that the block began with */
	bool settled; /* the first frame was SETTINGS, as it must be */
	bool last;    /* the block ends with this piece */
	bool told;    /* the last piece of this frame was */
	uint8_t text[FRAME_HEAD_BYTES];
};

/* skip: bytes of the client's preface that were read already; FRAME_PREFACE_BYTES: all, or none. */
void frame_init(struct frame *f, uint8_t skip);

/* Consume input from *at on, up to the next event. */
enum frame_event frame_next(struct frame *f, const uint8_t **at, const uint8_t *end);

/* n bytes moved unseen: in a DATA frame FRAME_MORE, then ask for its end; else FRAME_BAD. */
enum frame_event frame_skip(struct frame *f, uint64_t n);

/* Are these what a server begins with: the head of a SETTINGS frame? */
bool frame_is_settings(const uint8_t *bytes, size_t n);

/* Is this line, without its end, what the client's preface begins with? */
bool frame_is_preface(const uint8_t *line, size_t n);

#endif
