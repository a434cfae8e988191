/*
 * parser - one connection of a process without a segment: from the bytes that moved to requests,
 *          of HTTP/1.x and, once it begins like that, of HTTP/2.
 *
 * Threads:  the drain thread.
 * Memory:   a value of 1 KB; parser_fini frees what it has besides, 20 KB of HTTP/2.
 * Errors:   by parsed_unparsed.
 */
#ifndef DRAIN_PARSER_H
#define DRAIN_PARSER_H

#include "exchange.h"
#include "mux.h"
#include "parsed.h"

enum parser_way { PARSER_IN, PARSER_OUT, PARSER_WAYS };

struct parser {
	uint32_t pid;        /* of who read or wrote last; 0: nobody yet */
	uint32_t connection; /* as requests call it */
	uint16_t paths;
	bool read, wrote;   /* a byte was */
	bool declined;      /* HTTP/2 was asked for, and something else is answered */
	bool losing;        /* what is over now is so because its end was lost */
	uint32_t elsewhere; /* of the requests that wait, from the first: counted by the kernel */
	struct mux *mux;    /* NULL: it is no HTTP/2, so far */
	struct exchange exchange;
};

void parser_init(struct parser *p, uint32_t connection, enum exchange_trust trust);
/* Its requests are not over by that: see parser_end. */
void parser_fini(struct parser *p, struct parsed *to);

/* text NULL: they moved unseen. */
void parser_move(struct parser *p, struct parsed *to, enum parser_way way, const uint8_t *text,
		 uint32_t bytes);
/*
 * Events of it found no room, and what the kernel counted of what they were of is over here; what
 * else waits was lost. Behind that a request begins, of a server.
 */
void parser_resume(struct parser *p, struct parsed *to, uint32_t counted);
/* As above, and it ends. stream: the last one of HTTP/2 that was asked for there; 0: none. */
void parser_cut(struct parser *p, struct parsed *to, uint32_t counted, uint32_t stream);
void parser_accept(struct parser *p,
		   bool server);             /* of TLS: plain text, and that it is a server's */
bool parser_is_idle(const struct parser *p); /* no request waits for the end of its answer */
bool parser_is_accepted(const struct parser *p);
void parser_client_gone(struct parser *p, bool reset);
void parser_end(struct parser *p, struct parsed *to); /* what is not answered now never will be */
/* … or will be where nobody looks any more: it is lost, and in flight no longer. */
void parser_lose(struct parser *p, struct parsed *to);

#endif
