/*
 * peer - whose the other end of a loopback TCP connection is, as the kernel's sock_diag says.
 *
 * Threads:  any.
 * Memory:   none.
 * Errors:   false: it is not known to be root's.
 * Caution:  to be asked when the whole request was read: of a client that sent it and closed, the
 *           kernel tells uid 0 with inode 0, which counts for nothing.
 */
#ifndef WEB_PEER_H
#define WEB_PEER_H

#include <stdbool.h>

/* Is it open, root's, on a loopback address, and not this process's own? */
bool peer_is_root(int fd);

#endif
