#include "http2.h"

#include <ringside/abi.h>

#include <string.h>

#define HTTP2_REFUSED_STREAM 7u /* the error code */
#define HTTP2_STREAM_MOST 0x7fffffffu
#define HTTP2_REFUSED 0x100u /* beside enum rs_flag */

#define http2_get(field) atomic_load_explicit(&(field), memory_order_relaxed)
#define http2_set(field, value) atomic_store_explicit(&(field), (value), memory_order_relaxed)

void http2_init(struct http2 *x, uint8_t skip)
{
	memset(x, 0, sizeof(*x));
	frame_init(&x->way[HTTP2_READ].frame, skip);
	frame_init(&x->way[HTTP2_WRITE].frame, FRAME_PREFACE_BYTES);
	status_init(&x->status);
	http2_set(x->most, HTTP2_STREAM_MOST);
}

void http2_upgrade(struct http2 *x, const struct served *request, int32_t open)
{
	struct http2_stream *s = &x->streams[0];

	s->t0 = request->t0;
	s->open = open;
	http2_set(s->bytes_in, request->bytes_in);
	http2_set(s->bytes_out, request->bytes_out);
	http2_set(s->state, HTTP2_OPEN);
	http2_set(s->id, 1);
	http2_set(x->far, 1);
	x->last = 1;
}

static uint64_t http2_now(struct http2_call *call)
{
	if (!call->now)
		call->now = http2_ops.now(call->context);
	return call->now;
}

static uint32_t http2_place(uint32_t id, uint32_t probe)
{
	return ((id >> 1) + probe) & (HTTP2_STREAMS - 1);
}

static struct http2_stream *http2_find(struct http2 *x, uint32_t id)
{
	uint32_t far = id ? http2_get(x->far) : 0;

	for (uint32_t i = 0; i < far; i++) {
		struct http2_stream *s = &x->streams[http2_place(id, i)];

		/* B: behind the writer's own word in the one order of all; pairs with A. */
		if (atomic_load_explicit(&s->id, memory_order_seq_cst) == id)
			return s;
	}
	return NULL;
}

/* The reader's: is it a place that nobody can have in his hands? */
static bool http2_is_vacant(struct http2 *x, const struct http2_stream *s)
{
	/* D: acquire puts its new use behind the last one; pairs with C. */
	uint8_t state = atomic_load_explicit(&s->state, memory_order_acquire);

	if (state == HTTP2_FREE)
		return true;
	/* Its number went long before: a writer that comes now finds nothing. */
	return state == HTTP2_ENDED && !http2_get(s->id) &&
	       !atomic_load_explicit(&x->writing, memory_order_seq_cst);
}

static struct http2_stream *http2_vacant(struct http2 *x, uint32_t id)
{
	for (uint32_t i = 0; i < HTTP2_STREAMS; i++) {
		struct http2_stream *s = &x->streams[http2_place(id, i)];

		if (!http2_is_vacant(x, s))
			continue;
		/* Before the server can know of the stream: who looks for it looks so far. */
		if (i >= http2_get(x->far))
			http2_set(x->far, (uint16_t)(i + 1));
		return s;
	}
	return NULL;
}

/* The request is over, if nobody was faster. way: who says so. */
static void http2_finish(struct http2 *x, struct http2_call *call, struct http2_stream *s,
			 uint32_t flags, enum http2_way_of way)
{
	uint8_t open = HTTP2_OPEN;
	bool held;

	if (!atomic_compare_exchange_strong_explicit(&s->state, &open, HTTP2_ENDED,
						     memory_order_acq_rel, memory_order_relaxed))
		return;
	struct http2_done done = {
		.request = { .t0 = s->t0,
			     .end = http2_now(call),
			     .first_byte = http2_get(s->first_byte),
			     .bytes_in = http2_get(s->bytes_in),
			     .bytes_out = http2_get(s->bytes_out),
			     .stream = http2_get(s->id),
			     .status = http2_get(s->status),
			     .protocol = RS_PROTOCOL_HTTP2,
			     .flags = (uint8_t)flags },
		.open = s->open,
		.kept = http2_get(s->kept),
		.refused = flags & HTTP2_REFUSED,
	};

	http2_ops.done(call->context, &done);
	/* A: ahead of the look at writing, in the one order of all; pairs with B. */
	atomic_store_explicit(&s->id, 0, memory_order_seq_cst);
	held = way == HTTP2_READ && atomic_load_explicit(&x->writing, memory_order_seq_cst);
	/* C: release puts our use of it ahead of the next; pairs with D. */
	if (!held)
		atomic_store_explicit(&s->state, HTTP2_FREE, memory_order_release);
}

