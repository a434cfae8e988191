#include "gateway.h"

#include "cgi.h"
#include "emit.h"
#include "mem.h"
#include "open.h"
#include "pool.h"
#include "turn.h"

#define GATEWAY_CHUNK 32u
#define GATEWAY_MOST 65536u /* 40 MiB of address space, as far as it is ever used */

struct gateway {
	struct dialect dialect;
	struct cgi cgi;
};

static struct pool gateway_pool = {
	.bytes = sizeof(struct gateway),
	.chunk = GATEWAY_CHUNK,
	.most = GATEWAY_MOST,
};

_Static_assert(sizeof(struct gateway) <= 640, "as gateway.h says");
_Static_assert(CGI_READ == (int)CONNECTION_READ && CGI_WRITE == (int)CONNECTION_WRITE,
	       "one is the other");

static struct cgi *gateway_of(const struct connection *c)
{
	return &((struct gateway *)(void *)c->dialect)->cgi;
}

static uint16_t gateway_target(void *context, const uint8_t *path, size_t length, bool *has_path)
{
	return connection_route(context, path, length, has_path);
}

static void gateway_step(void *context, const struct cgi_request *r, uint8_t state)
{
	(void)context;
	if (state == RS_OPEN_ANSWERING)
		open_progress(r->open, state, 0, 0);
	else
		open_update(r->open, atomic_load_explicit(&r->shape, memory_order_relaxed),
			    atomic_load_explicit(&r->method, memory_order_relaxed), state);
}

static void gateway_done(void *context, struct cgi_done *done)
{
	const struct connection *c = context;

	if (done->elsewhere && !c->dropped)
		emit_refused();
	else
		connection_emit(context, &done->request, done->has_path);
	open_free(done->open);
}

const struct cgi_ops cgi_ops = {
	.now = connection_now,
	.begun = connection_begun,
	.target = gateway_target,
	.step = gateway_step,
	.done = gateway_done,
	.unparsed = connection_unparsed,
};

static bool gateway_move(struct connection *c, enum connection_way way, const uint8_t *at, size_t n)
{
	struct cgi_call call = { .context = c };
	struct cgi *x = gateway_of(c);

	if (!at)
		return cgi_unseen(x, &call, (enum cgi_way)way, n);
	return way == CONNECTION_READ ? cgi_read(x, &call, at, n) : cgi_write(x, &call, at, n);
}

/* Four bytes are little: a server of HTTP/1.x that found them no request says so. */
static bool gateway_declines(struct connection *c, const uint8_t *at, size_t n)
{
	(void)at;
	(void)n;
	return !cgi_has_begun(gateway_of(c));
}

static void gateway_lose(struct connection *c, enum connection_way way)
{
	cgi_lose(gateway_of(c), (enum cgi_way)way);
}

static uint32_t gateway_waiting(const struct connection *c)
{
	return cgi_waits(gateway_of(c));
}

static uint32_t gateway_adopt(struct connection *c)
{
	return cgi_adopt(gateway_of(c));
}

static void gateway_end(struct connection *c)
{
	struct cgi_call call = { .context = c };

	cgi_close(gateway_of(c), &call,
		  atomic_load_explicit(&c->exchange.client_gone, memory_order_relaxed) ==
			  EXCHANGE_RESET);
}

static void gateway_close(struct connection *c)
{
	struct dialect *d = c->dialect;

	atomic_store_explicit(&c->dialect, NULL, memory_order_relaxed);
	pool_put(&gateway_pool, d);
}

static uint8_t gateway_protocol(const struct connection *c)
{
	return cgi_protocol(gateway_of(c));
}

static const struct dialect_ops gateway_ops = {
	.move = gateway_move,
	.declines = gateway_declines,
	.lose = gateway_lose,
	.waiting = gateway_waiting,
	.adopt = gateway_adopt,
	.end = gateway_end,
	.close = gateway_close,
	.protocol = gateway_protocol,
};

/* How many bytes of the connection came ahead of these: all are of its refused first line. */
static uint32_t gateway_before(const struct http1 *p, const uint8_t *at, size_t n)
{
	uint32_t end = 0;

	while (end < n && at[end] != '\n')
		end++;
	if (end < n && end && at[end - 1] == '\r')
		end--;
	return p->line > end ? p->line - end : 0;
}

static bool gateway_open(struct connection *c, enum cgi_kind kind)
{
	struct gateway *g = pool_get(&gateway_pool);
	const struct exchange_request *first = c->exchange.reading;

	if (!g) {
		emit_unparsed(RS_UNPARSED_NO_MEMORY);
		return false;
	}
	g->dialect.ops = &gateway_ops;
	cgi_init(&g->cgi, kind);
	g->cgi.first = first ? first->t0 : 0;
	if (dialect_take(c, &g->dialect))
		return true;
	pool_put(&gateway_pool, g);
	return false;
}

bool gateway_begins(struct connection *c, const uint8_t *at, size_t n,
		    const struct exchange_call *call, bool *more)
{
	const struct http1 *p = &c->exchange.in;
	uint32_t before = gateway_before(p, at, n);
	uint8_t first[CGI_FIRST];
	enum cgi_kind kind;

	if (!c->exchange.no_http || !call->rest || before > sizeof(first) ||
	    atomic_load_explicit(&c->exchange.trust, memory_order_relaxed) != EXCHANGE_ACCEPTED ||
	    atomic_load_explicit(&c->bytes[CONNECTION_WRITE], memory_order_relaxed))
		return false;
	for (uint32_t i = 0; i < sizeof(first) && i < before + n; i++)
		first[i] = i < before ? p->text[i] : at[i - before];
	kind = cgi_begins(first, before + n < sizeof(first) ? before + n : sizeof(first));
	if (kind == CGI_NONE || !gateway_open(c, kind))
		return false;
	*more = gateway_move(c, CONNECTION_READ, first, before) &&
		gateway_move(c, CONNECTION_READ, at, n);
	return true;
}
