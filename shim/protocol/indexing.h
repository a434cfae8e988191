/*
 * indexing - does a header block change the dynamic table of its connection (RFC 7541)?
 *
 * Threads:  any; pure.
 * Memory:   none.
 * Errors:   what makes no sense is said to change it.
 * Cost:     by fields: strings are passed over by their length.
 *
 * A block that changes nothing may be lost alone: those behind it mean what they did.
 */
#ifndef PROTOCOL_INDEXING_H
#define PROTOCOL_INDEXING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of a whole block. */
bool indexing_changes(const uint8_t *at, size_t n);

#endif
