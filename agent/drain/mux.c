#include "mux.h"

#include "fields.h"
#include "frame.h"
#include "header.h"
#include "parser.h"

#include <stdlib.h>

#define MUX_KNOWN                                                                                  \
	0x80000000u /* its block was read; below, the number of its path, 16 bits, and … */
#define MUX_GRPC 0x1000000u
#define MUX_METHOD_AT 16      /* … its method, 8 bits */
#define MUX_FRAME_MOST 65536u /* longer ones exist, and do not begin where we resume */

struct mux {
	struct hpack *table; /* NULL: nothing is known any more */
	bool lost[2];        /* by enum http2_way_of: something was, and no frame has begun since */
	bool passed[2];      /* and bytes since */
	bool gaps;           /* it has had any: what makes no sense behind one is no news */
	bool losing;         /* what is over now is so because its end was lost */
	bool found;          /* others were asked for before us */
	bool missing;        /* streams were lost that were asked for, up to the next, behind … */
	uint32_t missed;     /* … this one */
	bool upgraded;       /* the first stream was asked for by HTTP/1.1, with … */
	uint8_t method;
	uint16_t path;
	struct header header; /* of the block under way */
	struct http2 http2;
};

struct mux *mux_open(uint8_t skip)
{
	struct mux *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	if (hpack_open(&m->table)) {
		free(m);
		return NULL;
	}
	http2_init(&m->http2, skip);
	return m;
}

struct mux *mux_open_found(bool all)
{
	struct mux *m = mux_open(0);

	if (!m)
		return NULL;
	hpack_close(m->table);
	m->table = NULL;
	m->lost[HTTP2_READ] = true;
	m->lost[HTTP2_WRITE] = true;
	m->found = !all;
	m->gaps = true;
	return m;
}

void mux_close(struct mux *m)
{
	if (!m)
		return;
	hpack_close(m->table);
	free(m);
}

static struct mux *mux_of(void *context)
{
	const struct parsed *to = context;

	return to->parser->mux;
}

static void mux_step(void *context, const struct http2_stream *s, uint8_t state)
{
	(void)context;
	(void)s;
	(void)state;
}

/* Of what was lost each stream is told, not each gap. */
static void mux_unparsed(void *context, uint8_t why)
{
	if (!mux_of(context)->gaps)
		parsed_unparsed(context, why);
}

static void mux_lost(void *context, uint32_t stream)
{
	struct mux *m = mux_of(context);

	(void)stream;
	hpack_close(m->table);
	m->table = NULL;
}

/* Clients count their streams: what was asked for meanwhile is known by that, and no more of it. */
static void mux_missed(struct parsed *to, uint32_t stream)
{
	struct mux *m = mux_of(to);

	if (m->missing && stream > m->missed + 2)
		parsed_missed(to, m->missed, stream - 2);
	m->missing = false;
}

/* Whole: the word by which its stream remembers it. */
static uint32_t mux_keep(struct parsed *to, const struct header *h)
{
	uint16_t path = paths_add(&to->paths, &to->parser->paths, h->path, h->path_bytes);

	return MUX_KNOWN | (h->grpc ? MUX_GRPC : 0) | (uint32_t)h->method << MUX_METHOD_AT | path;
}

static uint32_t mux_piece(void *context, struct http2_piece *from)
{
	const struct hpack_piece piece = { from->bytes, from->length, from->last };
	struct mux *m = mux_of(context);

	if (from->opens && from->first)
		mux_missed(context, from->stream);
	if (!m->table)
		return 0;
	if (from->first)
		m->header = (struct header){ .method = RS_METHOD_OTHER };
	if (hpack_read(m->table, &piece, header_field, &m->header)) {
		mux_lost(context, from->stream);
		return 0;
	}
	if (!from->last || !from->opens)
		return 0;
	from->tunnel = m->header.method == RS_METHOD_CONNECT;
	return mux_keep(context, &m->header);
}

/* What was asked by HTTP/1.1 is told as that, with the answer that HTTP/2 gave. */
static uint32_t mux_first(struct mux *m, struct served *s)
{
	s->protocol = RS_PROTOCOL_HTTP1;
	m->upgraded = false;
	return MUX_KNOWN | (uint32_t)m->method << MUX_METHOD_AT | m->path;
}

static void mux_done(void *context, struct http2_done *done)
{
	struct parsed *to = context;
	struct mux *m = mux_of(context);
	struct served *s = &done->request;
	uint32_t kept = done->kept;
	struct drain_counters *news;
	const char *path;

	s->protocol = kept & MUX_GRPC ? RS_PROTOCOL_GRPC : RS_PROTOCOL_HTTP2;
	if (m->upgraded && s->stream == 1)
		kept = mux_first(m, s);
	path = paths_take(&to->paths, &to->parser->paths, (uint16_t)kept);
	s->method = (uint8_t)(kept >> MUX_METHOD_AT);
	if (m->losing) {
		parsed_lost(to);
		return;
	}
	if (done->refused) {
		news = parsed_news(to);
		if (news)
			news->refused++;
		return;
	}
	if (!(kept & MUX_KNOWN)) {
		s->flags |= RS_FLAG_DETAIL_CUT;
		parsed_unparsed(to, RS_UNPARSED_HPACK_GAP);
	}
	parsed_request(to, s, path);
}

