/*
 * names - hosts that clients asked a service for, each with how often.
 *
 * Threads:  the drain thread adds; anybody reads, without a lock: a row never changes its name.
 * Memory:   names_add allocates at the first one; NAMES_MOST rows.
 * Errors:   none: what is no host's name, and what finds no row, is "_other".
 */
#ifndef METRICS_NAMES_H
#define METRICS_NAMES_H

#include "host.h"

#include <stdatomic.h>

#define NAMES_MOST 64u

struct names_row {
	_Atomic uint64_t count;
	char text[HOST_BYTES + 1];
};

struct names {
	_Atomic uint32_t count;
	_Atomic uint64_t other;
	struct names_row rows[NAMES_MOST];
};

void names_add(struct names *n, const uint8_t *name, uint32_t bytes);

#endif
