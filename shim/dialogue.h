/*
 * dialogue - a connection of a database or a cache: its answers follow the order of its requests.
 *
 * Threads:  as connection.h.
 * Memory:   an object of a pool per connection, blocks of another for requests that wait.
 * Errors:   no room is RS_UNPARSED_NO_MEMORY, and the connection is not watched.
 * Cost:     a request is what emit.h and its parser cost; one look at the clock a call.
 *
 * What it is shows in its first bytes, and counts from the first answer on that fits. A server that
 * answers anything else declines, and the connection is what it would have been without.
 */
#ifndef SHIM_DIALOGUE_H
#define SHIM_DIALOGUE_H

#include "dialect.h"

/* As dialect_begins, of bytes read. */
bool dialogue_begins(struct connection *c, const uint8_t *at, size_t n,
		     const struct exchange_call *call, bool *more);

/* As dialect_begins, of bytes written. */
bool dialogue_greets(struct connection *c, const uint8_t *at, size_t n, bool *more);

/* Fetches what the last one of this thread looks at: as a rule there is no other. */
void dialogue_expect(void);

/* Its TLS has begun: what asked for it goes on inside. */
void dialogue_goes_on(struct connection *c);

#endif
