#include "cache.h"

#include "clears.h"
#include "put.h"
#include "siphash.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define CACHE_S_NS UINT64_C(1000000000)
#define CACHE_MS_NS UINT64_C(1000000)
#define CACHE_PIECE 131072u  /* work at a time, a millisecond or two: nobody waits longer for it */
#define CACHE_WORK_CHAIN 8u  /* of a look at a chain … */
#define CACHE_WORK_ENTRY 64u /* … and at an entry; 1 for a byte of its key for a clear */

#define CACHE_FIELDS (sizeof(struct cache_counts) / sizeof(uint64_t))

struct cache {
	struct cache_config config;
	struct cache_entry **chains;
	uint64_t mask;
	uint64_t hash_key[2];
	struct evict evict;
	struct tags tags;
	struct pack pack;
	struct clears clears;
	uint64_t version;
	uint64_t sweep_ns;          /* when all is looked through again; 0: nothing is kept */
	uint64_t look_at, look_for; /* the next chain, and how many of them for what is over */
	struct rates rates;
	/* struct cache_counts: the owner adds, anybody reads; each is right, not all at once. */
	_Atomic uint64_t counts[CACHE_FIELDS];
};

#define CACHE_COUNT(c, field)                                                                      \
	(&(c)->counts[offsetof(struct cache_counts, field) / sizeof(uint64_t)])

static void cache_count(_Atomic uint64_t *count, uint64_t more)
{
	uint64_t before = atomic_load_explicit(count, memory_order_relaxed);

	atomic_store_explicit(count, before + more, memory_order_relaxed);
}

int cache_open(struct cache **out, const struct cache_config *config)
{
	struct cache *c = calloc(1, sizeof(*c));
	uint64_t chains = 1;
	int ret;

	if (!c)
		return -ENOMEM;
	c->config = *config;
	rates_init(&c->rates);
	while (chains < config->max_items)
		chains *= 2;
	c->mask = chains - 1;
	c->chains = calloc(chains, sizeof(struct cache_entry *));
	c->pack = (struct pack){ .on = config->compression,
				 .from = config->compression_from,
				 .level = config->compression_level };
	cache_count(CACHE_COUNT(c, max_items), config->max_items);
	cache_count(CACHE_COUNT(c, max_bytes), config->max_bytes);
	ret = c->chains ? 0 : -ENOMEM;
	if (!ret && getrandom(c->hash_key, sizeof(c->hash_key), 0) != sizeof(c->hash_key))
		ret = -EIO;
	if (!ret)
		ret = evict_open(&c->evict, config->max_items, config->max_bytes);
	if (!ret)
		ret = tags_open(&c->tags, config->max_items, c->hash_key);
	if (ret) {
		cache_close(c);
		return ret;
	}
	*out = c;
	return 0;
}

const struct cache_config *cache_config_get(const struct cache *c)
{
	return &c->config;
}

/* Where it hangs, or would. */
static struct cache_entry **cache_find(const struct cache *c, uint64_t hash,
				       const struct cache_bytes *key)
{
	struct cache_entry **at = &c->chains[hash & c->mask];

	while (*at && ((*at)->node.hash != hash || (*at)->key_length != key->length ||
		       memcmp((*at)->key, key->at, key->length) != 0))
		at = &(*at)->chain;
	return at;
}

/* What a value adds to the counts of what there is, or, with minus one, takes away. */
static void cache_weigh(struct cache *c, const struct cache_entry *e, uint64_t sign)
{
	const struct cache_value *v = e->value;

	cache_count(CACHE_COUNT(c, items), sign);
	cache_count(CACHE_COUNT(c, bytes), sign * e->node.bytes);
	if (!v->packed)
		return;
	cache_count(CACHE_COUNT(c, packed), sign);
	cache_count(CACHE_COUNT(c, packed_raw), sign * v->length);
	cache_count(CACHE_COUNT(c, packed_stored), sign * v->stored);
}

/* at: where it hangs. */
static void cache_remove(struct cache *c, struct cache_entry **at)
{
	struct cache_entry *e = *at;

	*at = e->chain;
	if (e->node.queue)
		evict_drop(&e->node);
	cache_weigh(c, e, UINT64_MAX);
	entry_close(e, &c->tags);
}

