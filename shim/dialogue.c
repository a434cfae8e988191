#include "dialogue.h"

#include "emit.h"
#include "frame.h"
#include "hot.h"
#include "kinds.h"
#include "mem.h"
#include "open.h"
#include "pool.h"
#include "shape.h"
#include "turn.h"

#define DIALOGUE_CHUNK 16u
#define DIALOGUE_MOST 65536u
#define DIALOGUE_BLOCKS 64u
#define DIALOGUE_BLOCKS_MOST (1u << 18) /* 200 MB of address space, as far as it is ever used */
#define DIALOGUE_LINES 5u               /* that its first run ends in */
#define DIALOGUE_PARSER_LINES 6u        /* behind pairs */
#define DIALOGUE_HEAD 48u               /* bytes that tell what it may be */

struct dialogue {
	_Alignas(64) struct dialect dialect;
	const struct kind *kind;
	union kind_object of;
};

struct dialogue_block {
	_Alignas(64) uint64_t link; /* the pool's */
	struct pairs_block block;
};

static struct pool dialogue_pool = {
	.bytes = sizeof(struct dialogue),
	.chunk = DIALOGUE_CHUNK,
	.most = DIALOGUE_MOST,
};

static struct pool dialogue_blocks = {
	.bytes = sizeof(struct dialogue_block),
	.chunk = DIALOGUE_BLOCKS,
	.most = DIALOGUE_BLOCKS_MOST,
};

_Static_assert(offsetof(struct dialogue, dialect) == 0, "one is the other");

static inline struct dialogue *dialogue_of(const struct connection *c)
{
	return (struct dialogue *)(void *)atomic_load_explicit(&c->dialect, memory_order_relaxed);
}

static HOT_IN(dialogue) void dialogue_begun(void *context, uint64_t t0, uint32_t requests)
{
	struct connection *c = context;

	if (c->dropped)
		return;
	if (!c->t0)
		c->t0 = t0;
	while (requests--)
		emit_begun();
}

static void dialogue_dropped(void *context, uint64_t requests)
{
	const struct connection *c = context;

	while (!c->dropped && requests--)
		emit_refused();
}

static HOT_IN(dialogue) int32_t dialogue_open(void *context, uint64_t t0, uint16_t shape)
{
	const struct connection *c = context;
	int32_t open = c->dropped ? -1 : open_claim(c->id, t0);

	open_update(open, shape, RS_METHOD_OTHER, RS_OPEN_WAITING);
	return open;
}

static HOT_IN(dialogue) void dialogue_shut(void *context, int32_t open)
{
	(void)context;
	open_free(open);
}

static HOT_IN(dialogue) uint16_t
	dialogue_name(void *context, const uint8_t *name, size_t length, bool sure)
{
	(void)context;
	return sure ? shape_name(name, length) : shape_known(name, length);
}

static HOT_IN(dialogue) void dialogue_done(void *context, struct served *request)
{
	struct connection *c = context;

	request->connection = c->id;
	request->protocol = dialogue_of(c)->kind->protocol;
	if (!request->shape)
		request->flags |= RS_FLAG_DETAIL_CUT;
	if (c->dropped)
		return;
	emit_request(request);
	c->requests++;
}

static HOT_IN(dialogue) struct pairs_block *dialogue_lend(void *context)
{
	struct dialogue_block *b = pool_get(&dialogue_blocks);

	(void)context;
	return b ? &b->block : NULL;
}

static HOT_IN(dialogue) void dialogue_give_back(void *context, struct pairs_block *block)
{
	(void)context;
	pool_put(&dialogue_blocks, (uint8_t *)block - offsetof(struct dialogue_block, block));
}

const struct pairs_ops pairs_ops = {
	.now = connection_now,
	.begun = dialogue_begun,
	.dropped = dialogue_dropped,
	.open = dialogue_open,
	.shut = dialogue_shut,
	.name = dialogue_name,
	.done = dialogue_done,
	.unparsed = connection_unparsed,
	.lend = dialogue_lend,
	.give_back = dialogue_give_back,
};

