/*
 * document_cache - the cache as a whole: what it did, how it is, and what is taken out of it.
 */
#include "entries.h"
#include "site.h"

#include "cache.h"
#include "glob.h"
#include "proxy.h"
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CACHE_MINUTE_NS UINT64_C(60000000000)
#define CACHE_DATABASE "db:" /* what query results are cached under */

/* "78.62", as the guide has it. */
static void cache_rate(struct json *j, const struct cache_counts *c)
{
	uint64_t all = c->hits + c->misses;
	char text[16];

	snprintf(text, sizeof(text), "%.2f", all ? 100 * (double)c->hits / (double)all : 0.0);
	json_string(j, "hitRate", text);
}

static void cache_redis(struct json *j)
{
	json_object_begin(j, "redis");
	json_bool(j, "available", false);
	json_string(j, "mode", "none");
	json_string(j, "reason", "no entry is kept in a Redis yet: the memory tier serves alone");
	json_object_end(j);
}

static void cache_overall(const struct question *q, const struct cache_counts *c, struct json *j)
{
	uint64_t now_ns = q->request->now_ns;
	struct rates_counts minute;

	cache_window(q->site->cache, now_ns > CACHE_MINUTE_NS ? now_ns - CACHE_MINUTE_NS : 0,
		     UINT64_MAX, &minute);
	json_object_begin(j, "overall");
	json_uint(j, "hits", c->hits);
	json_uint(j, "misses", c->misses);
	json_uint(j, "sets", c->sets);
	json_uint(j, "deletes", c->deletes);
	json_uint(j, "errors", c->errors);
	cache_rate(j, c);
	json_uint(j, "invalidations", c->invalidations);
	json_uint(j, "staleServed", 0); /* nothing outlives its time without an origin */
	json_uint(j, "evictionsPerMinute", minute.evictions);
	json_object_end(j);
}

int document_cache_stats(const struct question *q, struct json *j)
{
	struct cache_counts c;

	if (entries_check(q->site, q->no))
		return -EINVAL;
	cache_counts_get(q->site->cache, &c);
	json_object_begin(j, NULL);
	cache_overall(q, &c, j);
	json_object_begin(j, "memory");
	json_uint(j, "items", c.items);
	json_uint(j, "size", c.items);
	json_uint(j, "bytes", c.bytes);
	json_uint(j, "maxItems", c.max_items);
	json_uint(j, "maxBytes", c.max_bytes);
	json_uint(j, "evictions", c.evictions);
	json_uint(j, "expired", c.expired);
	cache_rate(j, &c);
	json_object_end(j);
	cache_redis(j);
	json_object_begin(j, "compression");
	json_uint(j, "entries", c.packed);
	json_uint(j, "rawBytes", c.packed_raw);
	json_uint(j, "storedBytes", c.packed_stored);
	json_object_end(j);
	json_object_begin(j, "origin");
	json_uint(j, "fetches", 0);
	json_uint(j, "errors", 0);
	json_uint(j, "coalesced", 0);
	json_object_end(j);
	json_object_end(j);
	return 0;
}

int document_cache_health(const struct question *q, struct json *j)
{
	const char *unpacked;
	struct cache_counts c;

	if (entries_check(q->site, q->no))
		return -EINVAL;
	cache_counts_get(q->site->cache, &c);
	unpacked = cache_pack_problem(q->site->cache);
	json_object_begin(j, NULL);
	json_string(j, "status", unpacked ? "degraded" : "healthy");
	json_object_begin(j, "memory");
	json_string(j, "status", unpacked ? "degraded" : "healthy");
	json_string(j, "reason", unpacked);
	json_uint(j, "items", c.items);
	json_uint(j, "maxItems", c.max_items);
	json_uint(j, "bytes", c.bytes);
	json_uint(j, "maxBytes", c.max_bytes);
	json_double(j, "usagePercent", 100 * (double)c.bytes / (double)c.max_bytes);
	json_object_end(j);
	cache_redis(j);
	json_object_end(j);
	return 0;
}

static void cache_number(struct json *j, const char *name, uint64_t number)
{
	json_object_begin(j, NULL);
	json_uint(j, name, number);
	json_object_end(j);
}

typedef int (*cache_body_fn)(const struct question *q, const struct tree *body, struct json *j);

/* What is asked for by an object of these names. */
static int cache_by_body(const struct question *q, const char *const *names, cache_body_fn fn,
			 struct json *j)
{
	struct tree *body;
	int ret = entries_check(q->site, q->no);

	if (!ret)
		ret = entries_object(q->request, names, &body, q->no);
	if (ret)
		return ret;
	ret = fn(q, body, j);
	tree_close(body);
	return ret;
}

