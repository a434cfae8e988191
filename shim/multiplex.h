/*
 * multiplex - an HTTP/2 connection, cleartext or plain text of TLS: from frames to what is emitted.
 *
 * Threads:  as connection.h: one owner per direction, taken there.
 * Memory:   an object of a pool per connection, 16 KiB, mapped when the first one comes.
 * Errors:   no room is RS_UNPARSED_NO_MEMORY, and the connection is not watched.
 * Cost:     a record per piece of a request's header block, and its own.
 *
 * The agent decodes header blocks in the order of their numbers. A piece that is lost makes a gap:
 * requests from there on count, and RS_UNPARSED_HPACK_GAP says for each that its path is not known.
 */
#ifndef SHIM_MULTIPLEX_H
#define SHIM_MULTIPLEX_H

#include "connection.h"

struct multiplex;

/*
 * Does the connection begin here? Of bytes read: exchange_read has just refused them, call is its
 * own. Of bytes written: the first of all. If so, they are parsed, and *more is as of a move.
 */
bool multiplex_begins(struct connection *c, enum connection_way way, const uint8_t *at, size_t n,
		      const struct exchange_call *call, bool *more);

/*
 * Inside the writer's turn: a 101 was written. If it switches to HTTP/2, what follows is parsed as
 * that, and the request is over when its stream is. false: it is over now.
 */
bool multiplex_upgrades(struct connection *c, const struct exchange_done *done);

/* Bytes that moved; at NULL: unseen. false: nothing of this direction is of interest any more. */
bool multiplex_move(struct connection *c, enum connection_way way, const uint8_t *at, size_t n);

/* Bytes about to be written: does the server decline, by HTTP/1.x? */
bool multiplex_declines(struct connection *c, const uint8_t *at, size_t n);

void multiplex_lose(struct connection *c, enum connection_way way);
uint32_t multiplex_waiting(const struct connection *c); /* requests without their whole answer */
uint32_t multiplex_adopt(struct connection *c);         /* as exchange_adopt */
void multiplex_end(struct connection *c);               /* no more will be answered */
void multiplex_close(struct connection *c);

#endif
