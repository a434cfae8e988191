/*
 * proxy_exchange - one request on one upstream connection: its begin, its end, and what is done
 *                  when either side fails.
 */
#include "proxy_own.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool exchange_is_method(const struct proxy_ask *a, const char *method)
{
	return a->head.method.length == strlen(method) &&
	       !memcmp(a->head.method.at, method, a->head.method.length);
}

/* The address of the other end, as text; "" on any doubt. */
static void exchange_peer(int fd, char out[INET6_ADDRSTRLEN])
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} at = { .any.sa_family = AF_UNSPEC };
	socklen_t length = sizeof(at);

	out[0] = '\0';
	if (getpeername(fd, &at.any, &length))
		return;
	if (at.any.sa_family == AF_INET)
		inet_ntop(AF_INET, &at.v4.sin_addr, out, INET6_ADDRSTRLEN);
	if (at.any.sa_family == AF_INET6)
		inet_ntop(AF_INET6, &at.v6.sin6_addr, out, INET6_ADDRSTRLEN);
}

/* The head as it goes upstream, in memory of its own size: a thousand may wait for a slow one. */
static unsigned int exchange_head(struct proxy_exchange *x, const struct proxy_ask *a,
				  const struct proxy_client *asker)
{
	const struct proxy_site *site = x->place->site;
	char bytes[PROXY_BLOCK - 1], from[INET6_ADDRSTRLEN] = "";
	struct rewrite head = { .at = bytes, .size = sizeof(bytes) };
	struct rewrite_request how = { .fetch = x->fetch != NULL,
				       .forwarded = site->forwarded,
				       .via = site->via };

	how.without_cookies = x->fetch && x->fetch->rule->without_cookies;
	if (site->forwarded != PROXY_FORWARDED_NONE)
		exchange_peer(asker->link.fd, from);
	how.from = *from ? from : NULL;
	if (rewrite_request(&head, &a->head, &how))
		return 431;
	x->forth = (struct proxy_buffer){ .at = malloc(head.length),
					  .size = head.length,
					  .end = head.length };
	if (!x->forth.at) {
		proxy_count(x->place->proxy, no_memory);
		return 503;
	}
	memcpy(x->forth.at, bytes, head.length);
	return 0;
}

static bool exchange_connect(struct proxy_exchange *x)
{
	struct proxy_place *place = x->place;

	x->up = proxy_upstream_get(place, !x->again, &x->reused);
	if (!x->up) {
		proxy_count(place->proxy, upstream_failed);
		return false;
	}
	x->up->exchange = x;
	x->deadline_ns = place->proxy->now_ns +
			 (x->reused ? place->site->timeout_ns : place->site->connect_ns);
	return true;
}

static void exchange_link(struct proxy_exchange *x)
{
	struct proxy *p = x->place->proxy;

	x->after = p->exchanges;
	if (x->after)
		x->after->before = x;
	p->exchanges = x;
}

/* 0 or the status to refuse it with. */
static unsigned int exchange_open(struct proxy_place *place, const struct proxy_ask *a,
				  const struct proxy_begin *b, struct proxy_exchange **out)
{
	struct proxy_exchange *x = calloc(1, sizeof(*x));
	unsigned int status;

	if (!x) {
		proxy_count(place->proxy, no_memory);
		return 503;
	}
	x->place = place;
	x->fetch = b->fetch;
	x->asked = a->body;
	x->began_ns = place->proxy->now_ns;
	x->verdict = b->verdict;
	x->to_head = exchange_is_method(a, "HEAD");
	x->safe = a->get || exchange_is_method(a, "OPTIONS") || exchange_is_method(a, "TRACE");
	x->again = x->safe && a->body.done;
	x->upgrades = rewrite_upgrades(&a->head);
	proxy_key_tag(&a->head, x->tag);
	status = exchange_head(x, a, b->asker);
	if (status) {
		free(x);
		return status;
	}
	*out = x;
	return 0;
}

/* Its request is the exchange's from here on. */
static void exchange_attach(struct proxy_exchange *x, struct proxy_client *c, size_t head)
{
	x->client = c;
	c->exchange = x;
	c->in.start += head;
	if (c->in.start == c->in.end)
		proxy_io_release(x->place->proxy,
				 &c->in); /* many may wait long with nothing in it */
	c->taken = c->in.start;
	c->state = PROXY_CLIENT_EXCHANGE;
}

