/*
 * mysql - a connection of a MySQL or MariaDB server: which statement is answered by what.
 *
 * Threads:  as pairs.h.
 * Memory:   as pairs.h; MYSQL_STATEMENTS prepared statements in blocks of the same kind.
 * Errors:   as pairs.h. What is lost stays lost. A compressed session is RS_UNPARSED_UNPAIRED.
 * Cost:     the text of a statement by bytes, rows by count; one look at the clock a call.
 *
 * A request is what the server's own Questions counts: a statement, an execution of a prepared one,
 * another command by its name; and a prepare that fails. Each statement of one text is a request.
 * PING, STATISTICS, the start of a session, CLOSE, RESET, QUIT are none. A stream of the binary log
 * is an upgrade. The name of a statement is its text without literals (sql.h).
 */
#ifndef PROTOCOL_MYSQL_H
#define PROTOCOL_MYSQL_H

#include "pairs.h"
#include "sql.h"

#define MYSQL_HEAD 4u
#define MYSQL_KEPT 36u         /* bytes of a packet that are looked at; statements are apart */
#define MYSQL_STATEMENTS 512u  /* prepared, by number; beyond, the oldest gives way */
#define MYSQL_GREETING_LEAST 6 /* bytes that tell one */

/* One direction. */
struct mysql_way {
	uint64_t t0;    /* the first byte of what is in progress */
	uint64_t bytes; /* of it */
	uint64_t size;  /* of the packet, without the head; the parts of a long one are one */
	uint32_t left;  /* of the part */
	uint8_t head_bytes;
	uint8_t head[MYSQL_HEAD];
	uint8_t kept_bytes;
	uint8_t kept[MYSQL_KEPT];
	bool more;     /* the next part goes on with this packet */
	bool counting; /* t0 is set */
};

struct mysql {
	struct pairs pairs;
	bool responded;          /* the reader's: behind the client's part of the handshake */
	bool nameless;           /* the text in progress is not looked at */
	bool asked;              /* the text had a statement */
	_Atomic uint32_t client; /* its capabilities */
	_Atomic uint32_t wide;   /* those of MariaDB */
	_Atomic uint64_t copied; /* bytes of LOAD DATA and long parameters, not told yet */
	_Atomic bool local;      /* the client's file is next */
	_Atomic bool literal;    /* a backslash is none but itself */
	bool greeted;            /* the writer's */
	bool ready;              /* the session has begun */
	bool streaming;
	uint8_t step;  /* of an answer */
	uint64_t skip; /* packets of it */
	uint16_t last; /* the shape of the statement that was prepared last */
	uint32_t statements;
	struct pairs_block *prepared;
	struct sql sql;
	struct mysql_way in;
	struct mysql_way out;
};

/* secure: behind the handshake of TLS, which the client had asked for. */
void mysql_init(struct mysql *m, bool secure);

/* Are these the first bytes of a server of MySQL? */
bool mysql_greets(const uint8_t *at, size_t n);

/* false: nothing more is of interest. pairs.encrypted: *at is where TLS begins. */
bool mysql_read(struct mysql *m, struct pairs_call *call, const uint8_t **at, size_t n);
bool mysql_write(struct mysql *m, struct pairs_call *call, const uint8_t *at, size_t n);

void mysql_close(struct mysql *m, struct pairs_call *call, bool client_gone);

#endif
