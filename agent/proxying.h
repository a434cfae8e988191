/*
 * proxying - the caching proxy as the configuration wants it: its listening sockets, made before
 *            privileges are dropped, the proxy itself, and what health is told of it.
 *
 * Threads:  the worker's main thread, but proxying_listen.
 * Memory:   proxying_open, proxying_close, for the caller's memory. The sockets are the proxy's
 *           once proxying_open was called.
 * Errors:   none stops the worker: they are told in health, as the part "proxy".
 */
#ifndef AGENT_PROXYING_H
#define AGENT_PROXYING_H

#include "config.h"
#include "health.h"
#include "proxy.h"

struct proxying_sockets {
	int at[PROXY_SITES];
	unsigned int count;
};

/* 0 or -errno; *address: the one at fault. */
int proxying_listen(const struct config *c, struct proxying_sockets *out, const char **address);
void proxying_sockets_close(const struct proxying_sockets *s);

struct proxying {
	struct proxy *proxy; /* NULL: none is configured, or it cannot be opened */
	struct health *health;
	struct proxy_site *sites[PROXY_SITES];
	unsigned int count;
	struct own api; /* the agent's other listeners */
	struct proxy_counts before;
};

struct proxying_config {
	const struct config *config;
	const struct proxying_sockets *sockets;
	const int *api;
	unsigned int api_count;
	struct health *health;
};

void proxying_open(struct proxying *p, const struct proxying_config *config, int64_t wall_ms);
void proxying_close(struct proxying *p);
void proxying_second(struct proxying *p, int64_t wall_ms);

#endif
