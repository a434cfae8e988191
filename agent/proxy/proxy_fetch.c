/*
 * proxy_fetch - what is being fetched for the cache: one request a key, who waits for it, whether
 *               its reply is kept, and the keeping.
 */
#include "proxy_own.h"

#include "siphash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FETCH_PASS_S 5u                    /* so long nobody waits for a reply that is not kept */
#define FETCH_FILLING (UINT64_C(64) << 20) /* of all replies that are on their way */

static struct proxy_fetch **fetch_at(struct proxy *p, const struct proxy_key *k, uint64_t *hash)
{
	struct proxy_fetch **at;

	*hash = siphash(p->hash_key, k->at, k->length);
	at = &p->fetches[*hash % PROXY_FETCHES];
	while (*at && ((*at)->hash != *hash || (*at)->key_length != k->length ||
		       memcmp((*at)->key, k->at, k->length) != 0))
		at = &(*at)->chain;
	return at;
}

struct proxy_fetch *proxy_fetch_find(struct proxy *p, const struct proxy_key *k)
{
	uint64_t hash;

	return *fetch_at(p, k, &hash);
}

struct proxy_fetch *proxy_fetch_open(struct proxy *p, const struct proxy_key *k, size_t primary,
				     const struct proxy_rule *r)
{
	struct proxy_fetch *f = malloc(sizeof(*f) + k->length), **at;
	uint64_t hash;

	if (!f) {
		proxy_count(p, no_memory);
		return NULL;
	}
	at = fetch_at(p, k, &hash);
	*f = (struct proxy_fetch){ .hash = hash,
				   .rule = r,
				   .chain = *at,
				   .key_length = k->length,
				   .primary_length = primary };
	memcpy(f->key, k->at, k->length);
	*at = f;
	return f;
}

void proxy_fetch_wait(struct proxy_fetch *f, struct proxy_client *c)
{
	struct proxy *p = c->place->proxy;

	if (!c->wait_ns) {
		c->wait_ns = p->now_ns + PROXY_WAIT_NS;
		proxy_count(p, waited);
	}
	c->deadline_ns = c->wait_ns; /* over all fetches that it comes to wait for */
	c->fetch = f;
	c->next_waiting = f->waiting;
	f->waiting = c;
	c->state = PROXY_CLIENT_WAITING;
}

void proxy_fetch_unwait(struct proxy_client *c)
{
	struct proxy_client **at;

	if (!c->fetch)
		return;
	at = &c->fetch->waiting;
	while (*at != c)
		at = &(*at)->next_waiting;
	*at = c->next_waiting;
	c->fetch = NULL;
}

void proxy_fetch_close(struct proxy *p, struct proxy_fetch *f, unsigned int failed, bool alone)
{
	struct proxy_fetch **at = &p->fetches[f->hash % PROXY_FETCHES];
	struct proxy_client *c;

	while (*at != f)
		at = &(*at)->chain;
	*at = f->chain;
	while ((c = f->waiting)) {
		f->waiting = c->next_waiting;
		c->fetch = NULL;
		c->failed = (uint16_t)failed;
		c->alone = alone;
		c->state = PROXY_CLIENT_HEAD;
		proxy_io_queue(p, &c->link);
	}
	free(f);
}

/* The reply is passed on to who asked for it, and that is all. */
static void fetch_give_up(struct proxy_exchange *x)
{
	static const struct http_text none = { "", 0 };
	struct proxy *p = x->place->proxy;
	struct proxy_fetch *f = x->fetch;
	void *mark = NULL;
	size_t length;

	if (f->waiting && !stored_mark(STORED_PASS, &none, &mark, &length)) {
		const struct cache_put put = { .key = { f->key, f->key_length },
					       .value = { mark, length },
					       .type = "",
					       .ttl_s = FETCH_PASS_S,
					       .now_ns = p->now_ns,
					       .wall_ms = p->wall_ms };

		cache_set(p->cache, &put); /* without it the next ones wait in vain too */
	}
	free(mark);
	x->fetch = NULL;
	proxy_fetch_close(p, f, 0, true);
}