static inline void dialogue_fetch(const char *at, uint32_t lines)
{
	while (lines--)
		__builtin_prefetch(at + (size_t)lines * 64, 1);
}

HOT_IN(dialogue) void dialogue_expect(void)
{
	const struct dialogue *d = here.dialogue;

	dialogue_fetch((const char *)d, DIALOGUE_LINES);
	dialogue_fetch((const char *)(&d->of.pairs + 1), DIALOGUE_PARSER_LINES);
}

static HOT_IN(dialogue) bool dialogue_move(struct connection *c, enum connection_way way,
					   const uint8_t *at, size_t n)
{
	struct pairs_call call = { .context = c };
	struct dialogue *d = dialogue_of(c);
	const uint8_t *end;
	bool more;

	if (!at)
		return pairs_lose(&d->of.pairs, &call, RS_UNPARSED_UNSEEN_IO);
	end = at + n;
	here.dialogue = d;
	if (way == CONNECTION_READ)
		more = d->kind->read(&d->of.pairs, &call, &at, n);
	else
		more = d->kind->write(&d->of.pairs, &call, at, n);
	if (!d->of.pairs.encrypted)
		return more;
	c->inside = d->kind->protocol;
	more = connection_restart(c, way);
	if (more && way == CONNECTION_READ && at < end) /* the hello came with the wish for it */
		hello_read(&c->exchange.hello, at, (size_t)(end - at));
	return more;
}

static HOT_IN(dialogue) bool dialogue_declines(struct connection *c, const uint8_t *at, size_t n)
{
	struct pairs_call call = { .context = c };
	struct dialogue *d = dialogue_of(c);

	if (!n || !d->kind->declines(&d->of.pairs, at, n))
		return false;
	pairs_lose(&d->of.pairs, &call, RS_UNPARSED_GARBAGE);
	/* An inline command in memcached's words, to Redis: what was read of it is gone. */
	if (d->kind->protocol == RS_PROTOCOL_MEMCACHED && redis_answers(at[0]))
		emit_unparsed(RS_UNPARSED_AMBIGUOUS);
	return true;
}

/* Its caller tells why. */
static void dialogue_lose(struct connection *c, enum connection_way way)
{
	(void)way;
	atomic_store_explicit(&dialogue_of(c)->of.pairs.lost, true, memory_order_relaxed);
}

static uint32_t dialogue_waiting(const struct connection *c)
{
	return pairs_waiting(&dialogue_of(c)->of.pairs);
}

static uint32_t dialogue_adopt(struct connection *c)
{
	struct dialogue *d = dialogue_of(c);

	return d->kind->adopt(&d->of.pairs);
}

static void dialogue_end(struct connection *c)
{
	struct pairs_call call = { .context = c };
	struct dialogue *d = dialogue_of(c);

	d->kind->close(&d->of.pairs, &call,
		       atomic_load_explicit(&c->exchange.client_gone, memory_order_relaxed) != 0);
}

static void dialogue_close(struct connection *c)
{
	struct dialogue *d = dialogue_of(c);

	atomic_store_explicit(&c->dialect, NULL, memory_order_relaxed);
	pool_put(&dialogue_pool, d);
}

static uint8_t dialogue_protocol(const struct connection *c)
{
	const struct dialogue *d = dialogue_of(c);

	return pairs_is_confirmed(&d->of.pairs) ? d->kind->protocol : RS_PROTOCOL_UNKNOWN;
}

static const struct dialect_ops dialogue_ops = {
	.move = dialogue_move,
	.declines = dialogue_declines,
	.lose = dialogue_lose,
	.waiting = dialogue_waiting,
	.adopt = dialogue_adopt,
	.end = dialogue_end,
	.close = dialogue_close,
	.protocol = dialogue_protocol,
};

