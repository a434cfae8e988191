/*
 * depot - our aggregates in the Redis, where the configuration wants them there: put as they are
 *         complete, fetched back after a start, and told of in health and metrics.
 *
 * Threads:  the worker's main thread; depot_counters on the web thread.
 * Memory:   depot_open, depot_close, for the caller's memory; closed behind the Redis.
 * Errors:   none stops the worker: they are told in health, as the part "redis.aggregates".
 */
#ifndef AGENT_DEPOT_H
#define AGENT_DEPOT_H

#include "config.h"
#include "health.h"
#include "web.h"

struct deposit;
struct redis;
struct regain;

struct depot_config {
	const struct config *config;
	struct redis *redis; /* NULL: there is none */
	struct metrics *metrics;
	struct store *store;
	struct health *health;
	const char *boot; /* as the store has it */
	const char *host; /* as parcel_host has it */
};

struct depot {
	struct health *health;
	struct deposit *deposit; /* NULL, with the next one: nothing is put there */
	struct regain *regain;
};

void depot_open(struct depot *d, const struct depot_config *config, int64_t wall_ms);
void depot_close(struct depot *d);
void depot_second(struct depot *d, uint64_t now_ns, int64_t wall_ms);

/* As a web_counters_fn; none where nothing is put there. */
size_t depot_counters(const struct depot *d, struct web_counter *out, size_t room);

#endif
