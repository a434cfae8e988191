/*
 * mysql_reply - what a MySQL server writes: the other half of mysql.c, and what both share.
 *
 * Threads:  as mysql.h.
 * Memory:   as mysql.h.
 * Errors:   as mysql.h.
 * Cost:     as mysql.h.
 */
#ifndef PROTOCOL_MYSQL_REPLY_H
#define PROTOCOL_MYSQL_REPLY_H

#include "mysql.h"

/* Marks: by what a request is answered. */
#define MYSQL_STATEMENT 1u           /* a result; others of its text follow */
#define MYSQL_LAST 2u                /* results up to the last one */
#define MYSQL_EXECUTE 3u             /* as LAST; its name is the number of a prepared statement */
#define MYSQL_FETCH 4u               /* rows; as EXECUTE */
#define MYSQL_SINGLE 5u              /* one packet */
#define MYSQL_FIELDS 6u              /* packets up to an end */
#define MYSQL_USER 7u                /* a handshake */
#define MYSQL_DUMP 8u                /* no end */
#define MYSQL_END (PAIRS_ASIDE | 1u) /* of a text's statements */
#define MYSQL_PREPARE (PAIRS_ASIDE | 2u) /* a number and descriptions */
#define MYSQL_ASIDE (PAIRS_ASIDE | 3u)   /* one packet */

/* Capabilities. */
#define MYSQL_CLIENT_MYSQL 0x1u /* not MariaDB's, which has more */
#define MYSQL_COMPRESS 0x20u
#define MYSQL_PROTOCOL_41 0x200u
#define MYSQL_SSL 0x800u
#define MYSQL_DEPRECATE_EOF (1u << 24)
#define MYSQL_OPTIONAL_METADATA (1u << 25)
#define MYSQL_ZSTD (1u << 26)
#define MYSQL_QUERY_ATTRIBUTES (1u << 27)
#define MYSQL_CACHE_METADATA (1u << 4) /* of those of MariaDB */

#define MYSQL_PART 0xffffffu /* a part of this size is not the last of its packet */

static inline uint32_t mysql_number(const uint8_t *at, uint8_t bytes)
{
	uint32_t n = 0;

	while (bytes--)
		n = n << 8 | at[bytes];
	return n;
}

/*
 * As much of a packet's head as is there; true: it is whole, and left, size and kept stand for the
 * part that follows.
 */
bool mysql_head(struct mysql_way *w, const uint8_t **at, const uint8_t *end);
void mysql_count(struct mysql_way *w,
		 struct pairs_call *call); /* a command, or an answer, begins */
/* So many bytes of the part; the first of its packet are kept. */
void mysql_keep(struct mysql_way *w, const uint8_t *at, uint32_t n);

void mysql_reply_close(struct mysql *m, struct pairs_call *call);

#endif
