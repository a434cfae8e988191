/*
 * proxy_orders - what other threads want taken out of the proxy's cache: a mailbox that its thread
 *                empties, and whose posters wait for a moment.
 */
#include "proxy_own.h"

#include "glob.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#define ORDERS_WAIT_NS UINT64_C(250000000) /* a turn of the loop is far shorter */

struct proxy_order {
	struct proxy_order *next;
	enum proxy_purge kind;
	struct glob *pattern; /* of one by pattern, else NULL */
	uint64_t count;       /* set before done */
	atomic_bool done;
	atomic_int holders; /* the poster and the proxy: the last one frees it */
	size_t length;
	char what[];
};

static void orders_drop(struct proxy_order *o)
{
	/* A: acquire and release, so that the other's last look is over; pairs with itself. */
	if (atomic_fetch_sub_explicit(&o->holders, 1, memory_order_acq_rel) > 1)
		return;
	glob_close(o->pattern);
	free(o);
}

static uint64_t orders_do_one(struct proxy *p, const struct proxy_order *o)
{
	const struct cache_bytes what = { o->what, o->length };

	switch (o->kind) {
	case PROXY_PURGE_PATTERN:
		return cache_clear(p->cache, o->pattern, p->now_ns);
	case PROXY_PURGE_PREFIX:
		return cache_invalidate_prefix(p->cache, &what, p->now_ns);
	case PROXY_PURGE_TAG:
		return cache_invalidate_tag(p->cache, &what, p->now_ns);
	case PROXY_PURGE_KEY:
		return cache_invalidate_key(p->cache, &what, p->now_ns);
	}
	return 0;
}

/* What is being fetched meanwhile was asked for before: it is passed on, and not kept. */
static void orders_forget_fetches(struct proxy *p)
{
	for (struct proxy_exchange *x = p->exchanges; x; x = x->after)
		if (x->fetch)
			x->fetch->outdated = true;
}

void proxy_orders_do(struct proxy *p)
{
	/* B: acquire sees what the poster wrote; pairs with C. */
	struct proxy_order *o = atomic_exchange_explicit(&p->orders, NULL, memory_order_acquire);

	while (o) {
		struct proxy_order *next = o->next;

		if (p->cache) {
			o->count = orders_do_one(p, o);
			orders_forget_fetches(p);
			proxy_count_add(p, PROXY_COUNT_AT(purged), o->count);
		}
		/* D: release keeps the count ahead of the word that it is there; pairs with E. */
		atomic_store_explicit(&o->done, true, memory_order_release);
		eventfd_write(p->done, 1);
		orders_drop(o);
		o = next;
	}
}

void proxy_orders_close(struct proxy *p)
{
	struct proxy_order *o = atomic_load_explicit(&p->orders, memory_order_acquire);

	while (o) {
		struct proxy_order *next = o->next;

		orders_drop(o);
		o = next;
	}
}

static uint64_t orders_clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * PROXY_S_NS + (uint64_t)t.tv_nsec;
}

static bool orders_wait(struct proxy *p, struct proxy_order *o)
{
	uint64_t end_ns = orders_clock_ns() + ORDERS_WAIT_NS;
	struct pollfd done = { .fd = p->done, .events = POLLIN };

	/* E: acquire keeps the look at the count behind; pairs with D. */
	while (!atomic_load_explicit(&o->done, memory_order_acquire)) {
		uint64_t now_ns = orders_clock_ns();
		eventfd_t times;

		if (now_ns >= end_ns)
			return false;
		if (poll(&done, 1, (int)((end_ns - now_ns) / 1000000) + 1) > 0)
			eventfd_read(p->done, &times);
	}
	return true;
}

static int orders_open(struct proxy_order **out, enum proxy_purge kind,
		       const struct cache_bytes *what)
{
	struct proxy_order *o = malloc(sizeof(*o) + what->length);
	int ret = 0;

	if (!o)
		return -ENOMEM;
	*o = (struct proxy_order){ .kind = kind, .length = what->length, .holders = 2 };
	memcpy(o->what, what->at, what->length);
	if (kind == PROXY_PURGE_PATTERN)
		ret = glob_open(&o->pattern, what->at, what->length);
	if (ret) {
		free(o);
		return ret;
	}
	*out = o;
	return 0;
}

int proxy_purge(struct proxy *p, enum proxy_purge kind, const struct cache_bytes *what,
		uint64_t *count)
{
	struct proxy_order *o;
	bool done;
	int ret;

	*count = 0;
	ret = orders_open(&o, kind, what);
	if (ret)
		return ret;
	o->next = atomic_load_explicit(&p->orders, memory_order_relaxed);
	/* C: release keeps what it says ahead of its place in the list; pairs with B. */
	while (!atomic_compare_exchange_weak_explicit(&p->orders, &o->next, o, memory_order_release,
						      memory_order_relaxed))
		;
	eventfd_write(p->wake, 1);
	done = orders_wait(p, o);
	if (done)
		*count = o->count;
	orders_drop(o);
	return done ? 0 : -ETIMEDOUT;
}
