/*
 * herald - notices as lines of the log: names and values that a program can read, whatever the
 *          level of the log.
 *
 * Threads:  any.
 * Memory:   none.
 * Errors:   none are told: the log is where they would be.
 */
#ifndef SEND_HERALD_H
#define SEND_HERALD_H

#include "notice.h"

#define HERALD_LINE 2400 /* of the log's, which says more in front */

/* Quoted values hold no quote and no control byte. */
void herald_format(const struct notice *n, char *out, size_t size);
void herald_send(void *ctx, const struct notice *notice); /* ctx: none */

#endif
