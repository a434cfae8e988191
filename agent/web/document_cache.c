/*
 * document_cache - the cache as a whole: what it did, how it is, and what is taken out of it.
 */
#include "document_origins.h"
#include "entries.h"
#include "site.h"

#include "behind.h"
#include "config.h"
#include "glob.h"
#include "proxy.h"
#include "through.h"
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define CACHE_MINUTE_NS UINT64_C(60000000000)
#define CACHE_DATABASE "db:" /* what query results are cached under */

/* "78.62", as the guide has it. */
static void cache_rate(struct json *j, uint64_t hits, uint64_t misses)
{
	uint64_t all = hits + misses;
	char text[16];

	snprintf(text, sizeof(text), "%.2f", all ? 100 * (double)hits / (double)all : 0.0);
	json_string(j, "hitRate", text);
}

/* Why there is no Redis behind it. */
static void cache_no_redis(const struct question *q, struct json *j)
{
	json_bool(j, "available", false);
	json_string(j, "mode", "none");
	json_string(j, "reason",
		    config_count(q->site->config, CONFIG_REDIS_URL)
			    ? "the Redis of redis.url cannot be used: /api/health says why"
			    : "redis.url is not set: the memory tier serves alone");
}

static void cache_redis_state(const struct bridge_state *s, struct json *j)
{
	json_bool(j, "available", s->ready);
	json_string(j, "mode", s->cluster ? "cluster" : "single");
	json_string(j, "reason", s->reason[0] ? s->reason : NULL);
	json_string(j, "circuit", s->circuit);
	json_uint(j, "pendingWrites", s->progress.pending);
	json_uint(j, "pendingBytes", s->progress.bytes);
}

static void cache_redis_losses(const struct bridge_state *s, const struct behind_counts *c,
			       struct json *j)
{
	json_uint(j, "lostWrites", s->lost_sets + c->lost_sets);
	json_uint(j, "lostDeletes", s->lost_drops + c->lost_drops);
	json_uint(j, "corrupted", s->corrupted);
	json_uint(j, "foreign", s->foreign);
}

static void cache_redis_stats(const struct question *q, struct json *j)
{
	struct behind_counts c;
	struct bridge_state s;

	json_object_begin(j, "redis");
	if (!q->site->behind) {
		cache_no_redis(q, j);
		json_object_end(j);
		return;
	}
	behind_state_get(q->site->behind, &s);
	behind_counts_get(q->site->behind, &c);
	cache_redis_state(&s, j);
	json_uint(j, "hits", c.hits);
	json_uint(j, "misses", c.misses);
	cache_rate(j, c.hits, c.misses);
	json_uint(j, "unasked", c.unasked);
	json_uint(j, "late", c.late);
	json_uint(j, "coalesced", c.coalesced);
	json_object_begin(j, "latencyMs");
	json_measure(j, "avg", s.average_ms);
	json_measure(j, "p99", s.p99_ms);
	json_object_end(j);
	json_uint(j, "written", s.written);
	json_uint(j, "removed", s.removed);
	cache_redis_losses(&s, &c, j);
	json_uint(j, "invalidationsSent", s.published);
	json_uint(j, "invalidationsHeard", s.heard);
	json_uint(j, "gaps", s.gaps);
	json_object_end(j);
}

/* Away, or deaf to what others change: there may be less than there is, or something older. */
static bool cache_redis_is_well(const struct question *q)
{
	struct bridge_state s;

	if (!q->site->behind)
		return !config_count(q->site->config, CONFIG_REDIS_URL);
	behind_state_get(q->site->behind, &s);
	return s.ready && s.listening;
}

static void cache_redis_health(const struct question *q, struct json *j)
{
	bool well = cache_redis_is_well(q);
	struct behind_counts c;
	struct bridge_state s;

	json_object_begin(j, "redis");
	json_string(j, "status", !well ? "degraded" : q->site->behind ? "healthy" : "info");
	if (!q->site->behind) {
		cache_no_redis(q, j);
		json_object_end(j);
		return;
	}
	behind_state_get(q->site->behind, &s);
	behind_counts_get(q->site->behind, &c);
	cache_redis_state(&s, j);
	json_bool(j, "listening", s.listening);
	json_string(j, "persistence", s.persistence);
	json_uint(j, "writeBufferItems", s.limit);
	json_uint(j, "writeBufferBytes", s.limit_bytes);
	cache_redis_losses(&s, &c, j);
	json_object_end(j);
}

static void cache_overall(const struct question *q, const struct cache_counts *c, uint64_t stale,
			  struct json *j)
{
	uint64_t now_ns = q->request->now_ns;
	struct rates_counts minute;

