#include "wire.h"

#include "counters.h"
#include "http_event.h"
#include "paths.h"
#include "pieces.h"
#include "ring.h"
#include "unseen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WIRE_IDLE_NS UINT64_C(300000000000) /* where there is no room: longer idle ones go */
#define WIRE_SWEEP_NS UINT64_C(1000000000)
#define WIRE_BYTES (64u << 20) /* of all that arrived and was not read */
#define WIRE_UNREAD 16384u     /* of a connection that none of ours has read from yet */
#define WIRE_TABLE 4096u       /* a power of two */

enum wire_way { WIRE_IN, WIRE_OUT, WIRE_WAYS };

struct wire_way_state {
	struct pieces pieces;
	uint32_t at; /* TCP's position of what moves next */
	bool known;
};

struct wire_connection {
	struct wire_connection *next;
	uint64_t id;
	uint64_t used_ns;
	uint32_t pid; /* of who read or wrote last; 0: nobody yet */
	uint16_t paths;
	bool told; /* that it is none of ours to read */
	struct wire_way_state ways[WIRE_WAYS];
	struct exchange exchange;
};

struct wire {
	struct wire_config config;
	struct ring *ring;
	struct paths paths;
	struct wire_counts counts;
	struct wire_connection *table[WIRE_TABLE];
	/* of the event under way */
	struct wire_connection *connection;
	uint64_t now_ns;
	uint64_t swept_ns;
	uint32_t bytes; /* of all pieces */
	uint64_t requests;
};

static struct bare_one *wire_process(const struct wire *w)
{
	return bare_by_pid(w->config.bare, (int32_t)w->connection->pid);
}

static uint64_t wire_now(void *context)
{
	const struct wire *w = context;

	return w->now_ns;
}

static int32_t wire_begun(void *context, uint64_t t0)
{
	struct bare_one *one = wire_process(context);

	(void)t0;
	if (one)
		bare_news(one)->begun++;
	return -1;
}

/* The number of its path travels as its shape. */
static uint16_t wire_target(void *context, const struct http1 *head, bool *has_path)
{
	struct wire *w = context;

	*has_path = false;
	return paths_add(&w->paths, &w->connection->paths, head->path, head->path_length);
}

static void wire_step(void *context, const struct exchange_request *r, uint8_t state)
{
	(void)context;
	(void)r;
	(void)state;
}

static void wire_done(void *context, struct exchange_done *done)
{
	struct wire *w = context;
	const struct served *s = &done->request;
	struct bare_one *one = wire_process(w);
	struct drain_request request = {
		.id = ++w->requests,
		.end_ns = s->end,
		.span_ns = s->end > s->t0 ? s->end - s->t0 : 0,
		.first_byte_ns = s->first_byte > s->t0 ? s->first_byte - s->t0 : 0,
		.bytes_in = s->bytes_in,
		.bytes_out = s->bytes_out,
		.connection = (uint32_t)w->connection->id,
		.status = s->status,
		.method = s->method,
		.protocol = RS_PROTOCOL_HTTP1,
		.flags = s->flags,
	};

	request.path = paths_take(&w->paths, &w->connection->paths, s->shape);
	if (!one) {
		w->counts.nobodys++;
		return;
	}
	counters_add_request(bare_news(one), &request, w->config.slow_warning_ns,
			     w->config.slow_critical_ns);
	bare_request(w->config.bare, w->config.sink, one, &request);
}

static void wire_unparsed(void *context, uint8_t why)
{
	struct bare_one *one = wire_process(context);

	if (one && why < RS_UNPARSED_REASONS)
		bare_news(one)->unparsed[why]++;
}

static struct exchange_block *wire_lend(void *context)
{
	(void)context;
	return calloc(1, sizeof(struct exchange_block));
}

static void wire_give_back(void *context, struct exchange_block *block)
{
	(void)context;
	free(block);
}

const struct exchange_ops exchange_ops = {
	.now = wire_now,
	.begun = wire_begun,
	.target = wire_target,
	.step = wire_step,
	.done = wire_done,
	.unparsed = wire_unparsed,
	.lend = wire_lend,
	.give_back = wire_give_back,
};

static struct wire_connection **wire_find(struct wire *w, uint64_t id)
{
	struct wire_connection **at = &w->table[id & (WIRE_TABLE - 1)];

	while (*at && (*at)->id != id)
		at = &(*at)->next;
	return at;
}

static void wire_end(struct wire *w)
{
	struct exchange_call call = { .context = w, .now = w->now_ns };
	struct bare_one *one = wire_process(w);

	exchange_close(&w->connection->exchange, &call);
	if (one)
		bare_news(one)->closed++;
}

