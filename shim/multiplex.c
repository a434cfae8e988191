#include "multiplex.h"

#include "backlog.h"
#include "emit.h"
#include "http2.h"
#include "indexing.h"
#include "mem.h"
#include "open.h"
#include "pool.h"
#include "turn.h"

#define MULTIPLEX_CHUNK 8u
#define MULTIPLEX_MOST 65536u /* 1 GiB of address space, as far as it is ever used */

struct multiplex {
	struct dialect dialect;
	uint32_t number; /* of the next piece */
	uint32_t gap;    /* the first stream whose path is lost; 0: none */
	uint32_t epoch;  /* of the agent that has seen all of it; 0: nobody has */
	struct backlog backlog;
	struct http2 http2;
};

static struct pool multiplex_pool = {
	.bytes = sizeof(struct multiplex),
	.chunk = MULTIPLEX_CHUNK,
	.most = MULTIPLEX_MOST,
};

_Static_assert(offsetof(struct multiplex, dialect) == 0, "one is the other");
_Static_assert(sizeof(struct multiplex) <= 16384, "as multiplex.h says");
_Static_assert(HTTP2_READ == (int)CONNECTION_READ && HTTP2_WRITE == (int)CONNECTION_WRITE,
	       "one is the other");

static inline struct multiplex *multiplex_of(const struct connection *c)
{
	return (struct multiplex *)(void *)atomic_load_explicit(&c->dialect, memory_order_relaxed);
}

static void multiplex_step(void *context, const struct http2_stream *s, uint8_t state)
{
	(void)context;
	if (state == RS_OPEN_ANSWERING)
		open_progress(s->open, state,
			      atomic_load_explicit(&s->bytes_out, memory_order_relaxed), 0);
	else
		open_update(s->open, 0, RS_METHOD_OTHER, state);
}

static void multiplex_done(void *context, struct http2_done *done)
{
	struct connection *c = context;
	const struct multiplex *m = multiplex_of(c);
	struct served *request = &done->request;

	request->connection = c->id;
	if (done->refused && !c->dropped) {
		emit_refused();
		open_free(done->open);
		return;
	}
	if (m->gap && request->stream >= m->gap) {
		request->flags |= RS_FLAG_DETAIL_CUT;
		if (!c->dropped && emit_epoch())
			emit_unparsed(RS_UNPARSED_HPACK_GAP);
	}
	if (!c->dropped) {
		emit_request(request);
		c->requests++;
	}
	open_free(done->open);
}

static void multiplex_lost(void *context, uint32_t stream)
{
	struct connection *c = context;
	struct multiplex *m = multiplex_of(c);

	m->number++; /* so that the agent sees it too */
	if (!m->gap)
		m->gap = stream;
}

/* A record of it, or what can be done where there is no room for one. */
static void multiplex_record(struct connection *c, const struct emit_piece *piece, bool whole)
{
	struct multiplex *m = multiplex_of(c);

	if (m->gap)
		return; /* nobody reads on */
	if (backlog_is_empty(&m->backlog) && emit_piece(piece)) {
		m->number++;
		return;
	}
	if (whole && !indexing_changes(piece->bytes, piece->length))
		emit_unparsed(RS_UNPARSED_HPACK_GAP); /* of this request alone */
	else if (!backlog_put(&m->backlog, piece))
		multiplex_lost(c, piece->stream);
}

/* In records of its own, as many as it takes. */
static void multiplex_piece(void *context, const struct http2_piece *from)
{
	struct connection *c = context;
	struct multiplex *m = multiplex_of(c);
	const uint8_t *at = from->bytes;
	uint32_t left = from->length;
	bool whole = from->first && from->last && left <= EMIT_PIECE_MOST;

	if (!m->number && backlog_is_empty(&m->backlog))
		m->epoch = emit_epoch();
	if (!c->id)
		c->id = emit_opened();
	if (!m->epoch || m->epoch != emit_epoch())
		multiplex_lost(c, from->stream);
	else if (!m->gap)
		backlog_send(&m->backlog, c->id, &m->number);
	do {
		uint32_t n = left < EMIT_PIECE_MOST ? left : EMIT_PIECE_MOST;
		struct emit_piece piece = {
			.bytes = at,
			.connection = c->id,
			.number = m->number,
			.stream = from->stream,
			.length = (uint16_t)n,
			.last = from->last && n == left,
		};

		multiplex_record(c, &piece, whole);
		at += n;
		left -= n;
	} while (left);
}

