#include "pending.h"

#include "siphash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define PENDING_CHAINS 65536u /* at most */

struct pending_list {
	struct pending_write *first, *last;
};

struct pending {
	struct pending_write **chains;
	uint64_t mask, hash_key[2];
	struct pending_list waiting, under_way;
	struct pending_write *oldest, *newest; /* that wait with a value */
	struct drop *drops[PENDING_DROPS];
	uint32_t tags; /* of these */
	uint32_t items;
	uint64_t bytes;
	struct pending_counts counts;
};

int pending_open(struct pending **out, uint32_t items, uint64_t bytes)
{
	struct pending *p = calloc(1, sizeof(*p));
	uint64_t chains = 1;

	*out = NULL;
	if (!p)
		return -ENOMEM;
	while (chains < items && chains < PENDING_CHAINS)
		chains *= 2;
	p->mask = chains - 1;
	p->items = items;
	p->bytes = bytes;
	p->chains = calloc(chains, sizeof(struct pending_write *));
	if (!p->chains || getrandom(p->hash_key, sizeof(p->hash_key), 0) != sizeof(p->hash_key)) {
		pending_close(p);
		return -ENOMEM;
	}
	*out = p;
	return 0;
}

static void pending_list_close(struct pending_list *list)
{
	struct pending_write *after;

	for (struct pending_write *w = list->first; w; w = after) {
		after = w->after;
		pending_write_close(w);
	}
}

void pending_close(struct pending *p)
{
	if (!p)
		return;
	pending_list_close(&p->waiting);
	pending_list_close(&p->under_way);
	for (uint64_t i = 0; i < p->counts.drops; i++)
		drop_close(p->drops[i]);
	free(p->chains);
	free(p);
}

struct pending_write *pending_write_open(const struct cache_bytes *key)
{
	struct pending_write *w = malloc(sizeof(*w) + key->length);

	if (!w)
		return NULL;
	*w = (struct pending_write){ .key_length = key->length };
	memcpy(w->key, key->at, key->length);
	return w;
}

void pending_write_close(struct pending_write *w)
{
	free(w->capsule);
	free(w->tags);
	free(w);
}

static uint64_t pending_size(const struct pending_write *w)
{
	return sizeof(*w) + w->key_length + w->length + (w->tags ? strlen(w->tags) + 1 : 0);
}

static void pending_link(struct pending_list *list, struct pending_write *w)
{
	w->before = list->last;
	*(w->before ? &w->before->after : &list->first) = w;
	list->last = w;
}

static void pending_unlink(struct pending_list *list, struct pending_write *w)
{
	*(w->before ? &w->before->after : &list->first) = w->after;
	*(w->after ? &w->after->before : &list->last) = w->before;
	w->before = w->after = NULL;
}

/* Behind all that wait. */
static void pending_wait(struct pending *p, struct pending_write *w)
{
	pending_link(&p->waiting, w);
	if (!w->capsule)
		return;
	w->older = p->newest;
	*(w->older ? &w->older->newer : &p->oldest) = w;
	p->newest = w;
}

static void pending_value_unlink(struct pending *p, struct pending_write *w)
{
	if (!w->capsule || w->under_way)
		return;
	*(w->older ? &w->older->newer : &p->oldest) = w->newer;
	*(w->newer ? &w->newer->older : &p->newest) = w->older;
	w->older = w->newer = NULL;
}

/* What is left of it is that its key is to go. */
static void pending_forget(struct pending *p, struct pending_write *w)
{
	p->counts.bytes -= pending_size(w);
	pending_value_unlink(p, w);
	free(w->capsule);
	free(w->tags);
	w->capsule = NULL;
	w->tags = NULL;
	w->length = 0;
	p->counts.bytes += pending_size(w);
}

static bool pending_is_of(const struct pending_write *w, uint64_t hash,
			  const struct cache_bytes *key)
{
	return w->hash == hash && w->key_length == key->length &&
	       !memcmp(w->key, key->at, key->length);
}

/* The newest of its key from w on in its chain. */
static struct pending_write *pending_of(struct pending_write *w, uint64_t hash,
					const struct cache_bytes *key)
{
	while (w && !pending_is_of(w, hash, key))
		w = w->chain;
	return w;
}

/* That of the same key, under way or not; NULL: there is none. */
static struct pending_write *pending_other(const struct pending *p, const struct pending_write *w,
					   bool under_way)
{
	const struct cache_bytes key = { w->key, w->key_length };
	struct pending_write *o = pending_of(p->chains[w->hash & p->mask], w->hash, &key);

	while (o && (o == w || o->under_way != under_way))
		o = pending_of(o->chain, w->hash, &key);
	return o;
}

static void pending_remove(struct pending *p, struct pending_write *w)
{
	struct pending_write **at = &p->chains[w->hash & p->mask];

	while (*at != w)
		at = &(*at)->chain;
	*at = w->chain;
	pending_value_unlink(p, w);
	pending_unlink(w->under_way ? &p->under_way : &p->waiting, w);
	p->counts.writes--;
	p->counts.bytes -= pending_size(w);
	pending_write_close(w);
}

