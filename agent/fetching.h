/*
 * fetching - the origins of the cache as the configuration wants them, with the secrets that were
 *            read before privileges were dropped.
 *
 * Threads:  the worker's main thread; what is opened is the web thread's.
 * Memory:   fetching_open, fetching_close, for the caller's memory.
 * Errors:   none stops the worker: without libcurl misses stay misses, which health tells as the
 *           part "origins".
 */
#ifndef AGENT_FETCHING_H
#define AGENT_FETCHING_H

#include "own.h"
#include "warmer.h"

struct config;
struct health;
struct proxying_sockets;

struct fetching {
	struct through *through; /* NULL: no origin is configured, or none can be asked */
	struct warmer *warmer;   /* with it */
	struct own own;          /* what is never asked */
};

struct fetching_config {
	const struct config *config;
	const struct origin_settings *settings; /* NULL: none */
	const int *api;
	unsigned int api_count;
	const struct proxying_sockets *proxies;
	struct cache *cache; /* NULL: it is turned off, and nothing is fetched for it */
	struct behind *behind;
	struct health *health;
};

void fetching_open(struct fetching *f, const struct fetching_config *config, int64_t wall_ms);
void fetching_close(struct fetching *f);

#endif