const struct http2_ops http2_ops = {
	.now = connection_now,
	.begun = connection_begun,
	.step = multiplex_step,
	.done = multiplex_done,
	.unparsed = connection_unparsed,
	.piece = multiplex_piece,
	.lost = multiplex_lost,
};

static const struct dialect_ops multiplex_ops;

static bool multiplex_open(struct connection *c, uint8_t skip)
{
	struct multiplex *m = pool_get(&multiplex_pool);

	if (!m) {
		emit_unparsed(RS_UNPARSED_NO_MEMORY);
		return false;
	}
	memset(m, 0, offsetof(struct multiplex, http2));
	m->dialect.ops = &multiplex_ops;
	http2_init(&m->http2, skip);
	if (dialect_take(c, &m->dialect))
		return true;
	pool_put(&multiplex_pool, m);
	return false;
}

static uint64_t multiplex_moved(const struct connection *c, enum connection_way way)
{
	return atomic_load_explicit(&c->bytes[way], memory_order_relaxed);
}

static bool multiplex_reads_preface(struct connection *c, const struct exchange_call *call)
{
	const struct exchange *x = &c->exchange;

	if (!x->no_http || !call->rest || !frame_is_preface(x->in.text, x->in.line))
		return false;
	if (!multiplex_moved(c, CONNECTION_WRITE))
		return multiplex_open(c, FRAME_LINE_BYTES);
	emit_unparsed(RS_UNPARSED_MID_STREAM); /* what was written before was no frame */
	return false;
}

static bool multiplex_move(struct connection *c, enum connection_way way, const uint8_t *at,
			   size_t n)
{
	struct http2_call call = { .context = c };
	struct http2 *x = &multiplex_of(c)->http2;

	if (!at)
		return http2_unseen(x, &call, (enum http2_way_of)way, n);
	return way == CONNECTION_READ ? http2_read(x, &call, at, n) : http2_write(x, &call, at, n);
}

static bool multiplex_declines(struct connection *c, const uint8_t *at, size_t n)
{
	struct http2_call call = { .context = c };

	return http2_declines(&multiplex_of(c)->http2, &call, at, n);
}

static void multiplex_lose(struct connection *c, enum connection_way way)
{
	http2_lose(&multiplex_of(c)->http2, (enum http2_way_of)way);
}

static uint32_t multiplex_waiting(const struct connection *c)
{
	return http2_open_streams(&multiplex_of(c)->http2);
}

/* The blocks so far went to the parent's segment. */
static uint32_t multiplex_adopt(struct connection *c)
{
	struct multiplex *m = multiplex_of(c);

	m->epoch = 0;
	m->gap = 1;
	m->number++;
	return http2_adopt(&m->http2);
}

static void multiplex_end(struct connection *c)
{
	struct http2_call call = { .context = c };

	http2_close(&multiplex_of(c)->http2, &call,
		    atomic_load_explicit(&c->exchange.client_gone, memory_order_relaxed) != 0);
}

static void multiplex_close(struct connection *c)
{
	struct multiplex *m = multiplex_of(c);

	atomic_store_explicit(&c->dialect, NULL, memory_order_relaxed);
	pool_put(&multiplex_pool, m);
}

static uint8_t multiplex_protocol(const struct connection *c)
{
	(void)c;
	return RS_PROTOCOL_HTTP2;
}

static const struct dialect_ops multiplex_ops = {
	.move = multiplex_move,
	.declines = multiplex_declines,
	.lose = multiplex_lose,
	.waiting = multiplex_waiting,
	.adopt = multiplex_adopt,
	.end = multiplex_end,
	.close = multiplex_close,
	.protocol = multiplex_protocol,
};

bool multiplex_begins(struct connection *c, enum connection_way way, const uint8_t *at, size_t n,
		      const struct exchange_call *call, bool *more)
{
	const uint8_t *end = at + n;

	if (way == CONNECTION_READ) {
		if (!multiplex_reads_preface(c, call))
			return false;
		at = call->rest;
	} else if (!frame_is_settings(at, n) || !multiplex_open(c, 0)) {
		return false;
	}
	*more = multiplex_move(c, way, at, (size_t)(end - at));
	return true;
}
