/*
 * gather - reads a view out of the Redis: the hosts, what each says of itself, and their parcels.
 *
 * Threads:  one, which waits for nothing: answers come from redis_step.
 * Memory:   gather_open allocates; gather_close frees when nothing is under way any more: behind
 *           redis_close.
 * Errors:   gather_begin: -EBUSY, and as redis_client. What cannot be read is said in the view.
 * Bounds:   GATHER_FLYING questions at a time, GATHER_KEYS and GATHER_BYTES of one view, and
 *           GATHER_NS: then the view is cut, and says so. A host is read from its first slot to its
 *           last before the next one, in the order of their names.
 */
#ifndef FLEET_GATHER_H
#define FLEET_GATHER_H

#include "redis_client.h"
#include "view.h"

#define GATHER_FLYING 64u
#define GATHER_KEYS 262144u
#define GATHER_BYTES (UINT64_C(256) << 20)
#define GATHER_NS UINT64_C(2000000000)
#define GATHER_SERVICES 1024u /* of one host */

struct gather;

struct gather_config {
	struct redis *redis;
	uint64_t forget_ms;
	uint64_t (*now_ns)(void);
	/* It is whole, cut or at fault; the view is the receiver's. */
	void (*done)(void *ctx, struct view *v);
	void *ctx;
};

int gather_open(struct gather **out, const struct gather_config *config);
void gather_close(struct gather *g); /* NULL is allowed */

/* Then done is called, exactly once, unless it is closed before. */
int gather_begin(struct gather *g, const struct view_ask *ask);
bool gather_is_busy(const struct gather *g);

#endif
