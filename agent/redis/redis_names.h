/*
 * redis_names - the addresses of a name, found by a thread of its own: resolvers take seconds.
 *
 * Threads:  one asks; a thread for each name that is being looked up ends by itself.
 * Memory:   redis_name_ask allocates; redis_name_drop gives it back, answered or not.
 * Errors:   -errno; of a name that is none, what getaddrinfo says as text.
 */
#ifndef REDIS_NAMES_H
#define REDIS_NAMES_H

#include "redis_url.h"

#include <sys/socket.h>

#define REDIS_ADDRESSES 8u /* of a name: further ones are not tried */

struct redis_name;

struct redis_address {
	struct sockaddr_storage at;
	socklen_t length;
};

/* In the order in which they are to be tried. */
struct redis_addresses {
	struct redis_address at[REDIS_ADDRESSES];
	uint32_t count;
};

/* A path or a number, which needs no looking up. -ENOENT: it is a name. */
int redis_place_address(const struct redis_place *place, struct redis_address *out);

int redis_name_ask(struct redis_name **out, const struct redis_place *place);
int redis_name_fd(const struct redis_name *n); /* readable: it is found, or not */
/* -EAGAIN: not yet; -ENOENT: there is no such name, fault says why. */
int redis_name_get(const struct redis_name *n, struct redis_addresses *out, const char **fault);
void redis_name_drop(struct redis_name *n); /* NULL is allowed */

#endif