/* What the proxy keeps of it goes too. How many did; one that is late is done all the same. */
static uint64_t cache_purge(const struct site *site, enum proxy_purge kind,
			    const struct cache_bytes *what)
{
	uint64_t count = 0;

	if (site->proxy && proxy_purge(site->proxy, kind, what, &count))
		count = 0;
	return count;
}

static int cache_clear_by(const struct question *q, const struct tree *body, struct json *j)
{
	struct cache_bytes pattern;
	struct glob *glob;
	int ret = entries_text(body, "pattern", &pattern, q->no);

	if (ret)
		return ret;
	ret = glob_open(&glob, pattern.at, pattern.length);
	if (ret == -EINVAL) {
		snprintf(q->no->field, sizeof(q->no->field), "pattern");
		return refuse(q->no, 400, "bad_pattern", "a pattern has at most %u bytes",
			      GLOB_BYTES);
	}
	if (ret)
		return ret;
	cache_number(j, "cleared",
		     cache_clear(q->site->cache, glob, q->request->now_ns) +
			     cache_purge(q->site, PROXY_PURGE_PATTERN, &pattern));
	glob_close(glob);
	return 0;
}

int document_cache_clear(const struct question *q, struct json *j)
{
	static const char *const names[] = { "pattern", NULL };

	return cache_by_body(q, names, cache_clear_by, j);
}

int document_database_clear(const struct question *q, struct json *j)
{
	const struct cache_bytes prefix = { CACHE_DATABASE, sizeof(CACHE_DATABASE) - 1 };

	if (entries_check(q->site, q->no))
		return -EINVAL;
	cache_number(j, "cleared",
		     cache_invalidate_prefix(q->site->cache, &prefix, q->request->now_ns));
	return 0;
}

typedef uint64_t (*cache_invalidate_fn)(struct cache *c, const struct cache_bytes *what,
					uint64_t now_ns);

/* All of a list, once all of it was found to be texts. */
static int cache_invalidate_all(const struct question *q, const struct tree *list,
				cache_invalidate_fn invalidate, enum proxy_purge kind,
				struct json *j)
{
	struct cache_bytes what;
	uint64_t count = 0;

	for (size_t i = 0; i < tree_size(list); i++) {
		if (!tree_text(tree_at(list, i)))
			return refuse(q->no, 400, "bad_member", "must be a list of texts");
	}
	for (size_t i = 0; i < tree_size(list); i++) {
		what.at = tree_text_bytes(tree_at(list, i), &what.length);
		count += invalidate(q->site->cache, &what, q->request->now_ns);
		count += cache_purge(q->site, kind, &what);
	}
	cache_number(j, "invalidated", count);
	return 0;
}

static int cache_invalidate(const struct question *q, const struct tree *body, struct json *j)
{
	const struct tree *tags = tree_member(body, "tags"), *keys = tree_member(body, "keys");
	struct cache_bytes prefix;
	const char *name = NULL;

	if (!tree_next(body, &name) || tree_next(body, &name))
		return refuse(q->no, 400, "bad_member", "one of tags, keys and prefix is needed");
	if (tree_kind(tags) == TREE_LIST)
		return cache_invalidate_all(q, tags, cache_invalidate_tag, PROXY_PURGE_TAG, j);
	if (tree_kind(keys) == TREE_LIST)
		return cache_invalidate_all(q, keys, cache_invalidate_key, PROXY_PURGE_KEY, j);
	if (tags || keys)
		return refuse(q->no, 400, "bad_member", "must be a list of texts");
	if (entries_text(body, "prefix", &prefix, q->no))
		return -EINVAL;
	cache_number(j, "invalidated",
		     cache_invalidate_prefix(q->site->cache, &prefix, q->request->now_ns) +
			     cache_purge(q->site, PROXY_PURGE_PREFIX, &prefix));
	return 0;
}

int document_cache_invalidate(const struct question *q, struct json *j)
{
	static const char *const names[] = { "tags", "keys", "prefix", NULL };

	return cache_by_body(q, names, cache_invalidate, j);
}

/* What it would load from is not there: said, whatever was asked for. */
int document_cache_warm(const struct question *q, struct json *j)
{
	static const char *const names[] = { "keys", "ttl", "prefix", "top", NULL };
	struct tree *body;
	int ret = entries_check(q->site, q->no);

	(void)j;
	if (!ret)
		ret = entries_object(q->request, names, &body, q->no);
	if (ret)
		return ret;
	tree_close(body);
	return refuse(
		q->no, 422, "no_origin",
		"no origin is configured: there is nothing to load from; put values in by PUT "
		"/api/cache/entries/KEY");
}
