/*
 * proxy - a caching proxy for HTTP/1.x: listeners, each in front of one upstream, on a thread of
 *         their own with a cache of their own.
 *
 * Threads:  proxy_open and proxy_close on the opener's; proxy_run starts the proxy's thread, which
 *           owns everything in it. proxy_purge and what follows it by one other thread,
 *           proxy_counts_get, proxy_cache_counts_get and proxy_places by any.
 * Memory:   proxy_open allocates, proxy_close frees; sites and own are borrowed until then, sockets
 *           are the proxy's own once proxy_open returned 0.
 * Errors:   0 or -errno. -ELOOP: an upstream is a listener of this agent.
 * Waiting:  of requests that miss one key at a time is asked upstream; the others wait for it, up
 *           to PROXY_WAIT_NS, and are answered from what it stored. When its reply turns out not to
 *           be kept they all go upstream by themselves, as after that time; when it fails they fail
 *           with it, or are answered by what is stale.
 */
#ifndef PROXY_PROXY_H
#define PROXY_PROXY_H

#include "drop.h"
#include "own.h"
#include "proxy_site.h"

#define PROXY_WAIT_NS UINT64_C(5000000000)
#define PROXY_OWN 2u

struct proxy;

struct proxy_config {
	const struct proxy_site *const *sites;
	const int *sockets; /* listening, one for each site */
	unsigned int count; /* 1 … PROXY_SITES */
	struct cache_config cache;
	const struct own *own[PROXY_OWN]; /* of the agent; NULL: none more */
	uint64_t (*now_ns)(void);         /* CLOCK_MONOTONIC */
	int64_t (*wall_ms)(void);
};

/* Since the start, but open and upstream_open: now. */
struct proxy_counts {
	uint64_t connections, open, paused; /* open: now; paused: the limit was reached */
	uint64_t requests, hits, misses, bypassed, stale;
	uint64_t stored, waited; /* waited: for what another one fetched */
	uint64_t unkept[5];      /* by enum freshness_why */
	uint64_t too_large;      /* replies past the largest value, or too many at a time */
	uint64_t refused;        /* requests that could be read in two ways, or not at all */
	uint64_t large_heads;    /* 431 */
	uint64_t slow_clients;   /* that took too long to send or to take */
	uint64_t upstream_opened, upstream_reused, upstream_open, upstream_failed;
	uint64_t upstream_slow; /* 504 */
	uint64_t upstream_odd;  /* replies that are no HTTP/1.x, or cut short */
	uint64_t tunnels, purged;
	uint64_t no_memory;
};

int proxy_open(struct proxy **out, const struct proxy_config *config);
int proxy_run(struct proxy *p);
void proxy_close(struct proxy *p); /* NULL is allowed */

/*
 * Has entries taken out of the cache, for `who`, who asks how many went; NULL: nobody does. What is
 * no pattern takes nothing. A key takes what is kept of its address, by whatever headers; it may go
 * without the ? of a query that is empty. -ENOMEM: it is not done.
 */
int proxy_purge(struct proxy *p, enum drop_kind kind, const struct cache_bytes *what,
		const void *who);
/* By all that was ordered for this one; -EAGAIN: it is not done. */
int proxy_purged(const struct proxy *p, const void *who, uint64_t *count);
void proxy_leave(struct proxy *p, const void *who); /* it goes on all the same */

void proxy_counts_get(const struct proxy *p, struct proxy_counts *out);
void proxy_cache_counts_get(const struct proxy *p, struct cache_counts *out);
unsigned int proxy_places(const struct proxy *p);

#endif
