/*
 * listen - the listening sockets of the API, made before privileges are dropped.
 *
 * Threads:  any.
 * Memory:   none; the caller owns the descriptors.
 * Errors:   a descriptor (non-blocking, close-on-exec) or -errno; -EADDRINUSE: somebody is there.
 */
#ifndef WEB_LISTEN_H
#define WEB_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

int listen_tcp(const char *address); /* "127.0.0.1:9977"; -EINVAL: no such form */

/*
 * Mode 0666: whoever may not is told so by the API, in JSON. A socket file that a dead agent left
 * is taken away; one that somebody answers on is -EADDRINUSE.
 */
int listen_unix(const char *path);

/* Our end of a connection as a Host header has it, "" on the Unix socket: is it that one? */
bool listen_local_name(int fd, char *out, size_t size);

#endif