static uint64_t fetch_value_most(const struct proxy *p)
{
	return cache_config_get(p->cache)->max_value - 2 * STORED_HEAD;
}

/* What is kept stays in back: its new size counts against all that is on its way. */
static bool fetch_resize(struct proxy_exchange *x, size_t size)
{
	struct proxy *p = x->place->proxy;
	char *at;

	if (p->filling - x->charged + size > FETCH_FILLING)
		return false;
	at = realloc(x->back.at, size);
	if (!at) {
		proxy_count(p, no_memory);
		return false;
	}
	x->back.at = at;
	x->back.size = size;
	p->filling += size - x->charged;
	x->charged = size;
	return true;
}

/* Of a known size at once. */
static bool fetch_fits(struct proxy_exchange *x)
{
	const struct http_body *body = &x->answered;

	if (body->kind == HTTP_BODY_CLOSE)
		return false; /* nobody knows whether all of it came */
	if (body->kind != HTTP_BODY_LENGTH)
		return true;
	if (body->left > fetch_value_most(x->place->proxy))
		return false;
	return x->body_at + body->left <= x->back.size ||
	       fetch_resize(x, x->body_at + (size_t)body->left);
}

static bool fetch_has_good_tags(const struct http_head *reply)
{
	struct cache_bytes tags[STORED_TAGS];
	size_t count;

	return !stored_tags(reply, tags, &count);
}

bool proxy_fetch_keeps(struct proxy_exchange *x, const struct http_head *reply)
{
	struct proxy *p = x->place->proxy;
	struct proxy_fetch *f = x->fetch;
	struct http_head request;
	const struct freshness_reply came = { .request = &request,
					      .reply = reply,
					      .wall_s = p->wall_ms / 1000,
					      .delay_s = (int64_t)((p->now_ns - x->began_ns) /
								   PROXY_S_NS) };
	bool keeps = false;

	f->head_ns = p->now_ns;
	if (!http_head_request(&request, x->forth.at, x->forth.size)) {
		freshness_of_reply(&f->freshness, f->rule, &came);
		proxy_count_add(p, PROXY_COUNT_AT(unkept) + f->freshness.why, 1);
		keeps = f->freshness.why == FRESHNESS_KEPT;
	}
	if (keeps && (!fetch_has_good_tags(reply) || !fetch_fits(x))) {
		proxy_count(p, too_large);
		keeps = false;
	}
	f->keeping = keeps;
	if (!keeps)
		fetch_give_up(x);
	return keeps;
}

bool proxy_fetch_grow(struct proxy_exchange *x)
{
	struct proxy *p = x->place->proxy;
	uint64_t most = fetch_value_most(p);

	/* chunks of a byte each would be six times their data: twice is enough */
	if (x->answered.bytes <= most && x->back.size <= 2 * most + PROXY_BLOCK &&
	    fetch_resize(x, x->back.size * 2))
		return true;
	proxy_count(p, too_large);
	fetch_give_up(x);
	return false;
}

static uint64_t fetch_until(uint64_t from_ns, uint32_t s)
{
	return from_ns + s * PROXY_S_NS;
}

static void fetch_times(const struct proxy_fetch *f, struct freshness_stored *out)
{
	const struct freshness *is = &f->freshness;

	*out = (struct freshness_stored){ .stored_ns = f->head_ns,
					  .fresh_until_ns = fetch_until(f->head_ns, is->fresh_s),
					  .age_s = is->age_s,
					  .for_authorized = is->for_authorized };
	out->stale_until_ns = fetch_until(out->fresh_until_ns, is->stale_s);
	out->fallback_until_ns = fetch_until(out->fresh_until_ns, is->fallback_s);
}