/* What was read of the connection so far: the beginning may be kept, the rest is in place. */
struct dialogue_input {
	const uint8_t *kept;
	size_t kept_bytes;
	const uint8_t *at;
	const uint8_t *end;
};

/*
 * exchange_read went as far as call->rest and refused the line before it; http1 has the length of
 * that line, without its end, and its first bytes.
 */
static bool dialogue_input(const struct connection *c, const uint8_t *at, size_t n,
			   const struct exchange_call *call, struct dialogue_input *out)
{
	const struct http1 *in = &c->exchange.in;
	const uint8_t *rest = call->rest;
	size_t passed, line = in->line;

	if (rest < at || rest > at + n)
		return false;
	passed = (size_t)(rest - at);
	if (passed && rest[-1] == '\n') {
		line++;
		line += passed > 1 ? rest[-2] == '\r' : in->tail[HTTP1_TAIL - 1] == '\r';
	}
	out->kept = in->text;
	out->kept_bytes = line > passed ? line - passed : 0;
	out->at = rest - (line - out->kept_bytes);
	out->end = at + n;
	return out->kept_bytes <= HTTP1_KEPT;
}

static const struct kind *dialogue_kind_of(const struct dialogue_input *in)
{
	uint8_t head[DIALOGUE_HEAD];
	size_t kept = in->kept_bytes < sizeof(head) ? in->kept_bytes : sizeof(head);
	size_t more = (size_t)(in->end - in->at);

	if (more > sizeof(head) - kept)
		more = sizeof(head) - kept;
	memcpy(head, in->kept, kept);
	memcpy(head + kept, in->at, more);
	return kind_of_client(head, kept + more);
}

static bool dialogue_take(struct connection *c, const struct kind *kind)
{
	struct dialogue *d = pool_get(&dialogue_pool);

	if (!d) {
		emit_unparsed(RS_UNPARSED_NO_MEMORY);
		return false;
	}
	d->dialect.ops = &dialogue_ops;
	d->kind = kind;
	kind->init(&d->of.pairs);
	if (dialect_take(c, &d->dialect))
		return true;
	pool_put(&dialogue_pool, d);
	return false;
}

/* Nothing may have been written before: who is spoken to first asks. */
static bool dialogue_may_begin(const struct connection *c, const struct exchange_call *call)
{
	const struct exchange *x = &c->exchange;

	return x->no_http && call->rest && !frame_is_preface(x->in.text, x->in.line) &&
	       atomic_load_explicit(&x->trust, memory_order_relaxed) == EXCHANGE_ACCEPTED &&
	       !atomic_load_explicit(&c->bytes[CONNECTION_WRITE], memory_order_relaxed);
}

bool dialogue_begins(struct connection *c, const uint8_t *at, size_t n,
		     const struct exchange_call *call, bool *more)
{
	const struct kind *kind;
	struct dialogue_input in;

	if (!dialogue_may_begin(c, call) || !dialogue_input(c, at, n, call, &in))
		return false;
	kind = dialogue_kind_of(&in);
	if (!kind || !dialogue_take(c, kind))
		return false;
	*more = (!in.kept_bytes || dialogue_move(c, CONNECTION_READ, in.kept, in.kept_bytes)) &&
		dialogue_move(c, CONNECTION_READ, in.at, (size_t)(in.end - in.at));
	return true;
}

bool dialogue_greets(struct connection *c, const uint8_t *at, size_t n, bool *more)
{
	const struct kind *kind = kind_of_server(at, n);

	if (!kind || !dialogue_take(c, kind))
		return false;
	*more = dialogue_move(c, CONNECTION_WRITE, at, n);
	return true;
}

void dialogue_goes_on(struct connection *c)
{
	const struct kind *kind = kind_inside(c->inside);

	if (kind && !c->dialect)
		dialogue_take(c, kind);
}
