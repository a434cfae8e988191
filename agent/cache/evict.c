#include "evict.h"

#include <errno.h>
#include <stdlib.h>

#define EVICT_NONE UINT32_MAX
#define EVICT_SMALL 10 /* its share of all the room is one in so many */
#define EVICT_OFTEN 1  /* more uses than that take it from the small queue to the main one */
#define EVICT_USES 3

int evict_open(struct evict *e, uint32_t max_items, uint64_t max_bytes)
{
	struct evict_gone *g = &e->gone;
	uint32_t buckets = 1;

	*e = (struct evict){ .max_items = max_items, .max_bytes = max_bytes };
	while (buckets < max_items)
		buckets *= 2;
	g->places = max_items;
	g->mask = buckets - 1;
	g->hashes = calloc(max_items, sizeof(*g->hashes));
	g->chains = malloc(max_items * sizeof(*g->chains));
	g->buckets = calloc(buckets, sizeof(*g->buckets));
	if (!g->hashes || !g->chains || !g->buckets) {
		evict_close(e);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < max_items; i++)
		g->chains[i] = EVICT_NONE;
	return 0;
}

void evict_close(struct evict *e)
{
	free(e->gone.hashes);
	free(e->gone.chains);
	free(e->gone.buckets);
	e->gone = (struct evict_gone){ .places = 0 };
}

/* Where the chain of a hash has this place, or, for none, its end. */
static uint32_t *evict_gone_link(struct evict_gone *g, uint64_t hash, uint32_t place)
{
	uint32_t *link = &g->buckets[hash & g->mask];

	while (*link && *link != place + 1)
		link = &g->chains[*link - 1];
	return link;
}

static void evict_gone_forget(struct evict_gone *g, uint32_t place)
{
	*evict_gone_link(g, g->hashes[place], place) = g->chains[place];
	g->chains[place] = EVICT_NONE;
}

static void evict_gone_add(struct evict_gone *g, uint64_t hash)
{
	uint32_t place = g->at;

	g->at = (g->at + 1) % g->places;
	if (g->chains[place] != EVICT_NONE)
		evict_gone_forget(g, place);
	g->hashes[place] = hash;
	g->chains[place] = g->buckets[hash & g->mask];
	g->buckets[hash & g->mask] = place + 1;
}

/* Was it there? It is not any more. */
static bool evict_gone_take(struct evict_gone *g, uint64_t hash)
{
	for (uint32_t at = g->buckets[hash & g->mask]; at; at = g->chains[at - 1]) {
		if (g->hashes[at - 1] != hash)
			continue;
		evict_gone_forget(g, at - 1);
		return true;
	}
	return false;
}

static void evict_put(struct evict_queue *q, struct evict_node *n)
{
	n->queue = q;
	n->newer = NULL;
	n->older = q->newest;
	*(q->newest ? &q->newest->newer : &q->oldest) = n;
	q->newest = n;
	q->items++;
	q->bytes += n->bytes;
}

void evict_drop(struct evict_node *n)
{
	struct evict_queue *q = n->queue;

	*(n->older ? &n->older->newer : &q->oldest) = n->newer;
	*(n->newer ? &n->newer->older : &q->newest) = n->older;
	n->older = n->newer = NULL;
	n->queue = NULL;
	q->items--;
	q->bytes -= n->bytes;
}

bool evict_has_room(const struct evict *e, size_t bytes)
{
	return e->small.items + e->main.items < e->max_items &&
	       e->small.bytes + e->main.bytes + bytes <= e->max_bytes;
}

void evict_add(struct evict *e, struct evict_node *n, struct evict_queue *queue)
{
	n->uses = 0;
	if (!queue)
		queue = evict_gone_take(&e->gone, n->hash) ? &e->main : &e->small;
	evict_put(queue, n);
}

void evict_use(struct evict_node *n)
{
	if (n->uses < EVICT_USES)
		n->uses++;
}

static bool evict_is_small_full(const struct evict *e)
{
	return e->small.items * EVICT_SMALL >= e->max_items ||
	       e->small.bytes * EVICT_SMALL >= e->max_bytes;
}

/* NULL: all that is in it was used often, and is in the main queue now. */
static struct evict_node *evict_next_small(struct evict *e)
{
	struct evict_node *n;

	while ((n = e->small.oldest)) {
		evict_drop(n);
		if (n->uses <= EVICT_OFTEN) {
			evict_gone_add(&e->gone, n->hash);
			return n;
		}
		n->uses = 0;
		evict_put(&e->main, n);
	}
	return NULL;
}

static struct evict_node *evict_next_main(struct evict *e)
{
	struct evict_node *n;

	while ((n = e->main.oldest)) {
		evict_drop(n);
		if (!n->uses)
			return n;
		n->uses--;
		evict_put(&e->main, n);
	}
	return NULL;
}

struct evict_node *evict_next(struct evict *e)
{
	struct evict_node *n = NULL;

	if (evict_is_small_full(e) || !e->main.items)
		n = evict_next_small(e);
	return n ? n : evict_next_main(e);
}