	cache_window(q->site->cache, now_ns > CACHE_MINUTE_NS ? now_ns - CACHE_MINUTE_NS : 0,
		     UINT64_MAX, &minute);
	json_object_begin(j, "overall");
	json_uint(j, "hits", c->hits + c->found);
	json_uint(j, "misses", c->misses - c->found);
	json_uint(j, "sets", c->sets);
	json_uint(j, "deletes", c->deletes);
	json_uint(j, "errors", c->errors);
	cache_rate(j, c->hits + c->found, c->misses - c->found);
	json_uint(j, "invalidations", c->invalidations);
	json_uint(j, "staleServed", stale);
	json_uint(j, "evictionsPerMinute", minute.evictions);
	json_object_end(j);
}

int document_cache_stats(const struct question *q, struct json *j)
{
	struct document_origins origins;
	struct cache_counts c;

	if (entries_check(q->site, q->no))
		return -EINVAL;
	cache_counts_get(q->site->cache, &c);
	document_origins_sum(q->site, &origins);
	json_object_begin(j, NULL);
	cache_overall(q, &c, origins.stale, j);
	json_object_begin(j, "memory");
	json_uint(j, "items", c.items);
	json_uint(j, "size", c.items);
	json_uint(j, "bytes", c.bytes);
	json_uint(j, "maxItems", c.max_items);
	json_uint(j, "maxBytes", c.max_bytes);
	json_uint(j, "evictions", c.evictions);
	json_uint(j, "expired", c.expired);
	json_uint(j, "hits", c.hits);
	json_uint(j, "misses", c.misses);
	cache_rate(j, c.hits, c.misses);
	json_object_end(j);
	cache_redis_stats(q, j);
	json_object_begin(j, "compression");
	json_uint(j, "entries", c.packed);
	json_uint(j, "rawBytes", c.packed_raw);
	json_uint(j, "storedBytes", c.packed_stored);
	json_object_end(j);
	document_origins_stats(q->site, &origins, j);
	json_object_end(j);
	return 0;
}

int document_cache_health(const struct question *q, struct json *j)
{
	struct document_origins origins;
	const char *unpacked;
	struct cache_counts c;
	bool well;

	if (entries_check(q->site, q->no))
		return -EINVAL;
	cache_counts_get(q->site->cache, &c);
	unpacked = cache_pack_problem(q->site->cache);
	document_origins_sum(q->site, &origins);
	well = !unpacked && origins.well && cache_redis_is_well(q);
	json_object_begin(j, NULL);
	json_string(j, "status", well ? "healthy" : "degraded");
	json_object_begin(j, "memory");
	json_string(j, "status", unpacked ? "degraded" : "healthy");
	json_string(j, "reason", unpacked);
	json_uint(j, "items", c.items);
	json_uint(j, "maxItems", c.max_items);
	json_uint(j, "bytes", c.bytes);
	json_uint(j, "maxBytes", c.max_bytes);
	json_double(j, "usagePercent", 100 * (double)c.bytes / (double)c.max_bytes);
	json_object_end(j);
	cache_redis_health(q, j);
	document_origins_health(q->site, j);
	json_object_end(j);
	return 0;
}

static void cache_number(struct json *j, const char *name, uint64_t number)
{
	json_object_begin(j, NULL);
	json_uint(j, name, number);
	json_object_end(j);
}

/* How many went, once it is known: it is asked for again until then. */
static int cache_told(const struct question *q, const char *name, struct json *j)
{
	struct proxy *proxy = q->site->proxy;
	uint64_t count, proxied = 0;
	int ret = proxy ? proxy_purged(proxy, q->request->who, &proxied) : 0;

	if (!ret)
		ret = cache_cleared(q->site->cache, q->request->who, &count);
	if (!ret)
		cache_number(j, name, count + proxied);
	return ret;
}

static int cache_drop(const struct question *q, enum drop_kind kind, const struct cache_bytes *what)
{
	struct proxy *proxy = q->site->proxy;

	behind_drop(q->site->behind, kind, what);
	through_drop(q->site->through, kind, what);
	return proxy ? proxy_purge(proxy, kind, what, q->request->who) : 0;
}

/* What goes from memory goes from behind it, and from what the proxy keeps. */
static int cache_clear_others(const struct question *q, const struct cache_clear *clear,
			      const struct cache_bytes *pattern)
{
	int ret = 0;

	if (pattern)
		ret = cache_drop(q, DROP_PATTERN, pattern);
	if (clear->prefix.at)
		ret = cache_drop(q, DROP_PREFIX, &clear->prefix);
	for (size_t i = 0; !ret && i < clear->tag_count; i++)
		ret = cache_drop(q, DROP_TAG, &clear->tags[i]);
	for (size_t i = 0; !ret && i < clear->key_count; i++)
		ret = cache_drop(q, DROP_KEY, &clear->keys[i]);
	return ret;
}

