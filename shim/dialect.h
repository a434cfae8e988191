/*
 * dialect - what a connection speaks that is no HTTP/1.x, as its first bytes told.
 *
 * Threads:  as connection.h: one owner per direction, taken there.
 * Memory:   an object of its maker's pool per connection, given back when the connection ends.
 * Errors:   as its maker has them.
 * Cost:     an indirect call a move.
 */
#ifndef SHIM_DIALECT_H
#define SHIM_DIALECT_H

#include "connection.h"

struct dialect_ops {
	/* Bytes that moved; at NULL: unseen. false: no more of this direction is of interest. */
	bool (*move)(struct connection *c, enum connection_way way, const uint8_t *at, size_t n);
	/* Bytes about to be written: does the server speak HTTP/1.x, or nothing we know? */
	bool (*declines)(struct connection *c, const uint8_t *at, size_t n);
	void (*lose)(struct connection *c, enum connection_way way);
	uint32_t (*waiting)(const struct connection *c); /* requests without their whole answer */
	uint32_t (*adopt)(struct connection *c);         /* as exchange_adopt */
	void (*end)(struct connection *c);               /* no more will be answered */
	void (*close)(struct connection *c);
	uint8_t (*protocol)(const struct connection *c); /* enum rs_protocol */
};

/* What its maker's object begins with. */
struct dialect {
	uint64_t link; /* the pool's */
	const struct dialect_ops *ops;
};

/*
 * Does the connection begin here? Of bytes read: exchange_read has just refused them, call is its
 * own. Of bytes written: the first of all. If so, they are parsed, and *more is as of a move.
 */
bool dialect_begins(struct connection *c, enum connection_way way, const uint8_t *at, size_t n,
		    const struct exchange_call *call, bool *more);

/* false: the other direction has begun one of its own just now. */
bool dialect_take(struct connection *c, struct dialect *d);

#endif