/* Its place in the table, from which it goes. */
static void wire_free(struct wire *w, struct wire_connection **at)
{
	struct wire_connection *c = *at;

	free(atomic_load_explicit(&c->exchange.more, memory_order_relaxed));
	*at = c->next;
	for (int way = 0; way < WIRE_WAYS; way++) {
		w->bytes -= c->ways[way].pieces.bytes;
		pieces_clear(&c->ways[way].pieces);
	}
	paths_drop(&w->paths, &c->paths);
	free(c);
	w->counts.connections--;
}

/* The end of some was lost; one that goes on is met again, in its middle. */
static void wire_sweep(struct wire *w)
{
	if (w->now_ns < w->swept_ns + WIRE_SWEEP_NS)
		return;
	w->swept_ns = w->now_ns;
	for (uint32_t i = 0; i < WIRE_TABLE; i++) {
		struct wire_connection **at = &w->table[i];

		while (*at) {
			if ((*at)->used_ns + WIRE_IDLE_NS < w->now_ns)
				wire_free(w, at);
			else
				at = &(*at)->next;
		}
	}
}

static struct wire_connection *wire_add(struct wire *w, uint64_t id, enum exchange_trust trust)
{
	struct wire_connection **head = &w->table[id & (WIRE_TABLE - 1)];
	struct wire_connection *c = NULL;

	if (w->counts.connections == WIRE_CONNECTIONS)
		wire_sweep(w);
	if (w->counts.connections < WIRE_CONNECTIONS)
		c = calloc(1, sizeof(*c));
	if (!c) {
		w->counts.refused++;
		return NULL;
	}
	c->id = id;
	exchange_init(&c->exchange, trust);
	c->next = *head;
	*head = c;
	w->counts.connections++;
	return c;
}

/* They go on, and nobody looks at them any more. */
static void wire_clear(struct wire *w)
{
	for (uint32_t i = 0; i < WIRE_TABLE; i++)
		while (w->table[i])
			wire_free(w, &w->table[i]);
}

/* Ciphertext, or HTTP/2: known for what it is, and not read. Other protocols are nobody's loss. */
static void wire_foreign(struct wire *w, struct wire_connection *c)
{
	if (c->told || !c->exchange.no_http)
		return;
	c->told = true;
	if (hello_is_whole(&c->exchange.hello))
		wire_unparsed(w, RS_UNPARSED_TLS_UNLINKED);
	else if (!memcmp(c->exchange.in.text, "PRI * HTTP/2.0", 14))
		wire_unparsed(w, RS_UNPARSED_GARBAGE);
}

/*
 * Something was lost, and here a request begins: its client had all answers before, or so we take
 * it. Those that waited cannot be told from each other any more: the loss itself was said of one.
 */
static void wire_resume(struct wire *w, const uint8_t *text, uint32_t bytes)
{
	struct wire_connection *c = w->connection;
	struct exchange *x = &c->exchange;
	bool lost = x->in.step == HTTP1_AT_BAD || x->out.step == HTTP1_AT_BAD;

	if (!lost || atomic_load_explicit(&x->tunnel, memory_order_relaxed) ||
	    !http1_is_request(text, bytes))
		return;
	for (uint32_t waiting = exchange_waiting(x); waiting > 1; waiting--)
		wire_unparsed(w, RS_UNPARSED_UNSEEN_IO);
	free(atomic_load_explicit(&x->more, memory_order_relaxed));
	paths_drop(&w->paths, &c->paths);
	exchange_init(x, EXCHANGE_UNKNOWN);
}

static void wire_feed(struct wire *w, enum wire_way way, const uint8_t *text, uint32_t bytes)
{
	struct exchange *x = &w->connection->exchange;
	struct exchange_call call = { .context = w, .now = w->now_ns };

	if (way == WIRE_IN && text)
		wire_resume(w, text, bytes);
	if (way == WIRE_IN && text)
		exchange_read(x, &call, text, bytes);
	else if (way == WIRE_IN)
		exchange_read_unseen(x, &call, bytes);
	else if (text)
		unseen_write(x, &call, text, bytes);
	else
		exchange_write_unseen(x, &call, bytes);
	if (way == WIRE_IN)
		wire_foreign(w, w->connection);
}

/* What moved, up to this position: the bytes that were seen, and gaps. */
static void wire_move(struct wire *w, enum wire_way way, const struct http_event *event)
{
	struct wire_way_state *s = &w->connection->ways[way];
	uint32_t to = event->seq;

	if (!s->known)
		s->at = to - event->length;
	s->known = true;
	if (s->at + event->length + 1 == to)
		to--; /* the end of the stream has a position of its own */
	while (pieces_ahead(s->at, to) > 0) {
		uint32_t bytes = to - s->at;
		int32_t untold = pieces_ahead(s->at, to - event->length);
		const uint8_t *text = NULL;

		if (untold > 0) /* an event like this one was lost, and so when these moved */
			bytes = (uint32_t)untold;
		else
			text = pieces_at(&s->pieces, s->at, &bytes);
		wire_feed(w, way, text, bytes);
		s->at += bytes;
	}
	w->bytes -= s->pieces.bytes;
	pieces_drop(&s->pieces, s->at);
	w->bytes += s->pieces.bytes;
}

