/*
 * redis_wire - the bytes of a connection: questions written, answers read. The only user of
 * hiredis, of which it takes the reader alone: its connections end the process by an assertion
 * when an answer comes that nobody asked for, and know no limit of an answer's size.
 *
 * Threads:  a reader is one thread's.
 * Memory:   redis_wire_open allocates, redis_wire_close frees; an answer is the caller's, who gives
 *           it back with redis_value_free; a question is malloc's.
 * Errors:   -ELIBACC: there is no hiredis, or none that we know; -ENOMEM; as redis_wire_next says.
 */
#ifndef REDIS_WIRE_H
#define REDIS_WIRE_H

#include <stddef.h>
#include <stdint.h>

enum redis_type {
	REDIS_STRING = 1, /* as hiredis counts them */
	REDIS_ARRAY,
	REDIS_INTEGER,
	REDIS_NIL,
	REDIS_STATUS,
	REDIS_REFUSAL, /* an error reply, in text */
};

struct redis_value {
	enum redis_type type;
	int64_t number;             /* of an integer */
	size_t count;               /* of an array */
	struct redis_value **items; /* count of them, none NULL once it is whole */
	size_t length;              /* of text, without the NUL that ends it */
	char text[];
};

struct redis_text {
	const void *bytes;
	size_t length;
};

#define REDIS_TEXT(literal)                                                                        \
	(struct redis_text)                                                                        \
	{                                                                                          \
		(literal), sizeof(literal) - 1                                                     \
	}

struct redis_wire;

/* most_bytes: of one answer, all that it is made of. */
int redis_wire_open(struct redis_wire **out, size_t most_bytes);
void redis_wire_close(struct redis_wire *w); /* NULL is allowed */

int redis_wire_feed(struct redis_wire *w, const void *bytes, size_t length);

/* 1 and an answer; 0: it is not whole yet; -EMSGSIZE: it is too long; -EPROTO: it is none. */
int redis_wire_next(struct redis_wire *w, struct redis_value **out);
void redis_value_free(struct redis_value *v); /* NULL is allowed */

/* A question of these words, as RESP2; NULL: no memory. */
char *redis_wire_question(const struct redis_text *words, size_t count, size_t *length);

#endif