unsigned int proxy_exchange_begin(struct proxy_place *place, struct proxy_ask *a,
				  const struct proxy_begin *b)
{
	struct proxy *p = place->proxy;
	struct proxy_exchange *x;
	unsigned int status = exchange_open(place, a, b, &x);

	if (status) {
		if (b->fetch)
			proxy_fetch_close(p, b->fetch, status, false);
		cache_value_put(b->fallback);
		return status;
	}
	exchange_link(x);
	x->fallback = b->fallback;
	if (b->client)
		exchange_attach(x, b->client, a->length);
	if (!exchange_connect(x))
		proxy_exchange_fail(x, 502);
	else if (!b->client)
		proxy_io_queue(p, &x->up->link); /* nobody else looks after it */
	return 0;
}

/* It is the client's no more, and the client not its. */
static struct proxy_client *exchange_detach(struct proxy_exchange *x)
{
	struct proxy_client *c = x->client;

	if (c)
		c->exchange = NULL;
	x->client = NULL;
	return c;
}

/* All but the client; freed when the loop has come around. */
static void exchange_over(struct proxy_exchange *x, unsigned int failed)
{
	struct proxy *p = x->place->proxy;

	x->over = true;
	if (x->up) {
		x->up->exchange = NULL;
		proxy_upstream_close(x->up);
		x->up = NULL;
	}
	if (x->fetch)
		proxy_fetch_close(p, x->fetch, failed, false);
	x->fetch = NULL;
	cache_value_put(x->fallback);
	x->fallback = NULL;
	p->filling -= x->charged;
	proxy_io_release(p, &x->forth);
	proxy_io_release(p, &x->back);
	if (x->before)
		x->before->after = x->after;
	else
		p->exchanges = x->after;
	if (x->after)
		x->after->before = x->before;
	x->next_over = p->exchanges_over;
	p->exchanges_over = x;
}

void proxy_exchange_end(struct proxy_exchange *x)
{
	struct proxy_client *c = exchange_detach(x);

	if (c && proxy_client_next(c))
		proxy_io_queue(x->place->proxy, &c->link);
	exchange_over(x, 502);
}

void proxy_exchange_fail(struct proxy_exchange *x, unsigned int status)
{
	/* its head is gone already, and it had no conditions */
	static const struct proxy_ask told = { .length = 0 };
	struct proxy_client *c = exchange_detach(x);
	struct cache_value *v = x->fallback;

	if (c && v) {
		x->fallback = NULL;
		proxy_count(x->place->proxy, stale);
		proxy_answer_stored(c, &told, v, "STALE");
	} else if (c) {
		proxy_client_refuse(c, status);
	}
	if (c)
		proxy_io_queue(x->place->proxy, &c->link);
	exchange_over(x, status);
}

void proxy_exchange_abort(struct proxy_exchange *x)
{
	struct proxy_client *c = exchange_detach(x);

	if (c)
		proxy_client_close(c, true);
	exchange_over(x, 502);
}

/* Of unknown length, and nobody waits for it: it may never end. */
static bool exchange_is_adrift(const struct proxy_exchange *x)
{
	return x->headed && x->answered.kind == HTTP_BODY_CHUNKED && !x->fetch->waiting;
}

void proxy_exchange_leave(struct proxy_exchange *x)
{
	if (x->client)
		exchange_detach(x);
	if (!x->fetch || exchange_is_adrift(x))
		exchange_over(x, 502);
}

void proxy_exchange_give_up(struct proxy_exchange *x, unsigned int status)
{
	if (x->headed)
		proxy_exchange_abort(x);
	else
		proxy_exchange_fail(x, status);
}

/* The connection was closed while it was idle, as it may: the request goes on a new one. */
void proxy_exchange_retry(struct proxy_exchange *x)
{
	x->up->exchange = NULL;
	proxy_upstream_close(x->up);
	x->up = NULL;
	x->again = x->deaf = false;
	x->forth.start = 0;
	if (!exchange_connect(x))
		proxy_exchange_fail(x, 502);
}

bool proxy_exchange_is_sent(const struct proxy_exchange *x)
{
	return x->forth.start == x->forth.end &&
	       (!x->client || x->client->in.start == x->client->taken);
}

void proxy_exchange_overdue(struct proxy_exchange *x)
{
	struct proxy *p = x->place->proxy;
	bool asking = x->client && !x->asked.done && proxy_exchange_is_sent(x);

	if (x->tunnel) {
		proxy_exchange_abort(x);
	} else if (asking && x->up && x->up->connected) {
		proxy_exchange_give_up(x, 408); /* which counts it */
	} else if (x->headed && x->client && x->back.start < x->passed) {
		proxy_count(p, slow_clients);
		proxy_exchange_abort(x);
	} else {
		proxy_count(p, upstream_slow);
		proxy_exchange_give_up(x, 504);
	}
}
