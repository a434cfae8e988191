/*
 * memcached - a connection of a memcached server, text, meta or binary: which command is answered
 * by what.
 *
 * Threads:  as pairs.h.
 * Memory:   as pairs.h.
 * Errors:   as pairs.h. What is lost stays lost.
 * Cost:     commands by bytes, values by count; one look at the clock a call.
 *
 * A get of many keys is one request. What asks for no answer (noreply, the q of meta commands, the
 * quiet opcodes) is over when it was read; an answer that comes nevertheless (a hit, an error) adds
 * its bytes to the next one. Keys and values are passed over.
 */
#ifndef PROTOCOL_MEMCACHED_H
#define PROTOCOL_MEMCACHED_H

#include "pairs.h"
#include "vocabulary.h"

#define MEMCACHED_HEAD 24u /* of a binary message */
#define MEMCACHED_LINE_MOST (1u << 20)
#define MEMCACHED_VALUE_MOST 0x7ffffffdu /* as memcached has it */

/* One direction. */
struct memcached_way {
	uint64_t t0;    /* the first byte of what is in progress */
	uint64_t bytes; /* of it */
	uint64_t left;  /* of a value or a body */
	uint64_t size;  /* what its line says that follows */
	bool begun;
	bool sized;   /* size is one */
	uint8_t kind; /* of what is in progress */
	uint8_t head_bytes;
	uint8_t head[MEMCACHED_HEAD];
	struct words words;
};

struct memcached {
	struct pairs pairs;
	bool binary;
	bool quiet;     /* what is being read asks for no answer */
	bool hushed;    /* something did: answers to nothing may come */
	bool unpaired;  /* the reader's: behind what turns the connection into a stream */
	bool streaming; /* the writer's: and it was answered */
	const struct vocabulary *command;
	struct memcached_way in;
	struct memcached_way out;
};

void memcached_init(struct memcached *m);

/* Are these the first bytes of a client of memcached? A text line is whole. */
bool memcached_begins(const uint8_t *at, size_t n);

/* Are the next bytes written those of no memcached? */
bool memcached_declines(const struct memcached *m, const uint8_t *at, size_t n);

/* false: nothing more of this direction is of interest. */
bool memcached_read(struct memcached *m, struct pairs_call *call, const uint8_t *at, size_t n);
bool memcached_write(struct memcached *m, struct pairs_call *call, const uint8_t *at, size_t n);

void memcached_close(struct memcached *m, struct pairs_call *call, bool client_gone);

#endif
