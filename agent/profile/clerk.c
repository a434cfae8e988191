#include "clerk.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define CLERK_SERVICE 256

struct clerk {
	struct profile *profile;
	pthread_t thread;
	bool busy;        /* there is a thread to be joined */
	atomic_bool done; /* it has left its result */
	atomic_bool over; /* what is under way is for nobody */
	const void *who;  /* NULL: he left */
	struct profile_scope scope;
	char service[CLERK_SERVICE];
	uint64_t now_ns;
	struct graph *graph;
	int result;
};

int clerk_open(struct clerk **out, struct profile *profile)
{
	struct clerk *c = calloc(1, sizeof(*c));

	*out = c;
	if (!c)
		return -ENOMEM;
	c->profile = profile;
	return 0;
}

/* Waits for the thread; the graph is the caller's. */
static struct graph *clerk_join(struct clerk *c)
{
	struct graph *graph;

	pthread_join(c->thread, NULL);
	graph = c->graph;
	c->graph = NULL;
	c->busy = false;
	c->who = NULL;
	return graph;
}

void clerk_close(struct clerk *c)
{
	if (!c)
		return;
	atomic_store_explicit(&c->over, true, memory_order_relaxed);
	if (c->busy)
		graph_close(clerk_join(c));
	free(c);
}

static void *clerk_work(void *ctx)
{
	struct clerk *c = ctx;

	c->result = profile_graph(c->profile, &c->scope, c->now_ns, &c->graph);
	/* A: release keeps the result ahead of the mark; pairs with B. */
	atomic_store_explicit(&c->done, true, memory_order_release);
	return NULL;
}

static int clerk_begin(struct clerk *c, const void *who, const struct profile_scope *scope,
		       uint64_t now_ns)
{
	sigset_t all, before;
	int result;

	c->who = who;
	c->scope = *scope;
	c->scope.over = &c->over;
	c->now_ns = now_ns;
	if (scope->service) {
		snprintf(c->service, sizeof(c->service), "%s", scope->service);
		c->scope.service = c->service;
	}
	atomic_store_explicit(&c->done, false, memory_order_relaxed);
	atomic_store_explicit(&c->over, false, memory_order_relaxed);
	/* signals are for the thread that knows what to do about them */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	result = -pthread_create(&c->thread, NULL, clerk_work, c);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	c->busy = result == 0;
	return result ? result : -EAGAIN;
}

int clerk_ask(struct clerk *c, const void *who, const struct profile_scope *scope, uint64_t now_ns,
	      struct graph **out)
{
	*out = NULL;
	if (!c->busy)
		return clerk_begin(c, who, scope, now_ns);
	/* B: acquire keeps the result behind the mark; pairs with A. */
	if (!atomic_load_explicit(&c->done, memory_order_acquire))
		return -EAGAIN;
	if (c->who != who) { /* it waits for nobody, or for somebody who asks again soon */
		if (c->who)
			return -EAGAIN;
		graph_close(clerk_join(c));
		return clerk_begin(c, who, scope, now_ns);
	}
	*out = clerk_join(c);
	return c->result;
}

bool clerk_is_busy(const struct clerk *c, const void *who)
{
	return c->busy && c->who && c->who != who;
}

void clerk_leave(struct clerk *c, const void *who)
{
	if (!c->busy || c->who != who)
		return;
	c->who = NULL;
	atomic_store_explicit(&c->over, true, memory_order_relaxed);
}
