/*
 * proxy_answer - what becomes of a request: an answer from the cache, a wait for what another one
 *                fetches, a fetch, or a plain exchange with the upstream.
 */
#include "proxy_own.h"

#include "cache_control.h"

#include <stdio.h>
#include <string.h>

/* What was found under a request's key. */
struct answer_found {
	struct proxy_key key;
	size_t primary; /* its length without what the reply varies by */
	struct cache_value *value;
	struct stored_view view;
	enum freshness_answer use;
	bool passes; /* replies under it are not kept */
};

static bool answer_uses_cache(const struct proxy_client *c, struct proxy_ask *a)
{
	if (!c->place->proxy->cache)
		return false;
	a->rule = proxy_key_rule(c->place->site, &a->head);
	if (!a->rule)
		return false;
	freshness_of_request(&a->cache, a->rule, &a->head);
	return a->cache.usable && a->body.done && http_head_has(&a->head, HTTP_HOST) &&
	       !proxy_key_is_excluded(a->rule, &a->head);
}

static struct cache_value *answer_get(struct proxy *p, const struct proxy_key *k,
				      struct stored_view *view)
{
	const struct cache_bytes key = { k->at, k->length };
	struct cache_value *v;
	uint64_t left_ns;

	v = cache_get(p->cache, &key, p->now_ns, &left_ns);
	if (v && stored_read(v->bytes, v->length, view)) {
		cache_value_put(v);
		v = NULL;
	}
	return v;
}

/* The reply under the key, which gets what that varies by; false: the key is too long. */
static bool answer_find(struct proxy *p, const struct proxy_ask *a, struct answer_found *f)
{
	struct cache_value *v;

	*f = (struct answer_found){ .key = { .at = p->key, .size = PROXY_KEY_SIZE },
				    .use = FRESHNESS_NONE };
	if (proxy_key_make(&f->key, a->rule, &a->head))
		return false;
	f->primary = f->key.length;
	v = answer_get(p, &f->key, &f->view);
	if (v && f->view.is.kind == STORED_VARY) {
		int ret = proxy_key_vary(&f->key, &f->view.vary, &a->head);

		cache_value_put(v);
		if (ret)
			return false;
		v = answer_get(p, &f->key, &f->view);
	}
	f->passes = v && f->view.is.kind == STORED_PASS;
	if (v && f->view.is.kind == STORED_REPLY)
		f->use = freshness_answer(&f->view.is.times, &a->cache, p->now_ns);
	if (f->use != FRESHNESS_NONE)
		f->value = v;
	else
		cache_value_put(v);
	return true;
}

/* What is said behind a stored head. */
static size_t answer_tail(const struct proxy_client *c, const struct stored_view *v,
			  const char *verdict, char out[128])
{
	uint32_t age_s = freshness_age_s(&v->is.times, c->place->proxy->now_ns);
	const char *last = c->close   ? "Connection: close\r\n"
			   : c->minor ? ""
				      : "Connection: keep-alive\r\n";

	return (size_t)snprintf(out, 128, "Age: %u\r\nX-Cache: %s\r\n%s\r\n", age_s, verdict, last);
}

/* What the socket did not take is kept: of the head a copy, of the body its place. */
static bool answer_keep_rest(struct proxy_client *c, const struct iovec *parts, size_t moved)
{
	if (!proxy_io_block(c->place->proxy, &c->out) ||
	    c->out.size - c->out.end < parts[0].iov_len + parts[1].iov_len) {
		proxy_client_close(c, true);
		return false;
	}
	for (int i = 0; i < 2; i++) {
		size_t gone = moved < parts[i].iov_len ? moved : parts[i].iov_len;
		size_t left = parts[i].iov_len - gone;

		memcpy(c->out.at + c->out.end, (const char *)parts[i].iov_base + gone, left);
		c->out.end += left;
		moved -= gone;
	}
	c->body = (const char *)parts[2].iov_base + moved;
	c->body_left = parts[2].iov_len - moved;
	c->state = PROXY_CLIENT_SENDING;
	return true;
}

/* The value is the client's from here on. The request is over, its head no longer needed. */
bool proxy_answer_stored(struct proxy_client *c, const struct proxy_ask *a,
			 struct cache_value *value, const char *verdict)
{
	struct proxy *p = c->place->proxy;
	struct stored_view v;
	struct iovec parts[3];
	bool known, bare;
	char tail[128];
	ssize_t n;

