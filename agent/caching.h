/*
 * caching - the cache as the configuration wants it, and what rules and health are told of it.
 *
 * Threads:  the worker's main thread; the cache itself is the web thread's.
 * Memory:   caching_open gives a cache to be closed, or NULL where it is turned off.
 * Errors:   0 or -errno.
 */
#ifndef AGENT_CACHING_H
#define AGENT_CACHING_H

#include "cache.h"
#include "source.h"

struct config;
struct health;

int caching_open(struct cache **out, const struct config *config);

/* cache: NULL is allowed, as it is turned off. */
void caching_second(struct cache *cache, struct health *health, uint64_t now_ns, int64_t wall_ms);

/* As struct source_agent has it. */
void caching_told(void *cache, uint64_t from_ns, struct source_cache *out);

#endif
