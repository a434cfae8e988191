/*
 * header - what a header block of HTTP/2 says of its request.
 *
 * Threads:  any; pure.
 * Memory:   a value.
 * Errors:   none; what is no path is left out.
 */
#ifndef DRAIN_HEADER_H
#define DRAIN_HEADER_H

#include "hpack.h"

#include <ringside/abi.h>

struct header {
	uint8_t method; /* enum rs_method */
	uint8_t path_bytes;
	bool grpc;
	uint8_t path[RS_PATH_BYTES]; /* without its query */
};

void header_field(void *header, const struct hpack_field *field); /* for hpack_read */

#endif
