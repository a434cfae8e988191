/*
 * own - the addresses on which this agent itself listens, that it never connects to.
 *
 * Threads:  a value; own_is by any, once it is filled.
 * Memory:   none.
 * Errors:   none: what is no socket with a port is left out.
 */
#ifndef TRANSFER_OWN_H
#define TRANSFER_OWN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define OWN_MAX 16

struct own {
	struct sockaddr_storage at[OWN_MAX];
	uint32_t count;
};

void own_add(struct own *o, int listening);

/*
 * Would a connection to this address end at one of them? One that listens on all addresses is
 * reached by each that is of this machine, of either family, and 0.0.0.0 is one of those.
 */
bool own_is(const struct own *o, const struct sockaddr *to);

#endif