static bool pending_is_over(const struct pending *p)
{
	return p->counts.writes > p->items || p->counts.bytes > p->bytes;
}

static void pending_bound(struct pending *p)
{
	while (p->counts.bytes > p->bytes && p->oldest) {
		p->counts.lost_sets++;
		pending_forget(p, p->oldest);
	}
	while (pending_is_over(p) && (p->oldest || p->waiting.last)) {
		*(p->oldest ? &p->counts.lost_sets : &p->counts.lost_drops) += 1;
		pending_remove(p, p->oldest ? p->oldest : p->waiting.last);
	}
}

void pending_put(struct pending *p, struct pending_write *w)
{
	struct pending_write *older;

	w->hash = siphash(p->hash_key, w->key, w->key_length);
	older = pending_other(p, w, false);
	if (older)
		pending_remove(p, older);
	w->chain = p->chains[w->hash & p->mask];
	p->chains[w->hash & p->mask] = w;
	pending_wait(p, w);
	p->counts.writes++;
	p->counts.bytes += pending_size(w);
	pending_bound(p);
}

static bool pending_is_taken(const struct drop *d, const struct pending_write *w)
{
	const struct cache_bytes key = { w->key, w->key_length };

	return drop_takes(d, &key, w->tags ? w->tags : "");
}

/* By a tag the value goes, and what was there before it, which may have had none. */
static void pending_take_out(struct pending *p, const struct drop *d)
{
	struct pending_write *after;

	for (struct pending_write *w = p->waiting.first; w; w = after) {
		after = w->after;
		if (!pending_is_taken(d, w))
			continue;
		if (d->kind == DROP_TAG)
			pending_forget(p, w);
		else
			pending_remove(p, w);
	}
	for (struct pending_write *w = p->under_way.first; w; w = w->after)
		w->overtaken = w->overtaken || pending_is_taken(d, w);
}

/* The first may be under way already: another like it is not the same. */
static bool pending_has_drop(const struct pending *p, const struct drop *d)
{
	for (uint64_t i = 1; i < p->counts.drops; i++)
		if (drop_is_same(p->drops[i], d))
			return true;
	return false;
}

void pending_drop(struct pending *p, struct drop *d)
{
	pending_take_out(p, d);
	if (pending_has_drop(p, d)) {
		drop_close(d);
	} else if (p->counts.drops == PENDING_DROPS || p->counts.bytes + d->length > p->bytes) {
		p->counts.lost_drops++;
		drop_close(d);
	} else {
		p->counts.bytes += d->length;
		p->tags += d->kind == DROP_TAG;
		p->drops[p->counts.drops++] = d;
	}
}

const struct pending_write *pending_find(const struct pending *p, const struct cache_bytes *key)
{
	uint64_t hash = siphash(p->hash_key, key->at, key->length);

	return pending_of(p->chains[hash & p->mask], hash, key);
}

bool pending_takes(const struct pending *p, const struct cache_bytes *key)
{
	for (uint64_t i = 0; i < p->counts.drops; i++)
		if (drop_takes(p->drops[i], key, NULL))
			return true;
	return false;
}

static bool pending_waits(const struct pending *p, const struct pending_write *w, uint64_t now_ns)
{
	const struct cache_bytes key = { w->key, w->key_length };

	return w->due_ns > now_ns || pending_other(p, w, true) || pending_takes(p, &key);
}

struct pending_write *pending_next(struct pending *p, uint64_t now_ns)
{
	struct pending_write *w = p->tags ? NULL : p->waiting.first;

	while (w && pending_waits(p, w, now_ns))
		w = w->after;
	if (!w)
		return NULL;
	pending_unlink(&p->waiting, w);
	pending_value_unlink(p, w);
	w->under_way = true;
	pending_link(&p->under_way, w);
	return w;
}

void pending_done(struct pending *p, struct pending_write *w)
{
	pending_remove(p, w);
}

void pending_again(struct pending *p, struct pending_write *w, uint64_t due_ns)
{
	if (w->overtaken)
		pending_forget(p, w);
	if (pending_other(p, w, false)) {
		pending_remove(p, w);
		return;
	}
	pending_unlink(&p->under_way, w);
	w->under_way = w->overtaken = false;
	w->due_ns = due_ns;
	pending_wait(p, w);
}

void pending_refused(struct pending *p, struct pending_write *w)
{
	if (!w->capsule) {
		p->counts.lost_drops++;
		pending_remove(p, w);
		return;
	}
	p->counts.lost_sets++;
	pending_forget(p, w);
	pending_again(p, w, 0);
}

const struct drop *pending_first_drop(const struct pending *p)
{
	return p->counts.drops ? p->drops[0] : NULL;
}

void pending_drop_done(struct pending *p)
{
	p->counts.bytes -= p->drops[0]->length;
	p->tags -= p->drops[0]->kind == DROP_TAG;
	drop_close(p->drops[0]);
	p->counts.drops--;
	memmove(p->drops, p->drops + 1, p->counts.drops * sizeof(struct drop *));
}

void pending_counts_get(const struct pending *p, struct pending_counts *out)
{
	*out = p->counts;
}