static uint8_t http2_cut(const struct http2_stream *s, uint8_t by)
{
	if (http2_get(s->status))
		return by;
	return by == RS_FLAG_CUT_BY_CLIENT ? RS_FLAG_ABORTED | by : RS_FLAG_ABORTED;
}

/* HEADERS were read: a new stream, or the trailers of one. */
static void http2_begin(struct http2 *x, struct http2_call *call, uint32_t id)
{
	struct http2_way *w = &x->way[HTTP2_READ];
	struct http2_stream *s;

	x->opened = NULL;
	if (!(id & 1) || id <= x->last)
		return;
	x->last = id;
	if (id > http2_get(x->most))
		return;
	s = http2_vacant(x, id);
	if (!s) {
		http2_ops.unparsed(call->context, RS_UNPARSED_DEPTH);
		return;
	}
	s->t0 = w->began ? w->began : http2_now(call);
	s->open = http2_ops.begun(call->context, s->t0);
	http2_set(s->status, 0);
	http2_set(s->marks, 0);
	http2_set(s->bytes_in, 0);
	http2_set(s->bytes_out, 0);
	http2_set(s->first_byte, 0);
	http2_set(s->kept, 0);
	http2_set(s->state, HTTP2_OPEN);
	/* E: release puts the stream ahead of its number; pairs with B. */
	atomic_store_explicit(&s->id, id, memory_order_release);
	x->opened = s;
}

static void http2_piece(struct http2 *x, struct http2_call *call)
{
	struct http2_way *w = &x->way[HTTP2_READ];
	const struct frame *f = &w->frame;
	struct http2_piece piece = {
		.bytes = f->piece,
		.length = f->piece_bytes,
		.stream = f->stream,
		.first = !w->block,
		.last = f->last,
		.opens = x->opened,
	};
	uint32_t kept;

	if (w->block > HTTP2_BLOCK_MOST)
		return;
	w->block += f->piece_bytes;
	if (w->block > HTTP2_BLOCK_MOST) {
		http2_ops.unparsed(call->context, RS_UNPARSED_HEAD_LIMIT);
		http2_ops.lost(call->context, f->stream);
		return;
	}
	kept = http2_ops.piece(call->context, &piece);
	if (kept && x->opened)
		http2_set(x->opened->kept, kept);
	if (piece.tunnel && x->opened)
		http2_set(x->opened->marks, HTTP2_TUNNEL); /* nobody has answered yet */
}

/* Does the stream end with this frame? With HEADERS it does when their block has ended. */
static bool http2_ends(const struct frame *f)
{
	if (f->type == FRAME_DATA)
		return f->flags & FRAME_END_STREAM;
	return (f->type == FRAME_HEADERS || f->type == FRAME_CONTINUATION) && !f->block && f->ends;
}

/* What goes on behind this head is no request's any more. */
static bool http2_tunnels(const struct frame *f, const struct http2_stream *s)
{
	return (f->type == FRAME_HEADERS || f->type == FRAME_CONTINUATION) && !f->block &&
	       http2_get(s->marks) & HTTP2_TUNNEL && http2_get(s->status) / 100 == 2;
}

static void http2_read_end(struct http2 *x, struct http2_call *call)
{
	const struct frame *f = &x->way[HTTP2_READ].frame;
	struct http2_stream *s = http2_find(x, f->stream);

	if (!s)
		return;
	if (f->type == FRAME_RST_STREAM)
		http2_finish(x, call, s, http2_cut(s, RS_FLAG_CUT_BY_CLIENT), HTTP2_READ);
	else if (http2_ends(f))
		http2_ops.step(call->context, s, RS_OPEN_WAITING);
	else if (f->type == FRAME_HEADERS && !f->block)
		http2_ops.step(call->context, s, RS_OPEN_BODY);
}

