/*
 * preface - the PROXY protocol, 1 and 2: what a balancer says ahead of a connection's first byte.
 *
 * Threads:  one reader at a time, one writer that answers; pure.
 * Memory:   none.
 * Errors:   PREFACE_BAD: it began as one and is none.
 * Cost:     a compare on a connection's first read; nothing later.
 *
 * Servers that expect it (nginx proxy_protocol, Apache RemoteIPProxyProtocol) serve plain HTTP
 * behind it. Input is cut anywhere. A server that does not want it may answer at any place of it:
 * then it was a request, a bad one, and what follows is none.
 */
#ifndef PROTOCOL_PREFACE_H
#define PROTOCOL_PREFACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum preface_step {
	PREFACE_OVER, /* all bytes are the connection's own */
	PREFACE_FIRST,
	PREFACE_TEXT,    /* in the word that version 1 begins with */
	PREFACE_LINE,    /* in its line */
	PREFACE_BINARY,  /* in the signature of version 2 */
	PREFACE_HEAD,    /* in the four bytes behind it */
	PREFACE_ADDRESS, /* in what they count */
	PREFACE_BEHIND,  /* it is whole, and nothing came behind it yet */
};

/* Whose the request is that it would be to a server that does not want it. */
enum preface_claim {
	PREFACE_NOBODYS, /* there is none */
	PREFACE_READERS, /* it waits: exchange.requests[0], not in the queue */
	PREFACE_WRITERS, /* it is answered, and the queue is the writer's */
};

struct preface {
	uint8_t step; /* enum preface_step */
	uint8_t got;  /* bytes of the step; of a line: all */
	uint16_t left;
	_Atomic uint8_t claim; /* enum preface_claim */
};

enum preface_verdict {
	PREFACE_MORE, /* all input is consumed */
	PREFACE_DONE, /* from *at on it is the connection's own */
	PREFACE_NONE, /* as DONE, and so was what was consumed */
	PREFACE_BAD,
};

struct exchange;
struct exchange_call;

/* exchange_read of bytes that may begin with a preface; what is none goes back to it. */
bool preface_pass(struct exchange *x, struct exchange_call *call, const uint8_t *at, size_t n);
void preface_close(struct exchange *x, struct exchange_call *call); /* none can follow */

/* The writer's, of an answer to nothing: is it one to what is read as a preface? */
bool preface_answers(struct exchange *x);

enum preface_verdict preface_read(struct preface *p, const uint8_t **at, const uint8_t *end);

#endif
