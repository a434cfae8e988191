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

struct multiplex;

struct connection {
	_Alignas(64) _Atomic uint64_t link; /* the pool's */
	_Atomic uint8_t owned[2];           /* by enum connection_way */
	_Atomic uint8_t quiet[2];           /* nothing more is of interest */
	_Atomic uint8_t raced[2];           /* bytes went by while another thread was at it */
	_Atomic uint8_t path_taken;
	bool dropped; /* closed without a word */
	bool shut;    /* this side writes no more */
	uint8_t path_length;
	uint16_t serial; /* one more each time it is taken from the pool */
	_Atomic uint32_t references;
	uint32_t id;         /* 0: not told yet */
	uint32_t generation; /* of the process that moved its bytes last: guard_generation() */
	uint32_t forks;      /* connection_forks when it did */
	uint32_t requests;
	uint64_t t0; /* the first request's */
	_Atomic uint64_t bytes[2];
	struct multiplex *_Atomic multiplex; /* it speaks HTTP/2; NULL: it does not */
	struct exchange exchange;
	uint8_t path[RS_PATH_BYTES];
};

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

static inline void connection_get(struct connection *c)
{
	atomic_fetch_add_explicit(&c->references, 1, memory_order_relaxed);
}

#endif