void cache_close(struct cache *c)
{
	if (!c)
		return;
	for (uint64_t i = 0; c->chains && i <= c->mask; i++)
		while (c->chains[i])
			cache_remove(c, &c->chains[i]);
	free(c->chains);
	clears_fini(&c->clears);
	tags_close(&c->tags);
	evict_close(&c->evict);
	pack_close(&c->pack);
	rates_fini(&c->rates);
	free(c);
}

static bool cache_is_over(const struct cache_entry *e, uint64_t now_ns)
{
	return now_ns >= e->gone_ns;
}

/* A look finds it. */
static bool cache_is_seen(const struct cache_entry *e, uint64_t now_ns)
{
	return !e->absent && now_ns < e->expires_ns;
}

/* It goes: as it is over, or with a clear; or else, true, for a reason that is counted here. */
static bool cache_take(struct cache *c, struct cache_entry **at, uint64_t now_ns,
		       _Atomic uint64_t *count)
{
	struct clear *clear = clears_claim(&c->clears, *at);
	bool seen = cache_is_seen(*at, clear ? clear->now_ns : now_ns);

	if (clear && seen) {
		clear->count++;
		count = CACHE_COUNT(c, invalidations);
	}
	cache_count(seen ? count : CACHE_COUNT(c, expired), 1);
	cache_remove(c, at);
	return seen && !clear;
}

static void cache_take_entry(struct cache *c, const struct cache_entry *e, uint64_t now_ns,
			     _Atomic uint64_t *count)
{
	const struct cache_bytes key = { e->key, e->key_length };
	struct cache_entry **at = cache_find(c, e->node.hash, &key);

	if (*at) /* always: it hangs there as long as its tags do */
		cache_take(c, at, now_ns, count);
}

/* Over, or cleared: nobody finds it any more. */
static bool cache_is_gone(struct cache *c, const struct cache_entry *e, uint64_t now_ns)
{
	return cache_is_over(e, now_ns) || clears_claim(&c->clears, e);
}

/* The entry of a key that lives still; one that does not is taken away. */
static struct cache_entry **cache_living(struct cache *c, const struct cache_bytes *key,
					 uint64_t now_ns)
{
	struct cache_entry **at = cache_find(c, siphash(c->hash_key, key->at, key->length), key);

	if (!*at || !cache_is_gone(c, *at, now_ns))
		return *at ? at : NULL;
	cache_take(c, at, now_ns, CACHE_COUNT(c, expired));
	return NULL;
}

struct cache_value *cache_peek(struct cache *c, const struct cache_bytes *key, uint64_t now_ns,
			       uint64_t *left_ns)
{
	struct cache_entry **at = cache_living(c, key, now_ns);

	if (!at || !cache_is_seen(*at, now_ns))
		return NULL;
	*left_ns = (*at)->expires_ns - now_ns;
	return cache_value_get((*at)->value);
}

struct cache_value *cache_get(struct cache *c, const struct cache_bytes *key, uint64_t now_ns,
			      uint64_t *left_ns)
{
	struct cache_entry **at = cache_living(c, key, now_ns);
	bool seen = at && cache_is_seen(*at, now_ns);

	cache_count(seen ? CACHE_COUNT(c, hits) : CACHE_COUNT(c, misses), 1);
	if (!seen)
		return NULL;
	evict_use(&(*at)->node);
	*left_ns = (*at)->expires_ns - now_ns;
	return cache_value_get((*at)->value);
}

void cache_found(struct cache *c)
{
	cache_count(CACHE_COUNT(c, found), 1);
}

bool cache_is_absent(struct cache *c, const struct cache_bytes *key, uint64_t now_ns)
{
	struct cache_entry **at = cache_living(c, key, now_ns);

	if (!at || !(*at)->absent)
		return false;
	evict_use(&(*at)->node);
	return true;
}

struct cache_value *cache_lapsed(struct cache *c, const struct cache_bytes *key, uint64_t now_ns,
				 uint64_t *over_ns)
{
	struct cache_entry **at = cache_living(c, key, now_ns);

	if (!at || (*at)->absent || now_ns < (*at)->expires_ns)
		return NULL;
	evict_use(&(*at)->node);
	*over_ns = now_ns - (*at)->expires_ns;
	return cache_value_get((*at)->value);
}