/* Whole seconds from now on that it is of any use; 0: none. */
static uint64_t fetch_life_s(const struct freshness_stored *t, uint64_t now_ns)
{
	uint64_t end_ns =
		t->stale_until_ns > t->fallback_until_ns ? t->stale_until_ns : t->fallback_until_ns;
	uint64_t s = end_ns > now_ns ? (end_ns - now_ns + PROXY_S_NS - 1) / PROXY_S_NS : 0;

	return s < CACHE_TTL_MAX_S ? s : CACHE_TTL_MAX_S;
}

/* What its replies vary by, under the key without that; the key with it in k. */
static int fetch_vary(struct proxy *p, const struct proxy_fetch *f, const struct http_head *reply,
		      const struct http_head *request, struct proxy_key *k)
{
	struct cache_put put = { .key = { f->key, f->primary_length },
				 .type = "",
				 .now_ns = p->now_ns,
				 .wall_ms = p->wall_ms };
	char names[PROXY_REPLY_HEAD];
	struct rewrite list = { .at = names, .size = sizeof(names) };
	struct freshness_stored times;
	struct http_text vary;
	void *mark;
	int ret;

	memcpy(k->at, f->key, f->primary_length);
	k->length = f->primary_length;
	if (stored_vary(reply, &list) || !list.length)
		return list.length ? -EFBIG : 0;
	vary = (struct http_text){ names, list.length };
	fetch_times(f, &times);
	put.ttl_s = fetch_life_s(&times, p->now_ns);
	ret = proxy_key_vary(k, &vary, request);
	if (!ret)
		ret = stored_mark(STORED_VARY, &vary, &mark, &put.value.length);
	if (ret)
		return ret;
	put.value.at = mark;
	ret = cache_set(p->cache, &put);
	free(mark);
	return ret;
}

static int fetch_put(struct proxy_exchange *x, const struct http_head *reply,
		     const struct http_head *request)
{
	struct proxy *p = x->place->proxy;
	struct stored_parts parts = { .reply = reply,
				      .body = { x->back.at + x->body_at, x->passed - x->body_at },
				      .chunked = x->answered.kind == HTTP_BODY_CHUNKED,
				      .length = (size_t)x->answered.bytes,
				      .wall_s = p->wall_ms / 1000 };
	struct proxy_key key = { .at = p->key, .size = PROXY_KEY_SIZE };
	struct cache_bytes tags[STORED_TAGS + 1];
	struct cache_put put = {
		.type = "", .tags = tags, .now_ns = p->now_ns, .wall_ms = p->wall_ms
	};
	void *bytes;
	int ret;

	fetch_times(x->fetch, &parts.times);
	put.ttl_s = fetch_life_s(&parts.times, p->now_ns);
	if (!put.ttl_s)
		return 0; /* it took longer to come than it is good for */
	ret = stored_tags(reply, tags, &put.tag_count);
	if (!ret)
		ret = fetch_vary(p, x->fetch, reply, request, &key);
	if (!ret)
		ret = stored_make(&parts, &bytes, &put.value.length);
	if (ret)
		return ret;
	tags[put.tag_count++] = (struct cache_bytes){ x->tag, sizeof(x->tag) - 1 };
	put.key = (struct cache_bytes){ key.at, key.length };
	put.value.at = bytes;
	ret = cache_set(p->cache, &put);
	free(bytes);
	return ret;
}

void proxy_fetch_store(struct proxy_exchange *x)
{
	struct proxy *p = x->place->proxy;
	struct proxy_fetch *f = x->fetch;
	struct http_head reply, request;
	int ret;

	/* both were read before, and are read again: nothing of them was kept beside their bytes */
	http_head_response(&reply, x->back.at + x->head_at, x->body_at - x->head_at);
	http_head_request(&request, x->forth.at, x->forth.size);
	ret = f->outdated ? 0 : fetch_put(x, &reply, &request);
	if (ret) {
		proxy_count(p, too_large);
		fetch_give_up(x);
		return;
	}
	if (!f->outdated)
		proxy_count(p, stored);
	x->fetch = NULL;
	proxy_fetch_close(p, f, 0, false);
}
