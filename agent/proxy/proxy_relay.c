/*
 * proxy_relay - the bytes of an exchange: its request there and its reply back, as they come, each
 *               passed on once it was found to be well-formed.
 */
#include "proxy_own.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define RELAY_TUNNEL_NS (3600 * PROXY_S_NS) /* without a byte either way */

static void relay_client_gone(struct proxy_exchange *x)
{
	proxy_client_close(x->client, false);
	proxy_exchange_leave(x);
}

/* Moves what is in it to its begin where there is no room behind. */
static void relay_make_room(struct proxy_buffer *b, size_t *mark)
{
	size_t by = b->start;

	if (b->start < b->end && b->end < b->size)
		return;
	memmove(b->at, b->at + by, b->end - by);
	b->start = 0;
	b->end -= by;
	*mark -= by;
}

/* More of the request's body. False: nothing came, or it is over. */
static bool relay_hear(struct proxy_exchange *x)
{
	struct proxy_client *c = x->client;
	ssize_t n;

	if (!proxy_io_block(x->place->proxy, &c->in)) {
		proxy_exchange_abort(x);
		return false;
	}
	relay_make_room(&c->in, &c->taken);
	if (c->in.end == c->in.size)
		return false;
	n = proxy_io_read(&c->link, &c->in);
	if (n > 0 || n == -EAGAIN)
		return n > 0;
	if (n == 0 && x->tunnel) {
		x->client_ended = true;
		return true;
	}
	proxy_exchange_abort(x);
	return false;
}

static bool relay_take(struct proxy_exchange *x)
{
	struct proxy_client *c = x->client;
	bool moved = false;
	ssize_t n;

	if (c->taken == c->in.end && c->link.readable)
		moved = relay_hear(x);
	if (x->over || c->taken == c->in.end)
		return moved;
	n = http_body_take(&x->asked, c->in.at + c->taken, c->in.end - c->taken);
	if (n < 0) {
		proxy_exchange_give_up(x, 400);
		return false;
	}
	c->taken += (size_t)n;
	return true;
}

/* n bytes of the request went upstream. */
static void relay_sent(struct proxy_exchange *x, size_t n)
{
	struct proxy_client *c = x->client;
	size_t head = x->forth.end - x->forth.start;

	if (n < head)
		head = n;
	x->forth.start += head;
	if (!c)
		return;
	c->in.start += n - head;
	if (c->in.start == c->in.end && c->in.at) {
		proxy_io_release(x->place->proxy, &c->in);
		c->taken = 0;
	}
}

static bool relay_send(struct proxy_exchange *x)
{
	struct proxy_client *c = x->client;
	struct iovec parts[2] = { { x->forth.at + x->forth.start, x->forth.end - x->forth.start },
				  { NULL, 0 } };
	ssize_t n;

	if (c && c->in.at)
		parts[1] = (struct iovec){ c->in.at + c->in.start, c->taken - c->in.start };
	if (!x->up->link.writable && !x->deaf)
		return false;
	n = x->deaf ? -EPIPE : proxy_io_write(&x->up->link, parts, 2);
	if (n < 0) {
		/* it may have answered before it closed: what it said is read all the same */
		x->deaf = true;
		n = (ssize_t)(parts[0].iov_len + parts[1].iov_len);
	}
	relay_sent(x, (size_t)n);
	if (x->client_ended && !x->told_up && proxy_exchange_is_sent(x)) {
		shutdown(x->up->link.fd, SHUT_WR);
		x->told_up = true;
	}
	return n > 0;
}

/* The way of the request. */
static bool relay_ask(struct proxy_exchange *x)
{
	bool moved = false;
	int connected;

	if (!x->up)
		return false;
	connected = proxy_upstream_connected(x->up);
	if (connected < 0) {
		proxy_count(x->place->proxy, upstream_failed);
		proxy_exchange_fail(x, 502);
		return false;
	}
	if (!connected)
		return false;
	if (x->client && !x->asked.done && !x->client_ended)
		moved = relay_take(x);
	if (x->over)
		return false;
	return relay_send(x) || moved;
}

/* All of the reply has come: the upstream has done its part. */
static void relay_answered(struct proxy_exchange *x)
{
	struct proxy_upstream *u = x->up;
	bool keeps = x->up_keeps && x->asked.done && !x->deaf && proxy_exchange_is_sent(x) &&
		     x->back.end == x->passed;

	if (x->fetch)
		proxy_fetch_store(x);
	x->back.end = x->passed; /* what came behind it is nobody's */
	x->up = NULL;
	u->exchange = NULL;
	if (keeps)
		proxy_upstream_put(u);
	else
		proxy_upstream_close(u);
	if (x->client && !x->asked.done)
		x->client->close = x->client->rude = true;
}

