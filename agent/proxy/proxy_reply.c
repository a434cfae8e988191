/*
 * proxy_reply - the head of an upstream's reply: is it one, is it kept, and what the client gets of
 *               it.
 */
#include "proxy_own.h"

#include <string.h>

#define REPLY_MORE 512u /* what is added to a head, at most */

static int reply_odd(struct proxy_exchange *x)
{
	proxy_count(x->place->proxy, upstream_odd);
	proxy_exchange_fail(x, 502);
	return -1;
}

/* Room in what is sent to the client for a head of this length; false: not yet. */
static bool reply_room(struct proxy_exchange *x, size_t length)
{
	struct proxy_client *c = x->client;

	return proxy_io_block(x->place->proxy, &c->out) &&
	       c->out.size - c->out.end >= length + REPLY_MORE;
}

static int reply_put(struct proxy_exchange *x, const struct http_head *h,
		     const struct rewrite_reply *how)
{
	struct proxy_client *c = x->client;
	struct rewrite out = { .at = c->out.at, .size = c->out.size, .length = c->out.end };

	if (rewrite_reply(&out, h, how))
		return reply_odd(x);
	c->out.end = out.length;
	return 0;
}

/* What an HTTP/1.0 client does not know is not told to it. */
static int reply_interim(struct proxy_exchange *x, const struct http_head *h, size_t length)
{
	const struct rewrite_reply how = { .unframed = true };

	if (x->client && x->client->minor && reply_put(x, h, &how))
		return -1;
	x->back.start += length;
	x->seen = 0;
	return 1;
}

/* A change that was not refused: what is stored of that address is old (RFC 9111, 4.4). */
static void reply_invalidate(struct proxy_exchange *x, uint16_t status)
{
	const struct cache_bytes tag = { x->tag, sizeof(x->tag) - 1 };
	struct proxy *p = x->place->proxy;
	const struct cache_clear clear = { .tags = &tag, .tag_count = 1, .now_ns = p->now_ns };

	if (x->safe || status >= 400 || !p->cache)
		return;
	if (cache_clear(p->cache, &clear))
		proxy_count(p, no_memory);
	for (struct proxy_exchange *other = p->exchanges; other; other = other->after)
		if (other->fetch && !memcmp(other->tag, x->tag, sizeof(x->tag)))
			other->fetch->outdated = true;
}

static void reply_tunnel(struct proxy_exchange *x)
{
	struct proxy_client *c = x->client;

	http_body_of_tunnel(&x->asked);
	http_body_of_tunnel(&x->answered);
	x->tunnel = true;
	x->up_keeps = false;
	c->taken = c->in.start;
	c->close = true;
	proxy_count(x->place->proxy, tunnels);
}

/* How the client's connection goes on behind it. */
static void reply_close(struct proxy_exchange *x)
{
	struct proxy_client *c = x->client;

	if (x->answered.kind == HTTP_BODY_CLOSE)
		c->close = true;
	if (!x->asked.done)
		c->close = c->rude = true; /* it may go on sending what nobody wants */
}

static int reply_to_client(struct proxy_exchange *x, const struct http_head *h)
{
	struct proxy_client *c = x->client;
	struct rewrite_reply how = { .cache = x->verdict,
				     .via = x->place->site->via,
				     .tunnel = h->status == 101,
				     .unframed = h->status == 204 || h->status == 101 };

	if (how.tunnel)
		reply_tunnel(x);
	else
		reply_close(x);
	how.close = c->close && !how.tunnel;
	how.keep_alive = !c->close && !c->minor;
	return reply_put(x, h, &how);
}

static bool reply_is_failure(uint16_t status)
{
	return status == 500 || (status >= 502 && status <= 504);
}

static int reply_final(struct proxy_exchange *x, const struct http_head *h, size_t length)
{
	struct proxy_client *c = x->client;

	if ((h->status == 101 && !x->upgrades) ||
	    http_body_of_response(&x->answered, h, x->to_head) ||
	    (c && !c->minor && x->answered.kind == HTTP_BODY_CHUNKED))
		return reply_odd(x);
	if (x->fallback && reply_is_failure(h->status)) {
		proxy_exchange_fail(x, h->status);
		return -1;
	}
	x->up_keeps = h->minor ? !h->close : h->keep_alive && !h->close;
	reply_invalidate(x, h->status);
	x->head_at = x->back.start;
	x->back.start = x->passed = x->body_at = x->head_at + length;
	if (c && reply_to_client(x, h))
		return -1;
	x->headed = true;
	if (x->fetch && !proxy_fetch_keeps(x, h) && !c) {
		proxy_exchange_end(x);
		return -1;
	}
	if (!x->fetch && x->forth.start == x->forth.end)
		proxy_io_release(x->place->proxy, &x->forth);
	return 1;
}

int proxy_reply_head(struct proxy_exchange *x)
{
	size_t have = x->back.end - x->back.start;
	struct http_head h;
	long length;

	if (!have)
		return 0;
	x->again = false; /* it was heard, and did what it did */
	length = http_head_find(x->back.at + x->back.start, have, &x->seen);
	if (length < 0 || length > (long)PROXY_REPLY_HEAD || (!length && have > PROXY_REPLY_HEAD))
		return reply_odd(x);
	if (!length || (x->client && !reply_room(x, (size_t)length)))
		return 0;
	if (http_head_response(&h, x->back.at + x->back.start, (size_t)length))
		return reply_odd(x);
	if (h.status < 200 && h.status != 101)
		return reply_interim(x, &h, (size_t)length);
	return reply_final(x, &h, (size_t)length);
}
