/*
 * redis_own - the inside of a client: of redis_client, redis_evicts, redis_member, redis_rank and
 * redis_scan alone.
 *
 * Threads:  as redis_client.
 * Memory:   as redis_client.
 * Errors:   0 or -errno.
 */
#ifndef REDIS_OWN_H
#define REDIS_OWN_H

#include "redis_client.h"
#include "redis_nodes.h"

struct redis {
	struct redis_nodes nodes;
	struct redis_links listening; /* of the listener */
	struct redis_link listener;
	struct redis_config config;
	struct redis_url url;
	char prefix[REDIS_CLIENT_PREFIX];
	char channel[2 * REDIS_CLIENT_PREFIX];
	uint64_t asked;
};

/* A key of ours with its prefix in the place of *key, malloc's; NULL: no memory. */
char *redis_own_key(const struct redis *r, struct redis_text *key);

/* c, whose slot is that of this whole key, goes off; where it cannot, it is freed. */
int redis_own_ask(struct redis *r, struct redis_call *c, const struct redis_text *key,
		  const struct redis_then *then);

/* A call of these words, its deadline ahead of it. */
int redis_call_new(struct redis *r, const struct redis_text *words, size_t count,
		   struct redis_call **out);

#endif
