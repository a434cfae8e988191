/*
 * fields - what the header fields of a message say about the length of its body.
 *
 * Threads:  any; pure.
 * Memory:   none.
 * Errors:   none; what contradicts itself is FIELDS_AMBIGUOUS.
 * Cost:     16 bytes a step; most lines are left after their first byte.
 */
#ifndef PROTOCOL_FIELDS_H
#define PROTOCOL_FIELDS_H

#include "line.h"

#define FIELDS_HAS_LENGTH 1u
#define FIELDS_HAS_CODING 2u
#define FIELDS_CHUNKED 4u
#define FIELDS_AMBIGUOUS 8u
#define FIELDS_LAST_MATTERS 16u /* the line before was one of ours: a folded one would change it */
#define FIELDS_H2C 32u          /* of a 101: by upgrade.h */

/* The lines of a head from *at on; p->fields and p->length say what they said. true: it is over. */
bool fields_read(struct http1 *p, const uint8_t **at, const uint8_t *end);

#endif
