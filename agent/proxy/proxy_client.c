/*
 * proxy_client - a client's connection: its requests one after the other, what is refused, how it
 *                ends.
 */
#include "proxy_own.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENT_HEAD_NS (10 * PROXY_S_NS)  /* from a request's first byte to the end of its head */
#define CLIENT_DRAIN_NS (2 * PROXY_S_NS)  /* so long may it go on sending behind its answer */
#define CLIENT_DRAIN_BYTES (1024u * 1024) /* … and so much: a reset would take the answer away */

int proxy_client_open(struct proxy_place *place, int fd)
{
	struct proxy *p = place->proxy;
	struct proxy_client *c = calloc(1, sizeof(*c));
	int one = 1, ret;

	if (!c) {
		proxy_count(p, no_memory);
		return -ENOMEM;
	}
	ret = proxy_io_watch(p, &c->link, fd, PROXY_CLIENT);
	if (ret) {
		free(c);
		return ret;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->place = place;
	c->after = p->clients;
	if (c->after)
		c->after->before = c;
	p->clients = c;
	c->deadline_ns = p->now_ns + place->site->idle_ns;
	place->clients++;
	proxy_count(p, connections);
	proxy_count(p, open);
	return 0;
}

void proxy_client_close(struct proxy_client *c, bool reset)
{
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
	struct proxy *p = c->place->proxy;

	if (c->link.fd < 0)
		return;
	if (reset)
		setsockopt(c->link.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	proxy_fetch_unwait(c);
	cache_value_put(c->value);
	c->value = NULL;
	proxy_io_release(p, &c->in);
	proxy_io_release(p, &c->out);
	if (c->before)
		c->before->after = c->after;
	else
		p->clients = c->after;
	if (c->after)
		c->after->before = c->before;
	c->place->clients--;
	proxy_uncount(p, open);
	proxy_io_close(p, &c->link);
}

static const char *client_reason(unsigned int status)
{
	static const struct {
		unsigned int status;
		const char *reason;
	} reasons[] = {
		{ 400, "Bad Request" },     { 405, "Method Not Allowed" },
		{ 408, "Request Timeout" }, { 431, "Request Header Fields Too Large" },
		{ 502, "Bad Gateway" },     { 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" }, { 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Error";
}

static void client_count_refusal(struct proxy *p, unsigned int status)
{
	if (status == 431)
		proxy_count(p, large_heads);
	else if (status == 408)
		proxy_count(p, slow_clients);
	else if (status < 500 || status == 505)
		proxy_count(p, refused);
}

bool proxy_client_refuse(struct proxy_client *c, unsigned int status)
{
	struct proxy *p = c->place->proxy;
	const char *reason = client_reason(status);
	char text[256];
	int n = snprintf(text, sizeof(text),
			 "HTTP/1.1 %u %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
			 "Connection: close\r\n\r\n%s\n",
			 status, reason, strlen(reason) + 1, reason);

	client_count_refusal(p, status);
	if (c->to_head)
		n -= (int)strlen(reason) + 1;
	if (!proxy_io_block(p, &c->out) || c->out.size - c->out.end < (size_t)n) {
		proxy_client_close(c, true);
		return false;
	}
	memcpy(c->out.at + c->out.end, text, (size_t)n);
	c->out.end += (size_t)n;
	c->in.start = c->in.end; /* nothing more of it is read as a request */
	c->close = c->rude = true;
	c->state = PROXY_CLIENT_SENDING;
	c->deadline_ns = p->now_ns + c->place->site->timeout_ns;
	return true;
}

/* Host as the one that the request is for: of what names and addresses are made of. */
static bool client_is_host(const struct http_text *host)
{
	for (size_t i = 0; i < host->length; i++) {
		char c = host->at[i];

		if ((c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') &&
		    (!c || !strchr("-._~%!$&'()*+,;=:[]", c)))
			return false;
	}
	return true;
}

/* An address with a path, or * of OPTIONS: a whole URL names a second host. */
static bool client_is_target(const struct http_head *h)
{
	if (*h->target.at == '/')
		return true;
	return h->target.length == 1 && *h->target.at == '*' && h->method.length == 7 &&
	       !memcmp(h->method.at, "OPTIONS", 7);
}

static bool client_is_method(const struct http_head *h, const char *method)
{
	return h->method.length == strlen(method) &&
	       !memcmp(h->method.at, method, h->method.length);
}

/* 0 or the negative status that it is refused with. */
static int client_check(struct proxy_ask *a)
{
	const struct http_head *h = &a->head;
	const struct http_field *host = http_head_get(h, HTTP_HOST, NULL);

	if (client_is_method(h, "CONNECT"))
		return -405;
	if (!client_is_target(h) || (!host && h->minor))
		return -400;
	if (host && (http_head_get(h, HTTP_HOST, host) || !client_is_host(&host->value)))
		return -400;
	a->get = client_is_method(h, "GET") || client_is_method(h, "HEAD");
	return http_body_of_request(&a->body, h);
}

static bool client_request(struct proxy_client *c, size_t length)
{
	struct proxy_ask a; /* its hundred fields are not cleared for the three that come */
	const struct http_head *h = &a.head;
	int ret = http_head_request(&a.head, c->in.at + c->in.start, length);

	a.length = length;
	a.rule = NULL;
	c->minor = h->minor;
	c->to_head = !ret && client_is_method(h, "HEAD");
	if (!ret)
		ret = client_check(&a);
	if (ret)
		return proxy_client_refuse(c, (unsigned int)-ret);
	c->close = h->close || (!h->minor && !h->keep_alive);
	c->deadline_ns = c->place->proxy->now_ns + c->place->site->timeout_ns;
	return proxy_answer(c, &a);
}

/* More of what it sends. False: there is nothing, or it is gone. */
static bool client_read(struct proxy_client *c)
{
	struct proxy *p = c->place->proxy;
	ssize_t n;

	if (!c->link.readable)
		return false;
	if (!proxy_io_block(p, &c->in)) {
		proxy_client_close(c, true);
		return false;
	}
	if (c->in.end == c->in.size) {
		memmove(c->in.at, c->in.at + c->in.start, c->in.end - c->in.start);
		c->in.end -= c->in.start;
		c->in.start = 0;
	}
	if (c->in.start == c->in.end && c->state == PROXY_CLIENT_HEAD)
		c->deadline_ns = p->now_ns + CLIENT_HEAD_NS;
	n = proxy_io_read(&c->link, &c->in);
	if (n == -EAGAIN && c->in.start == c->in.end)
		proxy_io_release(p, &c->in);
	if (n > 0 || n == -EAGAIN)
		return n > 0;
	proxy_client_close(c, false);
	return false;
}

/* One empty line in front of a request is left over from the one before (RFC 9112, 2.2). */
static void client_skip_blank(struct proxy_client *c)
{
	if (c->blank || c->in.end - c->in.start < 2 ||
	    memcmp(c->in.at + c->in.start, "\r\n", 2) != 0)
		return;
	c->in.start += 2;
	c->seen = 0;
	c->blank = true;
}

static bool client_head(struct proxy_client *c)
{
	size_t have;
	long length;

	client_skip_blank(c);
	have = c->in.end - c->in.start;
	if (!have)
		return client_read(c);
	length = http_head_find(c->in.at + c->in.start, have, &c->seen);
	if (length > (long)PROXY_REQUEST_HEAD || (!length && have > PROXY_REQUEST_HEAD))
		return proxy_client_refuse(c, 431);
	if (length < 0)
		return proxy_client_refuse(c, 400);
	if (length > 0)
		return client_request(c, (size_t)length);
	return client_read(c);
}

bool proxy_client_next(struct proxy_client *c)
{
	struct proxy *p = c->place->proxy;

	cache_value_put(c->value);
	c->value = NULL;
	proxy_io_release(p, &c->out);
	if (c->close && !c->rude) {
		proxy_client_close(c, false);
		return false;
	}
	if (c->close) {
		shutdown(c->link.fd, SHUT_WR);
		c->state = PROXY_CLIENT_DRAINING;
		c->deadline_ns = p->now_ns + CLIENT_DRAIN_NS;
		return true;
	}
	c->state = PROXY_CLIENT_HEAD;
	c->seen = 0;
	c->blank = c->alone = c->to_head = false;
	c->wait_ns = 0;
	c->failed = 0;
	c->deadline_ns = p->now_ns + c->place->site->idle_ns;
	if (c->in.start == c->in.end)
		proxy_io_release(p, &c->in);
	else
		c->deadline_ns = p->now_ns + CLIENT_HEAD_NS;
	return true;
}

static bool client_send(struct proxy_client *c)
{
	const struct iovec parts[] = {
		{ c->out.at + c->out.start, c->out.end - c->out.start },
		{ (void *)(uintptr_t)c->body, c->value ? c->body_left : 0 },
	};
	size_t head = parts[0].iov_len, moved;
	ssize_t n;

	if (!c->link.writable)
		return false;
	n = proxy_io_write(&c->link, parts, 2);
	if (n < 0) {
		proxy_client_close(c, false);
		return false;
	}
	moved = (size_t)n < head ? (size_t)n : head;
	c->out.start += moved;
	c->body += (size_t)n - moved;
	c->body_left -= (size_t)n - moved;
	if (n)
		c->deadline_ns = c->place->proxy->now_ns + c->place->site->timeout_ns;
	if (c->out.start < c->out.end || (c->value && c->body_left))
		return n > 0;
	return proxy_client_next(c);
}

/* What it still sends is read, so that no reset takes away the answer on its way. */
static bool client_drain(struct proxy_client *c)
{
	c->in.start = c->in.end = 0;
	if (!client_read(c))
		return false;
	c->drained += (uint32_t)c->in.end;
	if (c->drained > CLIENT_DRAIN_BYTES)
		proxy_client_close(c, true);
	return c->link.fd >= 0;
}

static void client_lost(struct proxy_client *c)
{
	struct proxy_exchange *x = c->exchange;

	proxy_client_close(c, false);
	if (x)
		proxy_exchange_leave(x);
}

static bool client_turn(struct proxy_client *c)
{
	switch (c->state) {
	case PROXY_CLIENT_HEAD:
		return client_head(c);
	case PROXY_CLIENT_EXCHANGE:
		proxy_relay_step(c->exchange);
		return c->state != PROXY_CLIENT_EXCHANGE;
	case PROXY_CLIENT_SENDING:
		return client_send(c);
	case PROXY_CLIENT_DRAINING:
		return client_drain(c);
	default:
		return false;
	}
}

void proxy_client_step(struct proxy_client *c)
{
	if (c->link.broken) {
		client_lost(c);
		return;
	}
	for (int i = 0; i < PROXY_ROUNDS; i++)
		if (!client_turn(c) || c->link.fd < 0)
			return;
	proxy_io_queue(c->place->proxy, &c->link);
}

/* Its time is over. One with an exchange is looked after by that. */
void proxy_client_overdue(struct proxy_client *c)
{
	switch (c->state) {
	case PROXY_CLIENT_HEAD:
		if (c->in.start == c->in.end)
			proxy_client_close(c, false);
		else
			proxy_client_refuse(c, 408);
		break;
	case PROXY_CLIENT_WAITING:
		proxy_fetch_unwait(c);
		c->alone = true;
		c->state = PROXY_CLIENT_HEAD;
		break;
	case PROXY_CLIENT_SENDING:
		proxy_count(c->place->proxy, slow_clients);
		proxy_client_close(c, true);
		break;
	case PROXY_CLIENT_DRAINING:
		proxy_client_close(c, false);
		break;
	default:
		return;
	}
	proxy_io_queue(c->place->proxy, &c->link);
}
