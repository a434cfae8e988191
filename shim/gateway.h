/*
 * gateway - a connection of a web server to an application: FastCGI, SCGI and uwsgi.
 *
 * Threads:  as connection.h.
 * Memory:   an object of a pool per connection, 640 bytes.
 * Errors:   no room is RS_UNPARSED_NO_MEMORY, and the connection is not watched.
 * Cost:     a request is what emit.h and protocol/cgi.h cost.
 */
#ifndef SHIM_GATEWAY_H
#define SHIM_GATEWAY_H

#include "dialect.h"

/* As dialect_begins, of bytes read. */
bool gateway_begins(struct connection *c, const uint8_t *at, size_t n,
		    const struct exchange_call *call, bool *more);

#endif
