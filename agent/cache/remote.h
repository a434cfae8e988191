/*
 * remote - the Redis behind the memory tier: asked, written to as fast as it takes it, and told of
 *          by other agents that share it.
 *
 * Threads:  the one that drives the client; the bridge is how the others speak with it.
 * Memory:   remote_open, remote_close; bridge and client are borrowed, and the client is closed
 *           first: what is under way there is told then.
 * Errors:   -ENOMEM; what Redis refuses is counted, and told as the bridge's state.
 * Keys:     "v:" and the key: a capsule, for the rest of its time. "t:" and a tag: the set of the
 *           keys that carry it, a key being in it before its value is there, and once more behind
 *           that: whoever takes the tag out meanwhile takes it out of the set. A key whose newest
 *           value has lost the tag may be in it still: it goes with the others, and is a miss.
 *           Where Redis may give up sets, values are looked into for the tag.
 * Order:    of one key, the writes as they came, one at a time, the newest alone if they have to
 *           wait. Prefixes, patterns and tags go before what came later and they would take, and
 *           until they are done that is not asked for.
 * Others:   each change is published when Redis has it; who hears of one drops what it has. Who may
 *           have missed some, because the channel was lost, drops all that it has in memory.
 * Away:     writes wait in `pending`, which has a bound; nothing is asked.
 */
#ifndef CACHE_REMOTE_H
#define CACHE_REMOTE_H

#include "bridge.h"
#include "redis_client.h"

#define REMOTE_CHANNEL "cache"

struct remote;

struct remote_config {
	struct bridge *bridge;
	uint32_t items; /* of writes that wait */
	uint64_t bytes;
	uint64_t sender; /* a number that no other agent has */
	uint64_t (*now_ns)(void);
	int64_t (*wall_ms)(void);
};

int remote_open(struct remote **out, const struct remote_config *config);
void remote_close(struct remote *r); /* NULL is allowed */

/* From now on it is asked; its channel is REMOTE_CHANNEL, and what it hears is for remote_heard. */
void remote_attach(struct remote *r, struct redis *redis);
void remote_heard(void *remote, const void *message, size_t length);

/* What came over the bridge. How long to wait for more, most_ms at most. */
int remote_step(struct remote *r, int most_ms);
void remote_second(struct remote *r); /* tells its state */

/* All that came is in Redis, or nobody is there to take it. */
bool remote_is_through(const struct remote *r);

#endif
