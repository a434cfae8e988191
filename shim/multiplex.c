#include "multiplex.h"

#include "backlog.h"
#include "emit.h"
#include "fields.h"
#include "http2.h"
#include "indexing.h"
#include "mask.h"
#include "mem.h"
#include "open.h"
#include "pool.h"
#include "repeats.h"
#include "turn.h"

#define MULTIPLEX_CHUNK 8u
#define MULTIPLEX_MOST 65536u /* 1 GiB of address space, as far as it is ever used */

struct multiplex {
	_Alignas(64) struct dialect dialect;
	uint32_t number; /* of the next piece */
	uint32_t gap;    /* the first stream whose path is lost; 0: none */
	uint32_t epoch;  /* of the agent that has seen all of it; 0: nobody has */
	uint16_t shape;  /* of the request that it began with as HTTP/1.1 */
	uint8_t method;
	uint8_t flags;
	bool upgraded;
	bool has_path; /* it has the connection's path */
	struct backlog backlog;
	struct repeats repeats;
	struct mask mask;
	uint8_t masked[EMIT_PIECE_MOST]; /* what is being sent */
	struct http2 http2;
};

static struct pool multiplex_pool = {
	.bytes = sizeof(struct multiplex),
	.chunk = MULTIPLEX_CHUNK,
	.most = MULTIPLEX_MOST,
};

_Static_assert(sizeof(struct multiplex) <= 17408, "as multiplex.h says");
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

/* What was asked by HTTP/1.1 is told as that, with the answer that HTTP/2 gave. */
static void multiplex_emit_first(struct connection *c, struct served *request)
{
	struct multiplex *m = multiplex_of(c);

	request->stream = 0;
	request->protocol = RS_PROTOCOL_HTTP1;
	request->shape = m->shape;
	request->method = m->method;
	request->flags |= m->flags;
	connection_emit(c, request, m->has_path);
	m->upgraded = false;
}

static void multiplex_emit(struct connection *c, struct served *request)
{
	const struct multiplex *m = multiplex_of(c);

	if (m->upgraded && request->stream == 1) {
		multiplex_emit_first(c, request);
		return;
	}
	if (m->gap && request->stream >= m->gap) {
		request->flags |= RS_FLAG_DETAIL_CUT;
		request->block = 0;
		if (emit_epoch())
			emit_unparsed(RS_UNPARSED_HPACK_GAP);
	}
	emit_request(request);
	c->requests++;
}

