/*
 * connection - what the shim knows of one connection: its exchange, and to whom it belongs.
 *
 * Threads:  one owner per direction, taken for the length of a parse; who comes second does not
 *           wait: that direction counts as unparsed from there on.
 * Memory:   a pool of objects; descriptors of one connection share it by a count.
 * Errors:   NULL: no room, counted RS_UNPARSED_NO_MEMORY.
 * Cost:     two locked instructions a call.
 *
 * A fork child inherits a copy. It belongs to whoever moves bytes on it: a process that only closes
 * its copy reports nothing.
 */
#ifndef SHIM_CONNECTION_H
#define SHIM_CONNECTION_H

#include "exchange.h"

#include <ringside/abi.h>
#include <sys/uio.h>

enum connection_way {
	CONNECTION_READ,
	CONNECTION_WRITE,
};

struct dialect;

struct connection {
	_Alignas(64) _Atomic uint64_t link; /* the pool's */
	_Atomic uint8_t owned[2];           /* by enum connection_way */
	_Atomic uint8_t quiet[2];           /* nothing more is of interest */
	_Atomic uint8_t raced[2];           /* bytes went by while another thread was at it */
	_Atomic uint8_t path_taken;
	bool dropped;         /* closed without a word */
	bool shut;            /* this side writes no more */
	_Atomic bool shaking; /* secure, and its handshake is not over */
	bool declined;        /* its dialect was asked for, another is answered */
	_Atomic bool
		secure; /* its TLS library is seen: what moves on the descriptor is cipher text */
	_Atomic bool over[2]; /* as quiet, of the plain text */
	uint8_t inside;       /* enum rs_protocol: its client asked this one for TLS */
	uint8_t path_length;
	uint16_t serial; /* one more each time it is taken from the pool */
	_Atomic uint32_t references;
	uint32_t id;         /* 0: not told yet */
	uint32_t generation; /* of the process that moved its bytes last: guard_generation() */
	uint32_t forks;      /* connection_forks when it did */
	uint32_t requests;
	uint64_t t0; /* of the first request, or of a hello */
	_Atomic uint64_t bytes[2];
	struct dialect *_Atomic dialect; /* what it speaks instead of HTTP/1.x; NULL: nothing */
	struct exchange exchange;
	uint8_t path[RS_PATH_BYTES];
};

/* The word of the last TLS connection without a library that this thread read from; 0: none. */
extern __thread uint64_t connection_greeting
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

extern _Atomic uint32_t connection_forks; /* children of this process so far */

/* All of the following inside a guard. */
struct connection *connection_open(enum exchange_trust trust);
void connection_put(struct connection *c); /* a descriptor less */

/* Bytes that were moved; iov NULL: unseen. false: it is no HTTP and may be forgotten. */
bool connection_move(struct connection *c, enum connection_way way, const struct iovec *iov,
		     size_t bytes);
void connection_gone(struct connection *c, bool reset); /* end of file, or an error */
void connection_shutdown(struct connection *c);
void connection_lose(struct connection *c); /* its bytes move unseen from now on */

/*
 * TLS. A connection that was greeted by this random becomes secure: from then on connection_move
 * is not called for it, and its plain text passes through connection_move_plain. false: it is
 * another thread's just now.
 */
bool connection_is_greeted(const struct connection *c, const uint8_t random[HELLO_RANDOM]);
bool connection_secure(struct connection *c);
/* Its handshake is over; name: the host that the client asked for, as it did. */
void connection_shaken(struct connection *c, enum rs_tls version, const char *name, size_t n);
void connection_move_plain(struct connection *c, enum connection_way way, const struct iovec *iov,
			   size_t bytes);

/* Address below bit 48, serial number above: another one each time it is taken from the pool. */
static inline uint64_t connection_word(const struct connection *c)
{
	return (uint64_t)(uintptr_t)c | (uint64_t)c->serial << 48;
}

static inline struct connection *connection_peek(uint64_t word)
{
	return (struct connection *)(uintptr_t)(word & ((UINT64_C(1) << 48) - 1));
}

/* Does the word still stand for a connection that is open? */
static inline bool connection_stands(uint64_t word)
{
	const struct connection *c = connection_peek(word);

	return c && c->serial == word >> 48 &&
	       atomic_load_explicit(&c->references, memory_order_relaxed);
}

/* Fetches what the next bytes read pass through; an address that is none any more does no harm. */
static inline __attribute__((always_inline)) void connection_expect(const struct connection *c)
{
	const char *end = (const char *)&c->exchange.in;

	for (const char *line = (const char *)c; line <= end; line += 64)
		__builtin_prefetch(line, 1);
	__builtin_prefetch(&c->exchange.out, 1);
}

static inline bool connection_is_secure(const struct connection *c)
{
	return atomic_load_explicit(&c->secure, memory_order_relaxed);
}

static inline bool connection_is_shaking(const struct connection *c)
{
	return atomic_load_explicit(&c->shaking, memory_order_relaxed);
}

static inline void connection_get(struct connection *c)
{
	atomic_fetch_add_explicit(&c->references, 1, memory_order_relaxed);
}

#endif