static void http2_write_begin(struct http2 *x, struct http2_call *call)
{
	const struct frame *f = &x->way[HTTP2_WRITE].frame;
	struct http2_stream *s = f->type == FRAME_HEADERS ? http2_find(x, f->stream) : NULL;

	if (!s || http2_get(s->first_byte))
		return;
	http2_set(s->first_byte, http2_now(call));
	http2_ops.step(call->context, s, RS_OPEN_ANSWERING);
}

/* A block of the server's has ended: the head of a response, an interim one, or trailers. */
static void http2_write_status(struct http2 *x, struct http2_stream *s)
{
	struct status_said said = status_end(&x->status);
	uint16_t status = said.status;

	if (!s)
		return;
	if (said.grpc_failed)
		http2_set(s->marks, http2_get(s->marks) | HTTP2_FAILED);
	if (status >= 100 && status < 200)
		http2_set(s->first_byte, 0);
	else if (status && !http2_get(s->status))
		http2_set(s->status, status);
}

/* The server goes: what it has not taken up it never will. */
static void http2_goaway(struct http2 *x, struct http2_call *call, uint32_t last)
{
	http2_set(x->most, last & HTTP2_STREAM_MOST);
	for (uint32_t i = 0; i < HTTP2_STREAMS; i++)
		if (http2_get(x->streams[i].id) > (last & HTTP2_STREAM_MOST))
			http2_finish(x, call, &x->streams[i], HTTP2_REFUSED, HTTP2_WRITE);
}

bool http2_declines(struct http2 *x, struct http2_call *call, const uint8_t *at, size_t n)
{
	static const char version[] = "HTTP/1.";
	struct frame *f = &x->way[HTTP2_WRITE].frame;

	if (f->step != FRAME_AT_HEAD || f->got || f->settled || n < sizeof(version) - 1 ||
	    memcmp(at, version, sizeof(version) - 1) != 0)
		return false;
	atomic_store_explicit(&x->writing, 1, memory_order_seq_cst); /* F too */
	http2_goaway(x, call, 0);
	f->step = FRAME_AT_BAD;
	atomic_store_explicit(&x->writing, 0, memory_order_release); /* G too */
	return true;
}

static uint32_t http2_broken_off(const struct http2_stream *s, uint32_t code)
{
	if (code == HTTP2_REFUSED_STREAM && !http2_get(s->status))
		return HTTP2_REFUSED;
	return http2_cut(s, RS_FLAG_CUT_BY_SERVER);
}

static void http2_write_end(struct http2 *x, struct http2_call *call)
{
	const struct frame *f = &x->way[HTTP2_WRITE].frame;
	struct http2_stream *s = http2_find(x, f->stream);

	if (f->type == FRAME_GOAWAY)
		http2_goaway(x, call, f->word);
	else if (s && f->type == FRAME_RST_STREAM)
		http2_finish(x, call, s, http2_broken_off(s, f->word), HTTP2_WRITE);
	else if (s && (http2_ends(f) || http2_tunnels(f, s)))
		http2_finish(x, call, s, http2_get(s->marks) & HTTP2_FAILED ? RS_FLAG_FAILED : 0,
			     HTTP2_WRITE);
}

static void http2_block_end(struct http2 *x, uint8_t way)
{
	const struct frame *f = &x->way[way].frame;

	x->way[way].block = 0;
	if (way == HTTP2_WRITE)
		http2_write_status(x,
				   f->type == FRAME_PUSH_PROMISE ? NULL : http2_find(x, f->stream));
}

static void http2_event(struct http2 *x, struct http2_call *call, uint8_t way,
			enum frame_event event)
{
	struct http2_way *w = &x->way[way];

	if (event == FRAME_BEGIN) {
		if (way == HTTP2_WRITE)
			http2_write_begin(x, call);
		else if (w->frame.type == FRAME_HEADERS)
			http2_begin(x, call, w->frame.stream);
		w->began = 0;
	} else if (event == FRAME_BLOCK) {
		if (way == HTTP2_READ)
			http2_piece(x, call);
		else
			status_read(&x->status, w->frame.piece, w->frame.piece_bytes);
		if (w->frame.last)
			http2_block_end(x, way);
	} else if (event == FRAME_END && way == HTTP2_WRITE) {
		http2_write_end(x, call);
	} else if (event == FRAME_END) {
		http2_read_end(x, call);
	}
}

