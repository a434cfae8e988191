/*
 * upgrade - the head of a 101: what the connection speaks from there on.
 *
 * Threads:  any; pure.
 * Memory:   none.
 * Errors:   none: what is not known by name is some other protocol.
 * Cost:     by lines; once a connection.
 */
#ifndef PROTOCOL_UPGRADE_H
#define PROTOCOL_UPGRADE_H

#include "line.h"

/* As fields_read; p->fields has FIELDS_H2C if it is HTTP/2 (RFC 7540 3.2). */
bool upgrade_read(struct http1 *p, const uint8_t **at, const uint8_t *end);

#endif
