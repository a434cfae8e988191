#include "parser.h"

#include "frame.h"
#include "unseen.h"

#include <stdlib.h>
#include <string.h>

/* The number of its path travels as its shape. */
static uint16_t parser_target(void *context, const struct http1 *head, bool *has_path)
{
	struct parsed *to = context;

	*has_path = false;
	return paths_add(&to->paths, &to->parser->paths, head->path, head->path_length);
}

static void parser_step(void *context, const struct exchange_request *r, uint8_t state)
{
	(void)context;
	(void)r;
	(void)state;
}

/* By a 101 it goes on as the first stream of HTTP/2, answered there. */
static bool parser_upgrades(struct parser *p, struct parsed *to, const struct served *request)
{
	if (!(request->flags & RS_FLAG_UPGRADED) || !mux_is_upgrade(&p->exchange))
		return false;
	if (p->exchange.in.step != HTTP1_AT_START) {
		parsed_unparsed(to,
				RS_UNPARSED_MID_STREAM); /* the rest of its body is not followed */
		return false;
	}
	p->mux = mux_open(0);
	if (!p->mux)
		parsed_unparsed(to, RS_UNPARSED_NO_MEMORY);
	else
		mux_upgrade(p->mux, request);
	return p->mux != NULL;
}

static void parser_done(void *context, struct exchange_done *done)
{
	struct parsed *to = context;
	struct parser *p = to->parser;

	done->request.protocol = RS_PROTOCOL_HTTP1;
	if (p->elsewhere) {
		p->elsewhere--;
		parsed_elsewhere(to);
		return;
	}
	if (p->losing) {
		parsed_lost(to);
		return;
	}
	if (parser_upgrades(p, to, &done->request))
		return;
	parsed_request(to, &done->request, paths_take(&to->paths, &p->paths, done->request.shape));
}

static struct exchange_block *parser_lend(void *context)
{
	(void)context;
	return calloc(1, sizeof(struct exchange_block));
}

static void parser_give_back(void *context, struct exchange_block *block)
{
	(void)context;
	free(block);
}

const struct exchange_ops exchange_ops = {
	.now = parsed_now,
	.begun = parsed_begun,
	.target = parser_target,
	.step = parser_step,
	.done = parser_done,
	.unparsed = parsed_unparsed,
	.lend = parser_lend,
	.give_back = parser_give_back,
};

void parser_init(struct parser *p, uint32_t connection, enum exchange_trust trust)
{
	memset(p, 0, offsetof(struct parser, exchange));
	p->connection = connection;
	exchange_init(&p->exchange, trust);
}

static void parser_exchange_fini(struct parser *p, struct parsed *to)
{
	free(atomic_load_explicit(&p->exchange.more, memory_order_relaxed));
	paths_drop(&to->paths, &p->paths);
}

void parser_fini(struct parser *p, struct parsed *to)
{
	parser_exchange_fini(p, to);
	mux_close(p->mux);
	p->mux = NULL;
}

/*
 * Something was lost, and here a request begins: its client had all answers before, or so we take
 * it. Those that waited cannot be told from each other any more: the loss itself was said of one.
 */
static void parser_begin(struct parser *p, struct parsed *to, const uint8_t *text, uint32_t bytes)
{
	struct exchange *x = &p->exchange;
	bool lost = x->in.step == HTTP1_AT_BAD || x->out.step == HTTP1_AT_BAD;

	if (!lost || atomic_load_explicit(&x->tunnel, memory_order_relaxed) ||
	    !http1_is_request(text, bytes))
		return;
	for (uint32_t waiting = exchange_waiting(x); waiting > 1; waiting--)
		parsed_unparsed(to, RS_UNPARSED_UNSEEN_IO);
	parser_exchange_fini(p, to);
	exchange_init(x, EXCHANGE_UNKNOWN);
}

static void parser_multiplex(struct parser *p, struct parsed *to, uint8_t skip)
{
	p->mux = mux_open(skip);
	if (!p->mux)
		parsed_unparsed(to, RS_UNPARSED_NO_MEMORY);
}

/* HTTP/2 in its middle, of a connection that was there before us, or whose begin was lost. */
static bool parser_is_found(const struct parser *p, const uint8_t *text, uint32_t bytes)
{
	const struct exchange *x = &p->exchange;

	return (!parser_is_accepted(p) || (x->no_http && x->in.why == RS_UNPARSED_UNSEEN_IO)) &&
	       mux_begins_found(text, bytes);
}

static void parser_read(struct parser *p, struct parsed *to, const uint8_t *text, uint32_t bytes)
{
	struct exchange *x = &p->exchange;
	struct exchange_call call = { .context = to, .now = to->now_ns };
	bool known = x->no_http;

	if (parser_is_found(p, text, bytes)) {
		p->mux = mux_open_found(parser_is_accepted(p));
		if (p->mux)
			mux_move(p->mux, to, HTTP2_READ, text, bytes);
		return;
	}
	parser_begin(p, to, text, bytes);
	exchange_read(x, &call, text, bytes);
	if (known || !x->no_http || !call.rest || !frame_is_preface(x->in.text, x->in.line))
		return;
	if (p->wrote) {
		parsed_unparsed(to, RS_UNPARSED_MID_STREAM); /* that was no frame */
		return;
	}
	parser_multiplex(p, to, FRAME_LINE_BYTES);
	if (p->mux)
		mux_move(p->mux, to, HTTP2_READ, call.rest, (uint32_t)(text + bytes - call.rest));
}

