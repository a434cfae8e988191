/*
 * web - the HTTP API: one libmicrohttpd daemon per listening socket, all on one thread.
 *
 * Threads:  web_open and web_close on the opener's; web_run starts the web thread, web_close ends
 *           it. The thread itself is one loop over the daemons' epoll descriptors.
 * Memory:   web_open allocates, web_close frees. Everything in web_config is borrowed until
 *           web_close, but the sockets: they are web's own once web_open returned 0.
 * Errors:   0 or -errno; nothing is logged but what the thread gives up.
 */
#ifndef WEB_WEB_H
#define WEB_WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define WEB_SOCKETS 16

struct alerts;
struct behind;
struct cache;
struct dispatch;
struct fleet;
struct config;
struct health;
struct metrics;
struct profile;
struct proxy;
struct store;
struct through;
struct warmer;
struct web;

/* A number that another part of the agent tells on /metrics; those of one name side by side. */
struct web_counter {
	const char *name;          /* without _total; borrowed for good, as the texts below */
	const char *label, *value; /* NULL: none */
	const char *help;
	double number;
	bool level; /* may go down: a gauge */
};

typedef size_t (*web_counters_fn)(void *ctx, struct web_counter *out, size_t room);

struct web_config {
	const int *sockets;        /* listening, of listen.h */
	unsigned int socket_count; /* 1 … WEB_SOCKETS */
	struct metrics *metrics;
	struct dispatch *dispatch; /* with alerts */
	struct alerts *alerts;     /* NULL: turned off */
	struct profile *profile;   /* NULL: none */
	struct store *store;       /* NULL: nothing is kept on disk */
	struct cache *cache;       /* NULL: turned off; the web thread's own from web_run on */
	struct behind *behind;     /* NULL: nothing is behind the cache; as the cache */
	struct fleet *fleet;       /* NULL: we are in none */
	struct through *through;   /* NULL: no values come from origins; as the cache */
	struct warmer *warmer;     /* with through */
	int wipe;                  /* where it is ordered to be cleared (wipe.h); < 1: nowhere */
	struct proxy *proxy;       /* NULL: none */
	struct health *health;
	const struct config *config;
	const char *token; /* of token.h; "": no token is good */
	gid_t group; /* its members are privileged on the Unix socket; (gid_t)-1: root alone */
	uint64_t started_ns;      /* CLOCK_MONOTONIC: when the agent started */
	uint32_t deadline_ms;     /* to a whole request; 0: 5,000 */
	uint32_t connections;     /* at once on one socket; 0: 256 */
	web_counters_fn counters; /* called on the web thread; NULL: none */
	void *counters_ctx;
};

int web_open(struct web **out, const struct web_config *config);
int web_run(struct web *w);    /* starts the thread */
void web_close(struct web *w); /* NULL is allowed */

#endif
