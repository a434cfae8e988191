/*
 * proxy_orders - what another thread wants taken out of the proxy's cache: a mailbox that the
 *                proxy's thread empties, and what its poster asks for how far that is.
 */
#include "proxy_own.h"

#include "glob.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#define ORDERS_ROOM 2u

struct proxy_order {
	struct proxy_order *next; /* in the mailbox, then of those that the proxy has taken */
	struct proxy_order *next_posted;
	const void *who;
	enum drop_kind kind;
	bool begun;
	uint64_t count; /* set before done */
	atomic_bool done;
	atomic_int holders; /* its poster, if that asks, and the proxy: the last one frees it */
	size_t length;
	char what[]; /* and ORDERS_ROOM more */
};

static void orders_drop(struct proxy_order *o)
{
	/* A: acquire and release, so that the other's last look is over; pairs with itself. */
	if (atomic_fetch_sub_explicit(&o->holders, 1, memory_order_acq_rel) == 1)
		free(o);
}

/* A key, with the ? that each has, and how those of the same address by other headers begin. */
static void orders_page(struct proxy_order *o, struct cache_bytes *key, struct cache_bytes *others)
{
	size_t length = o->length;

	if (!memchr(o->what, '?', length))
		o->what[length++] = '?';
	*key = (struct cache_bytes){ o->what, length };
	o->what[length++] = '\n';
	*others = (struct cache_bytes){ o->what, length };
}

/* -EBUSY: not yet. */
static int orders_begin(struct proxy *p, struct proxy_order *o)
{
	const struct cache_bytes what = { o->what, o->length };
	struct cache_bytes key;
	struct cache_clear clear = { .who = o, .now_ns = p->now_ns };
	int ret = 0;

	switch (o->kind) {
	case DROP_PATTERN:
		ret = glob_open(&clear.pattern, o->what, o->length);
		break;
	case DROP_PREFIX:
		clear.prefix = what;
		break;
	case DROP_TAG:
		clear.tags = &what;
		clear.tag_count = 1;
		break;
	default:
		orders_page(o, &key, &clear.prefix);
		clear.keys = &key;
		clear.key_count = 1;
		break;
	}
	return ret ? ret : cache_clear(p->cache, &clear);
}

/* What is being fetched meanwhile was asked for before: it is passed on, and not kept. */
static void orders_forget_fetches(struct proxy *p)
{
	for (struct proxy_exchange *x = p->exchanges; x; x = x->after)
		if (x->fetch)
			x->fetch->outdated = true;
}

/* True: it is over. */
static bool orders_is_over(struct proxy *p, struct proxy_order *o)
{
	int ret;

	if (!p->cache)
		return true;
	if (!o->begun) {
		ret = orders_begin(p, o);
		if (ret == -EBUSY)
			return false;
		if (ret) /* no pattern, or no memory for one: nothing went, and that is told */
			return true;
		o->begun = true;
		orders_forget_fetches(p);
	}
	return cache_cleared(p->cache, o, &o->count) != -EAGAIN;
}

/* Those in the mailbox, behind those that are there, the oldest first. */
static void orders_take(struct proxy *p)
{
	/* B: acquire sees what the poster wrote; pairs with C. */
	struct proxy_order *o = atomic_exchange_explicit(&p->orders, NULL, memory_order_acquire);
	struct proxy_order *first = NULL, **end = &p->doing;

	while (o) {
		struct proxy_order *next = o->next;

		o->next = first;
		first = o;
		o = next;
	}
	while (*end)
		end = &(*end)->next;
	*end = first;
}

bool proxy_orders_do(struct proxy *p)
{
	struct proxy_order *o;

	orders_take(p);
	while ((o = p->doing) && orders_is_over(p, o)) {
		p->doing = o->next;
		proxy_count_add(p, PROXY_COUNT_AT(purged), o->count);
		/* D: release keeps the count ahead of the word that it is there; pairs with E. */
		atomic_store_explicit(&o->done, true, memory_order_release);
		orders_drop(o);
	}
	return p->doing;
}

void proxy_orders_close(struct proxy *p)
{
	struct proxy_order *o;

	orders_take(p);
	while ((o = p->doing)) {
		p->doing = o->next;
		orders_drop(o);
	}
	while ((o = p->posted)) {
		p->posted = o->next_posted;
		orders_drop(o);
	}
}

int proxy_purge(struct proxy *p, enum drop_kind kind, const struct cache_bytes *what,
		const void *who)
{
	struct proxy_order *o = malloc(sizeof(*o) + what->length + ORDERS_ROOM);

	if (!o)
		return -ENOMEM;
	*o = (struct proxy_order){
		.who = who, .kind = kind, .holders = who ? 2 : 1, .length = what->length
	};
	memcpy(o->what, what->at, what->length);
	if (who) {
		o->next_posted = p->posted;
		p->posted = o;
	}
	o->next = atomic_load_explicit(&p->orders, memory_order_relaxed);
	/* C: release keeps what it says ahead of its place in the list; pairs with B. */
	while (!atomic_compare_exchange_weak_explicit(&p->orders, &o->next, o, memory_order_release,
						      memory_order_relaxed))
		;
	eventfd_write(p->wake, 1);
	return 0;
}

int proxy_purged(const struct proxy *p, const void *who, uint64_t *count)
{
	*count = 0;
	for (struct proxy_order *o = p->posted; o; o = o->next_posted) {
		if (o->who != who)
			continue;
		/* E: acquire keeps the look at the count behind; pairs with D. */
		if (!atomic_load_explicit(&o->done, memory_order_acquire))
			return -EAGAIN;
		*count += o->count;
	}
	return 0;
}

void proxy_leave(struct proxy *p, const void *who)
{
	struct proxy_order **at = &p->posted, *o;

	while ((o = *at)) {
		if (o->who != who) {
			at = &o->next_posted;
			continue;
		}
		*at = o->next_posted;
		orders_drop(o);
	}
}
