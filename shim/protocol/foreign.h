/*
 * foreign - other protocols that arrive where HTTP/1.x was expected, known by their first bytes.
 *
 * Threads:  any; pure.
 * Memory:   none.
 * Errors:   none.
 * Cost:     a few compares, where a first line is cut.
 */
#ifndef PROTOCOL_FOREIGN_H
#define PROTOCOL_FOREIGN_H

#include "http1.h"

#include <stdbool.h>

enum foreign {
	FOREIGN_NOT, /* it may be a method of HTTP/1.x */
	FOREIGN_OTHER,
	FOREIGN_UWSGI, /* whose workers answer it by HTTP/1.x, also by 400 */
};

/* An enum foreign, of a first line that is not whole or garbage: a binary one may never end. */
uint8_t foreign_kind(const struct http1 *p);

/* Enough bytes for that, while more may come. */
bool foreign_is_told(const struct http1 *p);

/* Behind what was no request: is this what a server answers that could not read it? */
bool foreign_is_refused(uint8_t kind, uint16_t status);

#endif