static void multiplex_done(void *context, struct http2_done *done)
{
	struct connection *c = context;

	done->request.connection = c->id;
	done->request.block = repeats_block_of(done->kept);
	if (done->refused && !c->dropped)
		emit_refused();
	else if (!c->dropped)
		multiplex_emit(c, &done->request);
	repeats_release(&multiplex_of(c)->repeats, done->kept);
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
static bool multiplex_record(struct connection *c, const struct emit_piece *piece, bool changes)
{
	struct multiplex *m = multiplex_of(c);

	if (backlog_is_empty(&m->backlog) && emit_piece(piece)) {
		m->number++;
		return true;
	}
	if (!changes)
		emit_unparsed(RS_UNPARSED_HPACK_GAP); /* of this request alone */
	else if (!backlog_put(&m->backlog, piece))
		multiplex_lost(c, piece->stream);
	return false;
}

/* A block that changes nothing, in one record: kept, so that it is known when it comes again. */
static uint32_t multiplex_keep(struct connection *c, const struct http2_piece *from,
			       struct emit_piece *piece)
{
	struct multiplex *m = multiplex_of(c);

	if (from->opens && !from->tunnel) /* what asks for a tunnel is to be read each time */
		piece->place = repeats_place(&m->repeats, from->length, m->number);
	if (!multiplex_record(c, piece, false) || !piece->place)
		return 0;
	return repeats_keep(&m->repeats, piece->place, piece->number, from->bytes, from->length);
}

/* The next record of what is masked; false: it makes no sense. */
static bool multiplex_mask(struct multiplex *m, struct http2_piece *from, const uint8_t **at,
			   struct emit_piece *piece)
{
	const uint8_t *end = from->bytes + from->length;

	piece->number = m->number;
	piece->length = (uint16_t)mask_read(&m->mask, at, end, m->masked, sizeof(m->masked));
	piece->last = from->last && *at == end && !mask_waits(&m->mask);
	if (piece->last)
		from->tunnel = mask_end(&m->mask);
	return !mask_is_bad(&m->mask);
}

/* Masked, in records of its own, as many as it takes. Returns a word of repeats. */
static uint32_t multiplex_records(struct connection *c, struct http2_piece *from, bool changes)
{
	struct multiplex *m = multiplex_of(c);
	const uint8_t *at = from->bytes, *end = at + from->length;
	struct emit_piece piece = { .bytes = m->masked,
				    .connection = c->id,
				    .stream = from->stream };

	do {
		if (!multiplex_mask(m, from, &at, &piece)) {
			multiplex_lost(c, from->stream);
			return 0;
		}
		if (!changes && piece.last)
			return multiplex_keep(c, from, &piece);
		changes = true; /* one of several cannot be lost alone */
		if (piece.length || piece.last)
			multiplex_record(c, &piece, changes);
	} while (!m->gap && (at < end || mask_waits(&m->mask)));
	return 0;
}

/* Known already, or to be told. */
static uint32_t multiplex_piece(void *context, struct http2_piece *from)
{
	struct connection *c = context;
	struct multiplex *m = multiplex_of(c);
	bool whole = from->first && from->last && from->length <= EMIT_PIECE_MOST;
	uint32_t word = 0;
	bool changes;

	if (!m->number && backlog_is_empty(&m->backlog))
		m->epoch = emit_epoch();
	if (!c->id)
		c->id = emit_opened();
	if (!m->epoch || m->epoch != emit_epoch())
		multiplex_lost(c, from->stream);
	else if (!m->gap)
		backlog_send(&m->backlog, c->id, &m->number);
	if (m->gap)
		return 0;
	if (whole && from->opens)
		word = repeats_find(&m->repeats, from->bytes, from->length);
	if (word)
		return word;
	changes = !whole || indexing_changes(from->bytes, from->length);
	if (changes)
		repeats_forget(&m->repeats);
	return multiplex_records(c, from, changes);
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

/* skip: as of http2_init. NULL: there is no room. */
static struct multiplex *multiplex_make(uint8_t skip)
{
	struct multiplex *m = pool_get(&multiplex_pool);

	if (!m) {
		emit_unparsed(RS_UNPARSED_NO_MEMORY);
		return NULL;
	}
	memset(m, 0, offsetof(struct multiplex, http2));
	m->dialect.ops = &multiplex_ops;
	mask_init(&m->mask);
	http2_init(&m->http2, skip);
	return m;
}

static bool multiplex_open(struct connection *c, struct multiplex *m)
{
	if (!m)
		return false;
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
		return multiplex_open(c, multiplex_make(FRAME_LINE_BYTES));
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
	} else if (!frame_is_settings(at, n) || !multiplex_open(c, multiplex_make(0))) {
		return false;
	}
	*more = multiplex_move(c, way, at, (size_t)(end - at));
	return true;
}

bool multiplex_upgrades(struct connection *c, const struct exchange_done *done)
{
	const struct served *request = &done->request;
	const struct exchange *x = &c->exchange;
	struct multiplex *m;

	if (!(x->out.fields & FIELDS_H2C) || c->dialect)
		return false;
	if (x->in.step != HTTP1_AT_START) {
		emit_unparsed(RS_UNPARSED_MID_STREAM); /* the rest of its body is not followed */
		return false;
	}
	m = multiplex_make(0);
	if (!m)
		return false;
	m->upgraded = true;
	m->shape = request->shape;
	m->method = request->method;
	m->flags = request->flags;
	m->has_path = done->has_path;
	http2_upgrade(&m->http2, request, done->open);
	return multiplex_open(c, m);
}
