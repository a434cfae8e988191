/*
 * backend - what a PostgreSQL server writes: the other half of postgres.c, and what both share.
 *
 * Threads:  as postgres.h.
 * Memory:   as postgres.h.
 * Errors:   as postgres.h.
 * Cost:     as postgres.h.
 */
#ifndef PROTOCOL_BACKEND_H
#define PROTOCOL_BACKEND_H

#include "postgres.h"

/* Marks. */
#define POSTGRES_STATEMENT 1u             /* of a simple query */
#define POSTGRES_EXECUTE 2u               /* its name is the hash of a prepared statement's */
#define POSTGRES_LAST 3u                  /* a statement with its POSTGRES_SYNC */
#define POSTGRES_PARSE (PAIRS_ASIDE | 1u) /* its t0 is the hash, its name the text */
#define POSTGRES_SYNC (PAIRS_ASIDE | 2u)  /* ReadyForQuery is the answer */

#define POSTGRES_MESSAGE_HEAD 5u
#define POSTGRES_MESSAGE_MOST 0x40000000u
#define POSTGRES_HASH UINT64_C(0xcbf29ce484222325) /* FNV-1a, of no bytes */

static inline uint32_t postgres_number(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* As much of a head of so many bytes as is there; true: it is whole. */
bool postgres_head(struct postgres_way *w, uint8_t enough, const uint8_t **at, const uint8_t *end);
void postgres_count(struct postgres_way *w, struct pairs_call *call); /* a message begins */

void backend_close(struct postgres *g, struct pairs_call *call);

#endif
