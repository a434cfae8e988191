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

/*
 * Of a first line that is cut: no method of HTTP/1.x begins like this. The direction is lost then,
 * as http1_request does it; in a binary protocol no line may ever end.
 */
bool foreign_begins(struct http1 *p);

/* Of a response's first line that never ended: it was no HTTP/1.x. Is lost then, too. */
bool foreign_answers(struct http1 *p);

/*
 * Behind what was no request: is this what a server answers that could not read it? uwsgi's workers
 * answer their own protocol by HTTP/1.x, also by 400.
 */
bool foreign_is_refused(const struct http1 *p, uint16_t status);

#endif