/* pattern: as a text, where it is one. */
static int cache_clear_now(const struct question *q, struct cache_clear *clear,
			   const struct cache_bytes *pattern, const char *name, struct json *j)
{
	int ret;

	clear->who = q->request->who;
	clear->now_ns = q->request->now_ns;
	ret = cache_clear(q->site->cache, clear);
	if (ret == -EBUSY) {
		q->no->retry_after_s = 1;
		return refuse(q->no, 503, "busy", "too many clears are under way");
	}
	if (ret)
		return ret;
	ret = cache_clear_others(q, clear, pattern);
	return ret ? ret : cache_told(q, name, j);
}

typedef int (*cache_body_fn)(const struct question *q, const struct tree *body, struct json *j);

/* What is asked for by an object of these names. */
struct cache_asked {
	const char *const *names;
	cache_body_fn begin;
	const char *told; /* how many went under this name */
};

static int cache_by_body(const struct question *q, const struct cache_asked *asked, struct json *j)
{
	struct tree *body;
	int ret = entries_check(q->site, q->no);

	if (!ret)
		ret = cache_told(q, asked->told, j);
	if (ret != -ENOENT)
		return ret;
	ret = entries_object(q->request, asked->names, &body, q->no);
	if (ret)
		return ret;
	ret = asked->begin(q, body, j);
	tree_close(body);
	return ret;
}

static int cache_clear_by(const struct question *q, const struct tree *body, struct json *j)
{
	struct cache_clear clear = { .pattern = NULL };
	struct cache_bytes pattern;
	int ret = entries_text(body, "pattern", &pattern, q->no);

	if (ret)
		return ret;
	ret = glob_open(&clear.pattern, pattern.at, pattern.length);
	if (ret == -EINVAL) {
		snprintf(q->no->field, sizeof(q->no->field), "pattern");
		return refuse(q->no, 400, "bad_pattern", "a pattern has at most %u bytes",
			      GLOB_BYTES);
	}
	return ret ? ret : cache_clear_now(q, &clear, &pattern, "cleared", j);
}

int document_cache_clear(const struct question *q, struct json *j)
{
	static const char *const names[] = { "pattern", NULL };
	const struct cache_asked asked = { names, cache_clear_by, "cleared" };

	return cache_by_body(q, &asked, j);
}

int document_database_clear(const struct question *q, struct json *j)
{
	struct cache_clear clear = { .prefix = { CACHE_DATABASE, sizeof(CACHE_DATABASE) - 1 } };
	int ret = entries_check(q->site, q->no);

	if (!ret)
		ret = cache_told(q, "cleared", j);
	return ret == -ENOENT ? cache_clear_now(q, &clear, NULL, "cleared", j) : ret;
}

/* The texts of a list, for the caller to free. */
static int cache_texts(const struct question *q, const struct tree *list, struct cache_bytes **out)
{
	size_t count = tree_size(list);

	*out = NULL;
	if (tree_kind(list) != TREE_LIST)
		return refuse(q->no, 400, "bad_member", "must be a list of texts");
	for (size_t i = 0; i < count; i++) {
		if (!tree_text(tree_at(list, i)))
			return refuse(q->no, 400, "bad_member", "must be a list of texts");
	}
	*out = calloc(count + 1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		(*out)[i].at = tree_text_bytes(tree_at(list, i), &(*out)[i].length);
	return 0;
}

static int cache_invalidate_list(const struct question *q, const struct tree *tags,
				 const struct tree *keys, struct json *j)
{
	struct cache_clear clear = { .tag_count = tree_size(tags), .key_count = tree_size(keys) };
	struct cache_bytes *list;
	int ret = cache_texts(q, tags ? tags : keys, &list);

	clear.tags = clear.keys = list;
	if (!ret)
		ret = cache_clear_now(q, &clear, NULL, "invalidated", j);
	free(list);
	return ret;
}

static int cache_invalidate(const struct question *q, const struct tree *body, struct json *j)
{
	const struct tree *tags = tree_member(body, "tags"), *keys = tree_member(body, "keys");
	struct cache_clear clear = { .pattern = NULL };
	const char *name = NULL;

	if (!tree_next(body, &name) || tree_next(body, &name))
		return refuse(q->no, 400, "bad_member", "one of tags, keys and prefix is needed");
	if (tags || keys)
		return cache_invalidate_list(q, tags, keys, j);
	if (entries_text(body, "prefix", &clear.prefix, q->no))
		return -EINVAL;
	return cache_clear_now(q, &clear, NULL, "invalidated", j);
}

int document_cache_invalidate(const struct question *q, struct json *j)
{
	static const char *const names[] = { "tags", "keys", "prefix", NULL };
	const struct cache_asked asked = { names, cache_invalidate, "invalidated" };

	return cache_by_body(q, &asked, j);
}
