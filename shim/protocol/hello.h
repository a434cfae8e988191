/*
 * hello - a connection that begins with the ClientHello of TLS, and the random that names it.
 *
 * Threads:  one at a time per struct hello; got may be looked at by others; pure.
 * Memory:   none.
 * Errors:   none: what is no hello is HELLO_NONE from there on.
 * Cost:     a compare on a connection's first read; nothing later.
 *
 * The random is 32 bytes of the client's choice, sent in the clear (RFC 8446 4.1.2). The library
 * that answers knows it too: so cipher text and plain text are brought together, however the bytes
 * came from the one to the other. Input is cut anywhere; a hello in two records is not recognised.
 */
#ifndef PROTOCOL_HELLO_H
#define PROTOCOL_HELLO_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HELLO_RANDOM 32u
#define HELLO_RANDOM_AT 11u /* record head 5, message head 4, version 2 */
#define HELLO_BYTES (HELLO_RANDOM_AT + HELLO_RANDOM)
#define HELLO_NONE 255u

struct hello {
	_Atomic uint8_t got; /* bytes so far, HELLO_BYTES: all, or HELLO_NONE */
	uint8_t random[HELLO_RANDOM];
};

void hello_read(struct hello *h, const uint8_t *at, size_t n);

/* Are these the first bytes of one, as far as they go? */
bool hello_begins(const uint8_t *at, size_t n);

/* More of it may come. */
static inline bool hello_is_open(const struct hello *h)
{
	return atomic_load_explicit(&h->got, memory_order_relaxed) < HELLO_BYTES;
}

/* Its first byte was there, and what followed fits. */
static inline bool hello_is_heard(const struct hello *h)
{
	uint8_t got = atomic_load_explicit(&h->got, memory_order_relaxed);

	return got && got <= HELLO_BYTES;
}

static inline bool hello_is_whole(const struct hello *h)
{
	return atomic_load_explicit(&h->got, memory_order_relaxed) == HELLO_BYTES;
}

#endif