static void wire_keep(struct wire *w, enum wire_way way, const struct http_event *event,
		      const uint8_t *text)
{
	struct pieces *p = &w->connection->ways[way].pieces;
	uint32_t most = w->connection->pid ? PIECES_BYTES : WIRE_UNREAD;

	if (event->kept > WIRE_BYTES - w->bytes || p->bytes + event->kept > most)
		return;
	w->bytes -= p->bytes;
	pieces_put(p, event->seq, text, event->kept);
	w->bytes += p->bytes;
}

static void wire_owner(struct wire *w, uint32_t pid)
{
	struct wire_connection *c = w->connection;
	bool first = !c->pid;
	struct bare_one *one;

	if (!pid)
		return;
	c->pid = pid;
	one = first ? wire_process(w) : NULL;
	if (one)
		bare_news(one)->opened++;
}

static void wire_begin(struct wire_connection *c, const struct http_event *event)
{
	c->ways[WIRE_IN].at = event->seq;
	c->ways[WIRE_OUT].at = event->other;
	c->ways[WIRE_IN].known = true;
	c->ways[WIRE_OUT].known = true;
}

static void wire_take(struct wire *w, const struct http_event *event, const uint8_t *text)
{
	struct wire_connection *c = w->connection;

	switch ((enum http_kind)event->kind) {
	case HTTP_ACCEPTED:
	case HTTP_FOUND:
		wire_begin(c, event);
		return;
	case HTTP_ARRIVED:
		wire_keep(w, WIRE_IN, event, text);
		return;
	case HTTP_READ:
		wire_move(w, WIRE_IN, event);
		return;
	case HTTP_WRITING:
		wire_keep(w, WIRE_OUT, event, text);
		return;
	case HTTP_WROTE:
		wire_move(w, WIRE_OUT, event);
		/* what was not taken is said again */
		w->bytes -= c->ways[WIRE_OUT].pieces.bytes;
		pieces_clear(&c->ways[WIRE_OUT].pieces);
		return;
	case HTTP_CLIENT_GONE:
		exchange_client_gone(&c->exchange, event->length != 0);
		return;
	case HTTP_CLOSED:
		wire_end(w);
		wire_free(w, wire_find(w, event->connection));
		return;
	}
}

void wire_event(struct wire *w, const void *record, size_t bytes)
{
	struct http_event event;
	bool over;

	if (bytes < sizeof(event))
		return;
	memcpy(&event, record, sizeof(event));
	if (event.kept > bytes - sizeof(event))
		return;
	over = event.kind == HTTP_CLOSED || event.kind == HTTP_CLIENT_GONE;
	if (event.at_ns)
		w->now_ns = event.at_ns;
	w->connection = *wire_find(w, event.connection);
	if (!w->connection && !over)
		w->connection = wire_add(w, event.connection,
					 event.kind == HTTP_ACCEPTED ? EXCHANGE_ACCEPTED
								     : EXCHANGE_UNKNOWN);
	if (!w->connection)
		return;
	w->connection->used_ns = w->now_ns;
	wire_owner(w, event.pid);
	wire_take(w, &event, (const uint8_t *)record + sizeof(event));
}

static void wire_record(void *ctx, const void *record, size_t bytes)
{
	wire_event(ctx, record, bytes);
}

int wire_open(struct wire **out, const struct wire_config *config)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->config = *config;
	return 0;
}

void wire_close(struct wire *w)
{
	if (!w)
		return;
	wire_clear(w);
	ring_close(w->ring);
	paths_fini(&w->paths);
	free(w);
}

int wire_ring_put(struct wire *w, int fd, uint32_t bytes)
{
	ring_close(w->ring);
	w->ring = NULL;
	wire_clear(w);
	return fd < 0 ? 0 : ring_open(&w->ring, fd, bytes);
}

bool wire_listens(const struct wire *w)
{
	return w->ring != NULL;
}

void wire_round(struct wire *w, uint64_t now_ns)
{
	if (w->ring)
		ring_read(w->ring, wire_record, w);
	bare_book(w->config.bare, w->config.sink, now_ns);
}

void wire_counts_get(const struct wire *w, struct wire_counts *out)
{
	*out = w->counts;
}
