/*
 * served - a request that a server has answered, complete: what a protocol has to say of it.
 *
 * Threads:  any; a plain value.
 * Memory:   path is borrowed.
 * Errors:   none.
 * Cost:     none.
 */
#ifndef PROTOCOL_SERVED_H
#define PROTOCOL_SERVED_H

#include <stdint.h>

struct served {
	uint64_t t0;         /* ticks: its first byte was read */
	uint64_t end;        /* ticks: the last byte of its response was written, or it was cut */
	uint64_t first_byte; /* ticks: the first byte of the response was written; 0: none was */
	uint64_t bytes_in;
	uint64_t bytes_out;
	const uint8_t *path;  /* raw, query removed; NULL: its shape tells it, or it is unknown */
	uint32_t path_length; /* at most RS_PATH_BYTES */
	uint32_t connection;
	uint32_t stream; /* of HTTP/2; 0: there are none */
	uint32_t block;  /* rs_block_of */
	uint16_t shape;
	uint16_t status;  /* 0: none */
	uint8_t method;   /* enum rs_method */
	uint8_t protocol; /* enum rs_protocol */
	uint8_t flags;    /* enum rs_flag */
};

#endif
