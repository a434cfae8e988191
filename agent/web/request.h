/*
 * request - a request as the router sees it, and a refusal as everybody gives it.
 *
 * Threads:  a value of the web thread.
 * Memory:   all pointers are borrowed until the reply is made.
 */
#ifndef WEB_REQUEST_H
#define WEB_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct request {
	const char *method;
	const char *target; /* path and query as sent */
	/* Header values, NULL: not sent. */
	const char *host, *origin, *accept, *accept_encoding, *authorization, *if_none_match;
	const char *content_type, *last_event_id, *if_match;
	/* Any other header by its name, NULL: not sent. */
	const char *(*header)(void *connection, const char *name);
	void *connection;
	const char *body; /* not NUL-terminated; NULL: none */
	size_t body_length;
	size_t body_limit;      /* what it may have */
	bool body_too_long;     /* it has more, and none is here: all that is left is to say no */
	const char *local_host; /* our end as a Host header has it; "" on the Unix socket */
	bool local;             /* it came over the Unix socket */
	bool member;            /* … from root or a member of the group */
	bool host_twice;        /* two Host headers: the sender means to confuse */
	int fd;                 /* of its connection; -1: none */
	const void *who;        /* the same for one request, however often it is asked */
	bool again;             /* it was asked before, and its reply was to come later */
	bool at_once;           /* too many wait: later is no reply */
	uint64_t now_ns;        /* CLOCK_MONOTONIC */
	int64_t wall_ms;
};

/* One header as it came; those that nobody asks for are left. */
void request_header(struct request *r, const char *name, const char *value);

struct refusal {
	unsigned int status;        /* of HTTP; 0: none */
	const char *code;           /* for programs: "bad_window" */
	char message[320];          /* for people */
	char field[32];             /* the parameter at fault, "": none */
	const char *allow;          /* of a 405 */
	unsigned int retry_after_s; /* 0: not said */
};

/* Fills it; returns -EINVAL, so that a check can end with it. */
int refuse(struct refusal *out, unsigned int status, const char *code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
