/*
 * host - the name of a host, as a client of TLS asks for it (RFC 6066 3), in one form.
 *
 * Threads:  any; pure.
 * Memory:   the caller's.
 * Errors:   0: no name of a host.
 * Cost:     by bytes; once a connection.
 */
#ifndef PROTOCOL_HOST_H
#define PROTOCOL_HOST_H

#include <stddef.h>
#include <stdint.h>

#define HOST_BYTES 128u

/* Lower case, without the dot at its end. Letters, digits, '-', '_' and '.' alone. The length. */
size_t host_canonical(const uint8_t *from, size_t n, uint8_t out[HOST_BYTES]);

#endif