const struct http2_ops http2_ops = {
	.now = parsed_now,
	.begun = parsed_begun,
	.step = mux_step,
	.done = mux_done,
	.unparsed = mux_unparsed,
	.piece = mux_piece,
	.lost = mux_lost,
};

bool mux_is_upgrade(const struct exchange *x)
{
	return x->out.fields & FIELDS_H2C;
}

void mux_upgrade(struct mux *m, const struct served *request)
{
	m->upgraded = true;
	m->method = request->method;
	m->path = request->shape;
	http2_upgrade(&m->http2, request, -1);
}

bool mux_declines(struct mux *m, struct parsed *to, const uint8_t *text, uint32_t bytes)
{
	struct http2_call call = { .context = to, .now = to->now_ns };

	return http2_declines(&m->http2, &call, text, bytes);
}

/* Do these bytes read as frames from their first on? */
static bool mux_is_frames(const uint8_t *text, uint32_t bytes)
{
	const uint8_t *at = text, *end = text + bytes;
	enum frame_event event;
	struct frame f;

	frame_init(&f, FRAME_PREFACE_BYTES);
	f.settled = true;
	do {
		event = frame_next(&f, &at, end);
		if (event == FRAME_BAD ||
		    (event == FRAME_BEGIN && (f.type >= FRAME_TYPES || f.left > MUX_FRAME_MOST ||
					      (f.stream && !(f.stream & 1)))))
			return false;
	} while (event != FRAME_MORE);
	return bytes >= FRAME_HEAD_BYTES;
}

bool mux_begins_found(const uint8_t *text, uint32_t bytes)
{
	return bytes > FRAME_HEAD_BYTES && text[3] == FRAME_HEADERS && mux_is_frames(text, bytes);
}

/* Whatever was open: which of it was answered meanwhile nobody knows. */
static void mux_lose(struct mux *m, struct parsed *to)
{
	struct http2_call call = { .context = to, .now = to->now_ns };

	m->losing = true;
	http2_close(&m->http2, &call, false);
	m->losing = false;
}

/* Something was lost, and here a frame begins. */
static bool mux_resume(struct mux *m, struct parsed *to, enum http2_way_of way, const uint8_t *text,
		       uint32_t bytes)
{
	struct http2_way *w = &m->http2.way[way];

	if (!text || !mux_is_frames(text, bytes)) {
		m->passed[way] = true;
		return false;
	}
	if (m->passed[way])
		mux_lose(m, to);
	m->passed[way] = false;
	m->lost[way] = false;
	frame_init(&w->frame, FRAME_PREFACE_BYTES);
	w->frame.settled = true;
	w->began = 0;
	w->block = 0;
	if (way == HTTP2_READ) {
		mux_lost(to, 0);
		m->missing = !m->found || m->http2.last;
		m->missed = m->http2.last;
	}
	return true;
}

/* A body, as of a file that was sent; or a gap. */
static bool mux_skip(struct mux *m, struct http2_call *call, enum http2_way_of way, uint32_t bytes)
{
	bool had_gaps = m->gaps, body;

	m->gaps = true;
	body = http2_unseen(&m->http2, call, way, bytes);
	m->gaps = had_gaps || !body;
	return body;
}

void mux_move(struct mux *m, struct parsed *to, enum http2_way_of way, const uint8_t *text,
	      uint32_t bytes)
{
	struct http2_call call = { .context = to, .now = to->now_ns };

	if (m->lost[way] && !mux_resume(m, to, way, text, bytes))
		return;
	if (!text)
		m->lost[way] = !mux_skip(m, &call, way, bytes);
	else if (way == HTTP2_READ)
		m->lost[way] = !http2_read(&m->http2, &call, text, bytes);
	else
		m->lost[way] = !http2_write(&m->http2, &call, text, bytes);
	if (m->lost[way])
		mux_lose(m, to);
}

void mux_cut(struct mux *m, struct parsed *to, uint32_t stream)
{
	mux_lose(m, to);
	if (!m->found || m->http2.last)
		parsed_missed(to, m->http2.last, stream);
}

void mux_end(struct mux *m, struct parsed *to, bool client_gone)
{
	struct http2_call call = { .context = to, .now = to->now_ns };

	http2_close(&m->http2, &call, client_gone);
}

bool mux_is_idle(const struct mux *m)
{
	return !http2_open_streams(&m->http2);
}
