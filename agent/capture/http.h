/*
 * http - what moves on the connections of targets that run without the shim, for drain to read: by
 *        what the kernel tells of sockets, or, at a higher price, of system calls.
 *
 * Threads:  the broker's only one.
 * Memory:   http_open allocates, http_close frees and detaches; the filter is borrowed.
 * Errors:   0 or -errno. Nothing rests on it.
 */
#ifndef CAPTURE_HTTP_H
#define CAPTURE_HTTP_H

#include "http_event.h"
#include "probe.h"

struct http;

enum http_source {
	HTTP_SOCKETS, /* kernels from 6.16 on */
	HTTP_CALLS,   /* not those of io_uring */
	HTTP_SOURCES,
};

/* Bits of those that capture.http allows: auto, sockets or syscalls. */
uint32_t http_sources(const char *configured);
const struct probe_set *http_set(enum http_source source);

/* All of it or nothing: a part alone would miscount. *state is filled on errors too. */
int http_open(struct http **out, enum http_source source, const struct probe_filter *filter,
	      struct probe_state *state);
void http_close(struct http *h); /* NULL is fine */

/*
 * Marks what targets have open already: after one more became a target. Ends of connections that
 * found no room in the ring are told by it too.
 */
int http_find(const struct http *h);
bool http_ends_wait(const struct http *h); /* are there any? */

/* Answers of this process that were lost, since it was opened; -ENOENT: none. */
int http_lost_read(const struct http *h, int32_t pid, struct http_lost *out);
void http_forget(struct http *h, int32_t pid); /* its number may be given anew */

/* Notes, or does not, who receives what: for who looks at TLS besides. */
int http_secure(struct http *h, uint32_t what);       /* bits of enum tls_secure */
const struct probe *http_probe(const struct http *h); /* its own */

int http_ring(const struct http *h);        /* its descriptor, the set's own */
bool http_sees_rings(const struct http *h); /* what moves by io_uring too? */
void http_look(const struct http *h, struct probe_state *state);

#endif
