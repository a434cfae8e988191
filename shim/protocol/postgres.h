/*
 * postgres - a connection of a PostgreSQL server (protocol 3): which statement is answered by what.
 *
 * Threads:  as pairs.h.
 * Memory:   as pairs.h; POSTGRES_STATEMENTS prepared statements in blocks of the same kind.
 * Errors:   as pairs.h. What is lost stays lost.
 * Cost:     the text of a statement by bytes, rows and parameters by count; one look at the clock a
 *           call.
 *
 * A statement of a simple query is a request, and so is an Execute, from the Parse or Bind ahead of
 * it on. Its name is its text without literals (sql.h). Statements that an error makes the server
 * pass over did not happen. The start of a session and what belongs to none is no request. A
 * replication stream is an upgrade.
 */
#ifndef PROTOCOL_POSTGRES_H
#define PROTOCOL_POSTGRES_H

#include "pairs.h"
#include "sql.h"

#define POSTGRES_HEAD 8u /* of the start-up; of others 5 */
#define POSTGRES_PORTALS 8u
#define POSTGRES_STATEMENTS 512u /* prepared, by name; beyond, the oldest gives way */
#define POSTGRES_STATE 5u        /* of an error, SQLSTATE */

/* One direction. */
struct postgres_way {
	uint64_t t0;    /* the first byte of what is in progress */
	uint64_t bytes; /* of it */
	uint32_t left;  /* of the message */
	uint8_t head_bytes;
	uint8_t head[POSTGRES_HEAD];
	uint8_t field; /* of the message: the how-manieth string, or what an error's is */
	uint8_t got;   /* bytes of the error's state */
	bool counting; /* t0 is set */
};

struct postgres_portal {
	uint64_t name;
	uint64_t statement;
};

struct postgres {
	struct pairs pairs;
	bool started; /* the reader's: behind the start-up message */
	bool asked;   /* it asked for encryption: a byte is the answer */
	bool ready;   /* the writer's: behind the first ReadyForQuery */
	bool streaming;
	bool synced;             /* what took its ReadyForQuery along is over */
	bool held;               /* an answer that is complete but for what follows in its call */
	_Atomic uint64_t copied; /* bytes of COPY, not told yet */
	struct postgres_way in;
	struct postgres_way out;
	struct pairs_answer answer;
	struct sql sql;
	uint64_t hash;  /* of the name in progress */
	uint64_t first; /* the name before it */
	uint8_t state[POSTGRES_STATE];
	uint16_t nameless; /* the shape of the statement without a name */
	uint32_t next_portal;
	uint32_t statements;
	struct pairs_block *prepared;
	struct postgres_portal portals[POSTGRES_PORTALS]; /* [0]: the one without a name */
};

void postgres_init(struct postgres *g);

/* Are these the first bytes of a client of PostgreSQL? */
bool postgres_begins(const uint8_t *at, size_t n);

/* Are the next bytes written those of no PostgreSQL? */
bool postgres_declines(const struct postgres *g, const uint8_t *at, size_t n);

/* false: nothing more of this direction is of interest. */
bool postgres_read(struct postgres *g, struct pairs_call *call, const uint8_t *at, size_t n);
bool postgres_write(struct postgres *g, struct pairs_call *call, const uint8_t *at, size_t n);

void postgres_close(struct postgres *g, struct pairs_call *call, bool client_gone);

#endif
