/*
 * cgi - one connection of a web server to an application by FastCGI, SCGI or uwsgi: its requests,
 * and when one is over.
 *
 * Threads:  one reader and one writer at a time, which may be two threads; the owner of both for
 *           init, adopt and close.
 * Memory:   the struct: one request at a time, as every application has it that says which.
 * Errors:   by the unparsed callback: a direction that makes no sense ends there, a second request
 *           ahead of the first one's end is RS_UNPARSED_DEPTH.
 * Cost:     by records and variables; of bodies nothing is looked at.
 *
 * A request runs from its first byte read to its END_REQUEST written; in SCGI and uwsgi, which have
 * no end but the connection's, to the last byte that was written.
 */
#ifndef PROTOCOL_CGI_H
#define PROTOCOL_CGI_H

#include "cgi_reply.h"
#include "fastcgi.h"
#include "served.h"
#include "variables.h"

#include <stdatomic.h>

#define CGI_HEAD_MOST 262144u /* bytes of variables; servers stop at 64 KiB */
#define CGI_FIRST 8u          /* bytes that tell, at most */

enum cgi_kind {
	CGI_NONE,
	CGI_FASTCGI,
	CGI_SCGI,
	CGI_UWSGI,
};

enum cgi_way {
	CGI_READ,
	CGI_WRITE,
};

enum cgi_state {
	CGI_FREE,
	CGI_OPEN,
	CGI_ENDED, /* its end is just being told */
};

struct cgi_request {
	_Atomic uint8_t state; /* enum cgi_state */
	_Atomic uint8_t method;
	_Atomic uint8_t has_path; /* the caller keeps its path */
	_Atomic uint8_t aborted;  /* by the web server */
	_Atomic uint16_t shape;
	uint16_t id;
	int32_t open; /* the caller's handle, -1: none */
	uint64_t t0;
	_Atomic uint64_t bytes_in;
};

/* A request that is over. connection and path are the caller's to know. */
struct cgi_done {
	struct served request;
	int32_t open;
	bool has_path;
	bool elsewhere; /* it counts where uWSGI's own router read it, and here as never begun */
};

/* What the program does about it; context is that of the call. */
struct cgi_ops {
	uint64_t (*now)(void *context);
	int32_t (*begun)(void *context, uint64_t t0); /* the handle of its open entry, or -1 */
	uint16_t (*target)(void *context, const uint8_t *path, size_t length, bool *has_path);
	void (*step)(void *context, const struct cgi_request *r, uint8_t state); /* rs_open */
	void (*done)(void *context, struct cgi_done *done);
	void (*unparsed)(void *context, uint8_t why); /* enum rs_unparsed */
};

/* One for all connections, defined by its user: so the shim, linked as one, calls it directly. */
extern const struct cgi_ops cgi_ops;

struct cgi_call {
	void *context;
	uint64_t now; /* 0: not read yet */
};

struct cgi {
	uint8_t kind; /* enum cgi_kind */
	uint8_t step; /* of the head of SCGI and uwsgi */
	uint8_t got;
	bool lost[2];   /* by enum cgi_way */
	uint32_t head;  /* bytes of variables that are still to come; of FastCGI: so far */
	uint64_t first; /* ticks: of a record whose head is cut, the first byte */
	uint64_t first_byte;
	uint64_t last; /* ticks: what was written last */
	uint64_t bytes_out;
	struct cgi_request request;
	struct fastcgi in;
	struct fastcgi out;
	struct cgi_reply reply;
	struct variables variables;
};

/* What a client's first bytes are, as far as they go. */
enum cgi_kind cgi_begins(const uint8_t *bytes, size_t n);

void cgi_init(struct cgi *x, enum cgi_kind kind);

/* false: nothing of this direction is of interest any more. */
bool cgi_read(struct cgi *x, struct cgi_call *call, const uint8_t *at, size_t n);
bool cgi_write(struct cgi *x, struct cgi_call *call, const uint8_t *at, size_t n);

/* As above, of bytes that were moved unseen. */
bool cgi_unseen(struct cgi *x, struct cgi_call *call, enum cgi_way way, uint64_t n);

void cgi_lose(struct cgi *x, enum cgi_way way); /* what moves from here on is not understood */
void cgi_close(struct cgi *x, struct cgi_call *call, bool reset);
bool cgi_has_begun(const struct cgi *x); /* a request, at any time */
bool cgi_waits(const struct cgi *x);     /* a request has not had its whole answer */
uint32_t cgi_adopt(struct cgi *x);       /* in a fork child: how many requests the parent told of */
uint8_t cgi_protocol(const struct cgi *x); /* enum rs_protocol */

#endif
