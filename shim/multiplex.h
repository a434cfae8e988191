/*
 * multiplex - an HTTP/2 connection, cleartext or plain text of TLS: from frames to what is emitted.
 *
 * Threads:  as connection.h: one owner per direction, taken there.
 * Memory:   an object of a pool per connection, 17 KiB, mapped when the first one comes.
 * Errors:   no room is RS_UNPARSED_NO_MEMORY, and the connection is not watched.
 * Cost:     a record per piece of a request's header block, and its own.
 *
 * The agent decodes header blocks, masked ahead of that (mask.h), in the order of their numbers. A
 * piece that is lost or makes no sense makes a gap: requests from there on count, and
 * RS_UNPARSED_HPACK_GAP says for each that its path is not known. Nor is it known there which of
 * them opens a tunnel (http2.h): it is a request until it ends.
 */
#ifndef SHIM_MULTIPLEX_H
#define SHIM_MULTIPLEX_H

#include "dialect.h"

/* As dialect_begins. */
bool multiplex_begins(struct connection *c, enum connection_way way, const uint8_t *at, size_t n,
		      const struct exchange_call *call, bool *more);

/*
 * Inside the writer's turn: a 101 was written. If it switches to HTTP/2, what follows is parsed as
 * that, and the request is over when its stream is. false: it is over now.
 */
bool multiplex_upgrades(struct connection *c, const struct exchange_done *done);

#endif
