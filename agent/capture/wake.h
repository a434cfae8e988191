/*
 * wake - the datagram socket by which a shim says "look at me": a hint, never a fact.
 *
 * Threads:  the broker's only one.
 * Memory:   one descriptor, the caller's.
 * Errors:   0 or -errno.
 * No descriptor is ever received: the control buffer has room for credentials alone, and the
 * kernel's own word (SCM_CREDENTIALS) is the only thing taken from a datagram.
 */
#ifndef CAPTURE_WAKE_H
#define CAPTURE_WAKE_H

#include <stdint.h>

int wake_open(const char *path, int *fd); /* removes a stale socket of that name first */

/* The sender's pid, as this process sees it; 0: none is waiting; -EBADMSG: not a wake-up. */
int32_t wake_read(int fd);

#endif