/* n bytes of the frame's payload; at its beginning all that lies ahead of them, read or not. */
static void http2_add(struct http2 *x, uint8_t way, enum frame_event event, uint32_t n)
{
	const struct frame *f = &x->way[way].frame;
	struct http2_stream *s;

	if (event == FRAME_BEGIN)
		n = FRAME_HEAD_BYTES + f->prefix;
	s = n ? http2_find(x, f->stream) : NULL;
	if (!s)
		return;
	if (way == HTTP2_READ)
		http2_set(s->bytes_in, http2_get(s->bytes_in) + n);
	else
		http2_set(s->bytes_out, http2_get(s->bytes_out) + n);
}

/* As long as there is input, and an end or an empty piece that needs none. */
static bool http2_move(struct http2 *x, struct http2_call *call, uint8_t way, const uint8_t *at,
		       const uint8_t *end)
{
	struct http2_way *w = &x->way[way];
	enum frame_event event;

	do {
		uint32_t left = w->frame.left;

		event = frame_next(&w->frame, &at, end);
		if (event == FRAME_BAD) {
			http2_ops.unparsed(call->context, RS_UNPARSED_GARBAGE);
			return false;
		}
		if (event == FRAME_BEGIN || event == FRAME_BLOCK)
			http2_event(x, call, way, event);
		http2_add(x, way, event, left - w->frame.left);
		if (event == FRAME_END)
			http2_event(x, call, way, event);
	} while (event != FRAME_MORE);
	if (w->frame.step == FRAME_AT_HEAD && w->frame.got && !w->began)
		w->began = http2_now(call);
	return true;
}

bool http2_read(struct http2 *x, struct http2_call *call, const uint8_t *at, size_t n)
{
	if (x->way[HTTP2_READ].frame.step == FRAME_AT_BAD)
		return false;
	return http2_move(x, call, HTTP2_READ, at, at + n);
}

bool http2_write(struct http2 *x, struct http2_call *call, const uint8_t *at, size_t n)
{
	bool more;

	if (x->way[HTTP2_WRITE].frame.step == FRAME_AT_BAD)
		return false;
	/* F: ahead of every look at a stream, in the one order of all; pairs with A. */
	atomic_store_explicit(&x->writing, 1, memory_order_seq_cst);
	more = http2_move(x, call, HTTP2_WRITE, at, at + n);
	/* G: release puts the use of streams ahead of their next; pairs with the reader's look. */
	atomic_store_explicit(&x->writing, 0, memory_order_release);
	return more;
}

bool http2_unseen(struct http2 *x, struct http2_call *call, enum http2_way_of way, uint64_t n)
{
	static const uint8_t none[1];

	if (x->way[way].frame.step == FRAME_AT_BAD)
		return false;
	if (frame_skip(&x->way[way].frame, n) == FRAME_BAD) {
		http2_ops.unparsed(call->context, RS_UNPARSED_UNSEEN_IO);
		return false;
	}
	http2_add(x, (uint8_t)way, FRAME_MORE, (uint32_t)n);
	return way == HTTP2_READ ? http2_read(x, call, none, 0) : http2_write(x, call, none, 0);
}

void http2_lose(struct http2 *x, enum http2_way_of way)
{
	x->way[way].frame.step = FRAME_AT_BAD;
}

void http2_close(struct http2 *x, struct http2_call *call, bool client_gone)
{
	const uint8_t by = client_gone ? RS_FLAG_CUT_BY_CLIENT : RS_FLAG_CUT_BY_SERVER;

	for (uint32_t i = 0; i < HTTP2_STREAMS; i++)
		if (http2_get(x->streams[i].state) == HTTP2_OPEN)
			http2_finish(x, call, &x->streams[i], http2_cut(&x->streams[i], by),
				     HTTP2_WRITE);
}

uint32_t http2_adopt(struct http2 *x)
{
	uint32_t open = 0;

	for (uint32_t i = 0; i < HTTP2_STREAMS; i++) {
		if (http2_get(x->streams[i].state) != HTTP2_OPEN)
			continue;
		x->streams[i].open = -1;
		open++;
	}
	return open;
}

uint32_t http2_open_streams(const struct http2 *x)
{
	uint32_t open = 0;

	for (uint32_t i = 0; i < HTTP2_STREAMS; i++)
		open += http2_get(x->streams[i].state) == HTTP2_OPEN;
	return open;
}
