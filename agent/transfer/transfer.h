/*
 * transfer - HTTP requests and mails under way, each within its time. It alone knows libcurl.
 *
 * Threads:  one; the library has its own for names.
 * Memory:   transfers_open allocates, transfers_close frees, those under way too; a request is
 *           copied.
 * Errors:   -ELIBACC: there is no libcurl, or none that we know; -ENOMEM.
 * No redirect is followed, no proxy asked, nothing but HTTP and SMTP spoken, and not to ourselves.
 * Who has a loop of his own polls transfers_fd and calls transfers_run, which waits for nothing,
 * when that is readable or transfers_due_ns has come; transfers_step is such a loop's turn.
 */
#ifndef TRANSFER_TRANSFER_H
#define TRANSFER_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRANSFER_HEADERS 12
#define TRANSFER_TEXT 160
#define TRANSFER_LIST 512

struct own;
struct transfers;

struct transfer_request {
	const char *url;
	const char *headers[TRANSFER_HEADERS]; /* "Name: value"; NULL: no more */
	const char *from, *to;           /* of a mail, "to" parted by commas; NULL: it is HTTP */
	const char *host;                /* of a mail: how we call ourselves */
	const char *username, *password; /* NULL or "": none */
	const char *ca_file;             /* "": the system's */
	bool tls_needed, tls_tried;      /* of smtp:// */
	const char *body;                /* NULL: it is a GET, whose answer is kept, … */
	size_t length;
	size_t most;           /* … up to so many bytes: a longer one is none */
	uint32_t timeout_ms;   /* names, connecting and all */
	const struct own *own; /* what it never connects to, borrowed to its end; NULL: nothing */
};

enum transfer_end {
	TRANSFER_WHOLE, /* there is an answer, whatever it says */
	TRANSFER_AWAY,  /* nobody is there: no address, no connection, no TLS */
	TRANSFER_LATE,  /* not within its time */
	TRANSFER_CUT,   /* the answer ends before its end */
	TRANSFER_LARGE, /* of a GET: it is longer than that */
	TRANSFER_ODD,   /* what was said is no answer, or has no end of its head */
	TRANSFER_OURS,  /* it would have gone to ourselves */
	TRANSFER_ENDS,
};

struct transfer_result {
	void *who;
	enum transfer_end end;
	bool arrived;              /* the receiver took it */
	uint32_t status;           /* its own, 0: it said none */
	uint32_t retry_ms;         /* it asks us to come back after that; 0: it does not */
	char text[TRANSFER_TEXT];  /* what it said, or what went wrong; one line */
	char later[TRANSFER_LIST]; /* of a mail: who may take it another time, parted by commas */
	/* Of a GET, when it is whole: the caller's, until transfer_result_fini. */
	char *head, *content; /* head: for transfer_head.h */
	size_t content_length;
};

int transfers_open(struct transfers **out);
void transfers_close(struct transfers *t); /* NULL is allowed */
int transfers_add(struct transfers *t, const struct transfer_request *request, void *who);

int transfers_fd(const struct transfers *t);
uint64_t transfers_due_ns(const struct transfers *t); /* of moment.h; UINT64_MAX: nothing is */
void transfers_run(struct transfers *t);

/* Moves on what can move; waits so long at most for that, or for fd to become readable. */
void transfers_step(struct transfers *t, int fd, int wait_ms);

/* One that is over; false: none. */
bool transfers_done(struct transfers *t, struct transfer_result *out);
void transfer_result_fini(struct transfer_result *r);

#endif
