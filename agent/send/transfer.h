/*
 * transfer - HTTP requests and mails under way, each within its time. The only user of libcurl.
 *
 * Threads:  one; the library has its own for names.
 * Memory:   transfers_open allocates, transfers_close frees; a request is copied.
 * Errors:   -ELIBACC: there is no libcurl, or none that we know; -ENOMEM.
 * No redirect is followed, no proxy asked, nothing but HTTP and SMTP spoken, and not to ourselves.
 */
#ifndef SEND_TRANSFER_H
#define SEND_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRANSFER_HEADERS 6
#define TRANSFER_TEXT 160
#define TRANSFER_LIST 512

struct own;
struct transfers;

struct transfer_request {
	const char *url;
	const char *headers[TRANSFER_HEADERS]; /* "Name: value"; NULL: no more */
	const char *from, *to;           /* of a mail, "to" parted by commas; NULL: it is HTTP */
	const char *host;                /* of a mail: how we call ourselves */
	const char *username, *password; /* "": none */
	const char *ca_file;             /* "": the system's */
	bool tls_needed, tls_tried;      /* of smtp:// */
	const char *body;
	size_t length;
	uint32_t timeout_ms;   /* names, connecting and all */
	const struct own *own; /* what it never connects to, borrowed to its end; NULL: nothing */
};

struct transfer_result {
	void *who;
	bool arrived;              /* the receiver took it */
	uint32_t status;           /* its own, 0: it said none */
	uint32_t retry_ms;         /* it asks us to come back after that; 0: it does not */
	char text[TRANSFER_TEXT];  /* what it said, or what went wrong; one line */
	char later[TRANSFER_LIST]; /* of a mail: who may take it another time, parted by commas */
};

int transfers_open(struct transfers **out);
void transfers_close(struct transfers *t); /* NULL is allowed */
int transfers_add(struct transfers *t, const struct transfer_request *request, void *who);

/* Moves on what can move; waits so long at most for that, or for fd to become readable. */
void transfers_step(struct transfers *t, int fd, int wait_ms);

/* One that is over; false: none. */
bool transfers_done(struct transfers *t, struct transfer_result *out);

#endif