	stored_read(value->bytes, value->length, &v); /* it was read before */
	known = a->cache.conditional && stored_is_known(&v, &a->head, p->wall_ms / 1000);
	bare = known || a->cache.head;
	parts[0] = (struct iovec){ (void *)(uintptr_t)(known ? v.short_head.at : v.head.at),
				   known ? v.short_head.length : v.head.length };
	parts[1] = (struct iovec){ tail, answer_tail(c, &v, verdict, tail) };
	parts[2] = (struct iovec){ (void *)(uintptr_t)v.body.at, bare ? 0 : v.body.length };
	c->value = value;
	c->in.start += a->length;
	n = c->out.at ? 0 : proxy_io_write(&c->link, parts, 3); /* behind what is to be sent */
	if (n < 0) {
		proxy_client_close(c, false);
		return false;
	}
	if ((size_t)n < parts[0].iov_len + parts[1].iov_len + parts[2].iov_len)
		return answer_keep_rest(c, parts, (size_t)n);
	return proxy_client_next(c);
}

/* An exchange of this client alone, its reply not kept. */
static bool answer_exchange(struct proxy_client *c, struct proxy_ask *a, const char *verdict)
{
	const struct proxy_begin begin = { .client = c, .asker = c, .verdict = verdict };
	unsigned int status = proxy_exchange_begin(c->place, a, &begin);

	return status ? proxy_client_refuse(c, status) : true;
}

/*
 * With the client, or without where that may have the reply already, or speaks HTTP/1.0 and cannot
 * read what comes in chunks: it waits then as all others do.
 */
static bool answer_fetch(struct proxy_client *c, struct proxy_ask *a, struct answer_found *f)
{
	bool waits = a->cache.conditional || !c->minor;
	struct proxy_begin begin = {
		.client = waits ? NULL : c, .asker = c, .verdict = "MISS", .fallback = f->value
	};
	unsigned int status;

	begin.fetch = proxy_fetch_open(c->place->proxy, &f->key, f->primary, a->rule);
	if (begin.fetch && waits)
		proxy_fetch_wait(begin.fetch, c);
	status = begin.fetch ? proxy_exchange_begin(c->place, a, &begin) : 503;
	if (!begin.fetch)
		cache_value_put(f->value);
	return status && c->state == PROXY_CLIENT_HEAD ? proxy_client_refuse(c, status) : true;
}

/* In the background, unless it is on its way: what is stale is served meanwhile. */
static void answer_refresh(struct proxy_client *c, struct proxy_ask *a,
			   const struct answer_found *f)
{
	struct proxy *p = c->place->proxy;
	struct proxy_begin begin = { .asker = c, .verdict = "MISS" };

	if (a->cache.head || proxy_fetch_find(p, &f->key))
		return;
	begin.fetch = proxy_fetch_open(p, &f->key, f->primary, a->rule);
	if (begin.fetch)
		proxy_exchange_begin(c->place, a, &begin);
}

/* What is there does not answer it, or there is nothing. */
static bool answer_miss(struct proxy_client *c, struct proxy_ask *a, struct answer_found *f)
{
	struct proxy *p = c->place->proxy;
	struct proxy_fetch *fetch = proxy_fetch_find(p, &f->key);

	if (c->failed && f->value) {
		proxy_count(p, stale);
		return proxy_answer_stored(c, a, f->value, "STALE");
	}
	if (c->failed || a->cache.cached) {
		cache_value_put(f->value);
		return proxy_client_refuse(c, c->failed ? c->failed : 504);
	}
	if (fetch && !c->alone && !a->cache.anew && !a->cache.head) {
		cache_value_put(f->value);
		proxy_fetch_wait(fetch, c);
		return false;
	}
	proxy_count(p, misses);
	if (!fetch && !c->alone && !f->passes && !a->cache.head)
		return answer_fetch(c, a, f);
	cache_value_put(f->value);
	return answer_exchange(c, a, "MISS");
}

bool proxy_answer(struct proxy_client *c, struct proxy_ask *a)
{
	struct proxy *p = c->place->proxy;
	struct answer_found found;

	if (!c->wait_ns)
		proxy_count(p, requests);
	if (!answer_uses_cache(c, a) || !answer_find(p, a, &found)) {
		proxy_count(p, bypassed);
		return answer_exchange(c, a, a->get ? "BYPASS" : NULL);
	}
	if (found.use == FRESHNESS_HIT) {
		proxy_count(p, hits);
		return proxy_answer_stored(c, a, found.value, "HIT");
	}
	if (found.use == FRESHNESS_STALE) {
		proxy_count(p, stale);
		answer_refresh(c, a, &found);
		return proxy_answer_stored(c, a, found.value, "STALE");
	}
	return answer_miss(c, a, &found);
}
