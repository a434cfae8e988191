/*
 * redis_slots - which node has which slots, as a node of the cluster tells it.
 *
 * Threads:  a pure function.
 * Memory:   the caller's.
 * Errors:   -EPROTO: it is no such answer; ranges before the bad one were told.
 */
#ifndef REDIS_SLOTS_H
#define REDIS_SLOTS_H

#include "redis_key.h"
#include "redis_url.h"
#include "redis_wire.h"

typedef void (*redis_slots_fn)(void *ctx, uint32_t first, uint32_t last,
			       const struct redis_place *master);

/* The answer to CLUSTER SLOTS; a master that names no host is on `host`, who was asked. */
int redis_slots_read(const struct redis_value *answer, const char *host, redis_slots_fn each,
		     void *ctx);

#endif