/* error: 0 where the other side said that it sends no more. */
static void relay_up_ended(struct proxy_exchange *x, ssize_t error)
{
	if (!x->headed && x->again && x->reused && !x->back.end) {
		proxy_exchange_retry(x);
		return;
	}
	if (x->headed && !error && x->tunnel) {
		x->up_ended = true;
		return;
	}
	if (x->headed && !error && x->answered.kind == HTTP_BODY_CLOSE) {
		x->answered.done = true;
		relay_answered(x);
		return;
	}
	proxy_count(x->place->proxy, upstream_odd);
	proxy_exchange_give_up(x, 502);
}

/* Room for more of the reply. */
static bool relay_room(struct proxy_exchange *x)
{
	if (!proxy_io_block(x->place->proxy, &x->back)) {
		proxy_exchange_abort(x);
		return false;
	}
	if (x->fetch && x->fetch->keeping && (x->back.end < x->back.size || proxy_fetch_grow(x)))
		return true;
	if (!x->client && x->headed) { /* given up just now, and nobody wants it */
		proxy_exchange_end(x);
		return false;
	}
	relay_make_room(&x->back, &x->passed);
	return x->back.end < x->back.size;
}

static bool relay_listen(struct proxy_exchange *x)
{
	ssize_t n;

	if (!x->up->link.readable || x->up_ended || !relay_room(x))
		return false;
	n = proxy_io_read(&x->up->link, &x->back);
	if (n == -EAGAIN) {
		if (!x->back.end)
			proxy_io_release(x->place->proxy, &x->back);
		return false;
	}
	if (n <= 0)
		relay_up_ended(x, n);
	return true;
}

/* The way of the reply, up to us. */
static bool relay_reply(struct proxy_exchange *x)
{
	bool moved;
	ssize_t n;

	if (!x->up || !x->up->connected)
		return false;
	moved = relay_listen(x);
	if (x->over || !x->up)
		return moved;
	while (!x->headed) {
		int taken = proxy_reply_head(x);

		if (taken <= 0)
			return moved && !taken;
		moved = true;
	}
	n = http_body_take(&x->answered, x->back.at + x->passed, x->back.end - x->passed);
	if (n < 0) {
		proxy_count(x->place->proxy, upstream_odd);
		proxy_exchange_abort(x);
		return false;
	}
	x->passed += (size_t)n;
	if (x->answered.done)
		relay_answered(x);
	return moved || n > 0;
}

/* n bytes went to the client. */
static void relay_passed(struct proxy_exchange *x, size_t n)
{
	struct proxy *p = x->place->proxy;
	struct proxy_client *c = x->client;
	size_t head = c->out.end - c->out.start;

	if (n < head)
		head = n;
	c->out.start += head;
	if (c->out.start == c->out.end)
		proxy_io_release(p, &c->out);
	x->back.start += n - head;
	if (x->fetch || !x->headed || x->back.start < x->back.end || !x->back.at)
		return;
	proxy_io_release(p, &x->back);
	x->passed = 0;
}

static bool relay_is_done(struct proxy_exchange *x)
{
	const struct proxy_client *c = x->client;

	if (!x->headed || (c && (c->out.start < c->out.end || x->back.start < x->passed)))
		return false;
	if (x->tunnel && x->up_ended && c && !x->told_client) {
		shutdown(c->link.fd, SHUT_WR);
		x->told_client = true;
	}
	if (x->tunnel)
		return x->told_client && x->told_up;
	return x->answered.done && !x->up;
}

/* The way of the reply, from us to the client. */
static bool relay_pass(struct proxy_exchange *x)
{
	struct proxy_client *c = x->client;
	struct iovec parts[2] = { { NULL, 0 }, { NULL, 0 } };
	ssize_t n = 0;

	if (c && c->out.at)
		parts[0] = (struct iovec){ c->out.at + c->out.start, c->out.end - c->out.start };
	if (c && x->headed && x->back.at)
		parts[1] = (struct iovec){ x->back.at + x->back.start, x->passed - x->back.start };
	if (c && c->link.writable)
		n = proxy_io_write(&c->link, parts, 2);
	if (n < 0) {
		relay_client_gone(x);
		return false;
	}
	if (n > 0)
		relay_passed(x, (size_t)n);
	if (relay_is_done(x)) {
		proxy_exchange_end(x);
		return false;
	}
	return n > 0;
}

/* Each way once. False: nothing moved, or it is over. */
static bool relay_round(struct proxy_exchange *x)
{
	bool moved = relay_ask(x);

	if (!x->over)
		moved |= relay_reply(x);
	if (!x->over)
		moved |= relay_pass(x);
	return moved && !x->over;
}

void proxy_relay_step(struct proxy_exchange *x)
{
	struct proxy *p = x->place->proxy;
	uint64_t quiet_ns = x->place->site->timeout_ns;

	for (int i = 0; i < PROXY_ROUNDS; i++) {
		if (!relay_round(x))
			return;
		x->deadline_ns = p->now_ns + (x->tunnel ? RELAY_TUNNEL_NS : quiet_ns);
	}
	proxy_io_queue(p, x->client ? &x->client->link : &x->up->link);
}