int cache_expand(struct cache *c, const struct cache_value *v, void **out)
{
	int ret = cache_value_expand(v, &c->pack, out);

	if (ret)
		cache_count(CACHE_COUNT(c, errors), 1);
	return ret;
}

const char *cache_pack_problem(const struct cache *c)
{
	return c->pack.error ? "libzstd.so.1 cannot be opened: no value is compressed" : NULL;
}

/* Room for one more, at the cost of those that are worth least. */
static void cache_make_room(struct cache *c, size_t bytes, uint64_t now_ns)
{
	const struct evict_node *gone;

	while (!evict_has_room(&c->evict, bytes) && (gone = evict_next(&c->evict)))
		cache_take_entry(c, (const struct cache_entry *)gone, now_ns,
				 CACHE_COUNT(c, evictions));
}

/* The new one takes the place of one with its key, which was of use that often. */
static void cache_put_in(struct cache *c, struct cache_entry *e, uint64_t now_ns)
{
	const struct cache_bytes key = { e->key, e->key_length };
	struct cache_entry **at = cache_living(c, &key, now_ns);
	struct evict_queue *queue = at ? (*at)->node.queue : NULL;
	uint8_t uses = at ? (*at)->node.uses : 0;

	if (at)
		cache_remove(c, at);
	cache_make_room(c, e->node.bytes, now_ns);
	evict_add(&c->evict, &e->node, queue);
	e->node.uses = uses;
	if (queue)
		evict_use(&e->node);
	at = cache_find(c, e->node.hash, &key);
	e->chain = *at;
	*at = e;
	cache_weigh(c, e, 1);
}

/* The value is taken over. */
static int cache_enter(struct cache *c, const struct cache_put *put, struct cache_value *v,
		       uint64_t left_ns)
{
	const struct entry_means means = { &c->tags, c->hash_key };
	struct cache_entry *e;
	int ret = entry_open(&e, put, v, &means);

	if (!ret && e->node.bytes > c->config.max_bytes) {
		entry_close(e, &c->tags);
		ret = -ENOSPC;
	}
	if (ret) {
		cache_count(CACHE_COUNT(c, errors), 1);
		return ret;
	}
	e->expires_ns = put->now_ns + left_ns;
	e->gone_ns = e->expires_ns + put->lapse_s * CACHE_S_NS;
	c->version++;
	cache_put_in(c, e, put->now_ns);
	if (!c->sweep_ns)
		c->sweep_ns = put->now_ns + c->config.cleanup_ns;
	return 0;
}

int cache_set(struct cache *c, const struct cache_put *put)
{
	uint64_t ttl_s = put->ttl_s ? put->ttl_s : c->config.ttl_s;
	struct cache_value *v;
	int ret = put_check(put, &c->config);

	if (ret)
		return ret;
	ret = put_value(put, &c->pack, c->version + 1, &v);
	if (ret)
		cache_count(CACHE_COUNT(c, errors), 1);
	else
		ret = cache_enter(c, put, v, ttl_s * CACHE_S_NS);
	if (!ret && !put->absent)
		cache_count(CACHE_COUNT(c, sets), 1);
	return ret;
}

int cache_adopt(struct cache *c, const struct cache_bytes *key, struct cache_value *v,
		const struct cache_lease *lease)
{
	struct cache_bytes tags[CACHE_TAGS];
	int count = put_tags_read(v->tags, tags);
	const struct cache_put put = { .key = *key,
				       .value.length = v->length,
				       .tags = tags,
				       .tag_count = count < 0 ? CACHE_TAGS + 1 : (size_t)count,
				       .now_ns = lease->now_ns };
	int ret = put_check(&put, &c->config);

	if (ret)
		return ret;
	v->version = c->version + 1;
	return cache_enter(c, &put, cache_value_get(v), lease->left_ns);
}

bool cache_delete(struct cache *c, const struct cache_bytes *key, uint64_t now_ns)
{
	struct cache_entry **at = cache_living(c, key, now_ns);

	return at && cache_take(c, at, now_ns, CACHE_COUNT(c, deletes));
}

uint64_t cache_invalidate_key(struct cache *c, const struct cache_bytes *key, uint64_t now_ns)
{
	struct cache_entry **at = cache_living(c, key, now_ns);

	return at ? cache_take(c, at, now_ns, CACHE_COUNT(c, invalidations)) : 0;
}

