/*
 * tiering - the Redis tier of the cache, where there are both: its two ends and what joins them.
 *
 * Threads:  the worker's main thread; `behind` is the web thread's.
 * Memory:   tiering_open, tiering_close, for the caller's memory; the Redis is closed before.
 * Errors:   0 or -errno.
 */
#ifndef AGENT_TIERING_H
#define AGENT_TIERING_H

#include "behind.h"
#include "redis_part.h"
#include "remote.h"

struct tiering {
	struct bridge *bridge;
	struct behind *behind; /* NULL: the memory tier serves alone */
	struct remote *remote;
};

/* part is not open yet; it will listen for us. cache: NULL is allowed, as it is turned off. */
int tiering_open(struct tiering *t, const struct config *c, struct cache *cache,
		 struct redis_part *part);
/* part is open now; where there is no Redis after all, there is no tier. */
void tiering_attach(struct tiering *t, const struct redis_part *part);
void tiering_close(struct tiering *t);

/* The web thread has ended: what it wrote last is given half a second to get there. */
void tiering_finish(struct tiering *t, struct redis_part *part);

int tiering_fd(const struct tiering *t); /* -1: none */
/* What is to be done now, after the Redis's part; how long to wait for more, most_ms at most. */
int tiering_step(struct tiering *t, int most_ms);
void tiering_second(struct tiering *t);

#endif
