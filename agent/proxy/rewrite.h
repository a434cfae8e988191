/*
 * rewrite - the head of a message as it is passed on: without what is of one connection alone, with
 *           what this one has to say.
 *
 * Threads:  any; pure.
 * Memory:   a head is written to the caller's bytes.
 * Errors:   -EFBIG: it has no room.
 * Kept:     order, case and bytes of all other fields. Neither Via nor Forwarded nor
 *           X-Forwarded-For is added unless asked for; those that came are passed on. Upgrade is
 *           passed on but for h2c, which would carry requests past every check made here.
 */
#ifndef PROXY_REWRITE_H
#define PROXY_REWRITE_H

#include "http_head.h"
#include "proxy_site.h"

struct rewrite {
	char *at;
	size_t length, size;
};

struct rewrite_request {
	bool fetch; /* for the cache: without conditions and as HTTP/1.1 */
	bool without_cookies;
	enum proxy_forwarded forwarded;
	const char *from; /* the client's address, with forwarded */
	const char *via;  /* NULL: none */
};

struct rewrite_reply {
	bool close;        /* this connection ends with it */
	bool keep_alive;   /* … does not, though the client speaks HTTP/1.0 */
	bool unframed;     /* it has no body: neither a length nor chunks */
	bool tunnel;       /* 101 */
	const char *cache; /* X-Cache; NULL: the upstream's, if it has one */
	const char *via;
};

/* Does it ask for another protocol, one that is passed on? */
bool rewrite_upgrades(const struct http_head *h);

int rewrite_request(struct rewrite *out, const struct http_head *h,
		    const struct rewrite_request *how);
int rewrite_reply(struct rewrite *out, const struct http_head *h, const struct rewrite_reply *how);

/* The pieces of it. */
void rewrite_put(struct rewrite *out, const char *at, size_t length);
void rewrite_put_text(struct rewrite *out, const char *text);
void rewrite_put_field(struct rewrite *out, const struct http_field *f);
void rewrite_put_status(struct rewrite *out, const struct http_head *h);
int rewrite_result(const struct rewrite *out);

#endif