static size_t cache_work(const struct cache *c, const struct cache_entry *e)
{
	return CACHE_WORK_ENTRY + c->clears.count * e->key_length;
}

/* One chain of the table; how much work that was. */
static size_t cache_look(struct cache *c, uint64_t now_ns)
{
	struct cache_entry **at = &c->chains[c->look_at++ & c->mask];
	size_t work = CACHE_WORK_CHAIN;

	while (*at) {
		work += cache_work(c, *at);
		if (cache_is_gone(c, *at, now_ns))
			cache_take(c, at, now_ns, CACHE_COUNT(c, expired));
		else
			at = &(*at)->chain;
	}
	c->look_for -= c->look_for > 0;
	clears_chain_done(&c->clears);
	return work;
}

/* A piece of what there is to do. */
static void cache_piece(struct cache *c, uint64_t now_ns)
{
	const struct tag_link *link;
	size_t work = 0;

	while (work < CACHE_PIECE && (link = clears_link(&c->clears))) {
		work += cache_work(c, link->owner);
		cache_take_entry(c, link->owner, now_ns, CACHE_COUNT(c, expired));
	}
	while (work < CACHE_PIECE && (c->look_for || clears_want_chains(&c->clears)))
		work += cache_look(c, now_ns);
}

/* They are gone at once, ahead of what else the newest clear takes, and are counted with it. */
static void cache_clear_keys(struct cache *c, const struct cache_clear *clear)
{
	uint64_t count = 0;

	for (size_t i = 0; i < clear->key_count; i++)
		count += cache_invalidate_key(c, &clear->keys[i], clear->now_ns);
	c->clears.items[c->clears.count - 1].count += count;
}

int cache_clear(struct cache *c, const struct cache_clear *clear)
{
	const struct clears_from from = { &c->tags, c->version, c->mask + 1 };
	int ret;

	while (!clear->who && clears_is_full(&c->clears))
		cache_piece(c, clear->now_ns); /* half of them end by that alone */
	ret = clears_begin(&c->clears, clear, &from);
	if (!ret) {
		cache_clear_keys(c, clear);
		cache_piece(c, clear->now_ns);
	}
	return ret;
}

int cache_cleared(struct cache *c, const void *who, uint64_t *count)
{
	return clears_tell(&c->clears, who, count);
}

void cache_leave(struct cache *c, const void *who)
{
	clears_leave(&c->clears, who);
}

static bool cache_is_clearing(struct cache *c)
{
	return clears_link(&c->clears) || clears_want_chains(&c->clears);
}

int cache_run(struct cache *c, uint64_t now_ns)
{
	uint64_t left_ns;

	if (c->sweep_ns && !c->look_for && now_ns >= c->sweep_ns) {
		c->look_for = c->mask + 1;
		c->sweep_ns = now_ns + c->config.cleanup_ns;
	}
	cache_piece(c, now_ns);
	if (cache_is_clearing(c))
		return 0;
	if (c->look_for)
		return 1;
	if (!*CACHE_COUNT(c, items)) {
		c->sweep_ns = 0;
		return -1;
	}
	left_ns = c->sweep_ns > now_ns ? c->sweep_ns - now_ns : 0;
	return left_ns / CACHE_MS_NS < INT32_MAX ? (int)(left_ns / CACHE_MS_NS) + 1 : INT32_MAX;
}

void cache_counts_get(const struct cache *c, struct cache_counts *out)
{
	uint64_t counts[CACHE_FIELDS];

	for (size_t i = 0; i < CACHE_FIELDS; i++)
		counts[i] = atomic_load_explicit(&c->counts[i], memory_order_relaxed);
	memcpy(out, counts, sizeof(*out));
}

void cache_second(struct cache *c, uint64_t now_ns)
{
	struct cache_counts n;

	cache_counts_get(c, &n);
	if (n.found > n.misses) /* each is right, not all at once */
		n.found = n.misses;
	rates_note(&c->rates, now_ns,
		   &(struct rates_counts){ n.hits + n.found, n.misses - n.found, n.evictions });
}

void cache_window(struct cache *c, uint64_t from_ns, uint64_t to_ns, struct rates_counts *out)
{
	rates_window(&c->rates, from_ns, to_ns, out);
}