/* Of a connection without HTTP/2, at the time of the call. */
static void parser_write(struct parser *p, struct parsed *to, const uint8_t *text, uint32_t bytes)
{
	struct exchange_call call = { .context = to, .now = to->now_ns };

	if (!p->read && !p->wrote && frame_is_settings(text, bytes)) { /* ahead of its client */
		parser_multiplex(p, to, 0);
		call.rest = text;
	} else {
		unseen_write(&p->exchange, &call, text, bytes);
	}
	if (p->mux) /* it begins here, or was upgraded to */
		mux_move(p->mux, to, HTTP2_WRITE, call.rest, (uint32_t)(text + bytes - call.rest));
}

static void parser_unseen(struct parser *p, struct parsed *to, enum parser_way way, uint32_t bytes)
{
	struct exchange_call call = { .context = to, .now = to->now_ns };

	if (way == PARSER_IN)
		exchange_read_unseen(&p->exchange, &call, bytes);
	else
		exchange_write_unseen(&p->exchange, &call, bytes);
}

/* Of HTTP/2, unless it is answered by something else. */
static bool parser_is_mux(struct parser *p, struct parsed *to, enum parser_way way,
			  const uint8_t *text, uint32_t bytes)
{
	if (!p->mux)
		return false;
	if (way == PARSER_OUT && text && !p->declined)
		p->declined = mux_declines(p->mux, to, text, bytes);
	return way == PARSER_IN || !p->declined;
}

void parser_move(struct parser *p, struct parsed *to, enum parser_way way, const uint8_t *text,
		 uint32_t bytes)
{
	to->parser = p;
	if (parser_is_mux(p, to, way, text, bytes))
		mux_move(p->mux, to, way == PARSER_IN ? HTTP2_READ : HTTP2_WRITE, text, bytes);
	else if (!text)
		parser_unseen(p, to, way, bytes);
	else if (way == PARSER_IN)
		parser_read(p, to, text, bytes);
	else
		parser_write(p, to, text, bytes);
	p->read = p->read || way == PARSER_IN;
	p->wrote = p->wrote || way == PARSER_OUT;
}

/* Each of HTTP/1.x that waits: the kernel counted the first of them, the others are lost. */
static void parser_forget(struct parser *p, struct parsed *to, uint32_t counted)
{
	struct exchange_call call = { .context = to, .now = to->now_ns };

	p->elsewhere = counted;
	p->losing = true;
	exchange_close(&p->exchange, &call);
	p->losing = false;
	p->elsewhere = 0;
}

void parser_lose(struct parser *p, struct parsed *to)
{
	to->parser = p;
	if (p->mux)
		mux_cut(p->mux, to, 0);
	parser_forget(p, to, 0);
}

void parser_resume(struct parser *p, struct parsed *to, uint32_t counted)
{
	to->parser = p;
	if (p->mux || atomic_load_explicit(&p->exchange.tunnel, memory_order_relaxed))
		return; /* it goes on by itself, or is no HTTP any more */
	parser_forget(p, to, counted);
	parser_exchange_fini(p, to);
	exchange_init(&p->exchange, EXCHANGE_ACCEPTED);
	p->exchange.preface.step = PREFACE_OVER;
}

void parser_cut(struct parser *p, struct parsed *to, uint32_t counted, uint32_t stream)
{
	to->parser = p;
	p->elsewhere = counted;
	if (p->mux)
		mux_cut(p->mux, to, stream);
	else if (parser_is_accepted(p))
		parsed_missed(to, 0, stream);
}

void parser_accept(struct parser *p, bool server)
{
	struct exchange *x = &p->exchange;

	if (!p->read && !p->wrote)
		x->preface.step = PREFACE_OVER;
	if (server && atomic_load_explicit(&x->trust, memory_order_relaxed) == EXCHANGE_UNKNOWN)
		atomic_store_explicit(&x->trust, EXCHANGE_ACCEPTED, memory_order_relaxed);
}

bool parser_is_idle(const struct parser *p)
{
	return p->mux ? mux_is_idle(p->mux) : !exchange_waiting(&p->exchange);
}

bool parser_is_accepted(const struct parser *p)
{
	return atomic_load_explicit(&p->exchange.trust, memory_order_relaxed) != EXCHANGE_UNKNOWN;
}

void parser_client_gone(struct parser *p, bool reset)
{
	exchange_client_gone(&p->exchange, reset);
}

void parser_end(struct parser *p, struct parsed *to)
{
	struct exchange_call call = { .context = to, .now = to->now_ns };
	bool gone = atomic_load_explicit(&p->exchange.client_gone, memory_order_relaxed) != 0;

	to->parser = p;
	if (p->mux)
		mux_end(p->mux, to, gone);
	exchange_close(&p->exchange, &call);
}
