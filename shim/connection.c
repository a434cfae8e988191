/*
 * connection - from the bytes of a connection to what is emitted about it.
 *
 * Threads:  see connection.h.
 * Memory:   the first connections are static, so that a small server maps nothing.
 * Errors:   see connection.h.
 * Cost:     see connection.h.
 */
#include "connection.h"

#include "emit.h"
#include "heads.h"
#include "hot.h"
#include "known.h"
#include "mem.h"
#include "multiplex.h"
#include "open.h"
#include "pool.h"
#include "shape.h"
#include "turn.h"
#include "unseen.h"

#define CONNECTION_FIRST 32u
#define CONNECTION_CHUNK 256u
#define CONNECTION_MOST (1u << 20) /* one per descriptor of the table */
#define CONNECTION_BLOCK_CHUNK 16u
#define CONNECTION_BLOCK_MOST 1024u

#define CONNECTION_TURNS (offsetof(struct connection, quiet)) /* these lie ahead of the rest */

static struct connection connection_first[CONNECTION_FIRST];

struct connection_block {
	_Alignas(64) uint8_t link[64]; /* the pool's */
	struct exchange_block block;
};

static struct pool connection_pool = {
	.bytes = sizeof(struct connection),
	.chunk = CONNECTION_CHUNK,
	.most = CONNECTION_MOST,
};

static struct pool connection_blocks = {
	.bytes = sizeof(struct connection_block),
	.chunk = CONNECTION_BLOCK_CHUNK,
	.most = CONNECTION_BLOCK_MOST,
};

HOT_DATA _Atomic uint32_t connection_forks;

/* Not in the constructor: most processes never have a connection, and seven pages are not free. */
static struct connection *connection_take(void)
{
	static _Atomic uint32_t pooled;

	if (__builtin_expect(!atomic_load_explicit(&pooled, memory_order_relaxed), 0) &&
	    !atomic_exchange_explicit(&pooled, 1, memory_order_relaxed))
		pool_add(&connection_pool, (uint8_t *)connection_first, CONNECTION_FIRST);
	return pool_get(&connection_pool);
}

HOT_IN(all) uint64_t connection_now(void *context)
{
	(void)context;
	return clock_ticks();
}

HOT int32_t connection_begun(void *context, uint64_t t0)
{
	struct connection *c = context;

	if (c->dropped)
		return -1;
	if (!c->id)
		c->id = emit_opened();
	if (!c->t0)
		c->t0 = t0;
	emit_begun();
	return open_claim(c->id, t0);
}

HOT uint16_t connection_route(struct connection *c, const uint8_t *path, size_t length,
			      bool *has_path)
{
	bool fresh;
	uint16_t shape = shape_intern(path, length, &fresh);

	if (!fresh || atomic_load_explicit(&c->path_taken, memory_order_acquire))
		return shape;
	memcpy(c->path, path, length);
	c->path_length = (uint8_t)length;
	atomic_store_explicit(&c->path_taken, 1, memory_order_relaxed);
	*has_path = true;
	return shape;
}

static HOT uint16_t connection_target(void *context, const struct http1 *head, bool *has_path)
{
	if (!here.memo)
		heads_want();
	return connection_route(context, head->path, head->path_length, has_path);
}

static HOT void connection_step(void *context, const struct exchange_request *r, uint8_t state)
{
	struct connection *c = context;
	int32_t open = atomic_load_explicit(&r->open, memory_order_relaxed);

	if (state == RS_OPEN_ANSWERING)
		open_progress(open, state, c->exchange.bytes_out,
			      exchange_waiting(&c->exchange) - 1);
	else
		open_update(open, atomic_load_explicit(&r->shape, memory_order_relaxed),
			    atomic_load_explicit(&r->method, memory_order_relaxed), state);
}

HOT void connection_emit(struct connection *c, struct served *request, bool has_path)
{
	request->connection = c->id;
	if (has_path) {
		request->path = c->path;
		request->path_length = c->path_length;
	} else if (!request->shape) {
		request->flags |= RS_FLAG_DETAIL_CUT;
	}
	if (!c->dropped) {
		emit_request(request);
		c->requests++;
	}
	if (has_path)
		/* P: release puts our use of the path ahead of the next; pairs with the acquire. */
		atomic_store_explicit(&c->path_taken, 0, memory_order_release);
}

static HOT void connection_done(void *context, struct exchange_done *done)
{
	if (__builtin_expect(done->request.flags & RS_FLAG_UPGRADED, 0) &&
	    multiplex_upgrades(context, done))
		return;
	done->request.protocol = RS_PROTOCOL_HTTP1;
	connection_emit(context, &done->request, done->has_path);
	open_free(done->open);
}

RARE void connection_unparsed(void *context, uint8_t why)
{
	(void)context;
	emit_unparsed(why);
}

static RARE struct exchange_block *connection_lend(void *context)
{
	struct connection_block *b = pool_get(&connection_blocks);

	(void)context;
	if (!b)
		return NULL;
	memset(&b->block, 0, sizeof(b->block));
	return &b->block;
}

static RARE void connection_take_block(void *context, struct exchange_block *block)
{
	(void)context;
	pool_put(&connection_blocks, (uint8_t *)block - offsetof(struct connection_block, block));
}

const struct exchange_ops exchange_ops = {
	.now = connection_now,
	.begun = connection_begun,
	.target = connection_target,
	.step = connection_step,
	.done = connection_done,
	.unparsed = connection_unparsed,
	.lend = connection_lend,
	.give_back = connection_take_block,
};

void connection_give_back(struct connection *c)
{
	pool_put(&connection_pool, c);
}

struct connection *connection_open(enum exchange_trust trust)
{
	struct connection *c;
	uint16_t serial;

	connection_end_waiting();
	c = connection_take();
	if (!c) {
		emit_unparsed(RS_UNPARSED_NO_MEMORY);
		return NULL;
	}
	serial = (uint16_t)(c->serial + 1);
	memset((uint8_t *)c + CONNECTION_TURNS, 0,
	       offsetof(struct connection, exchange) - CONNECTION_TURNS);
	c->serial = serial;
	atomic_store_explicit(&c->references, 1, memory_order_relaxed);
	c->generation = guard_generation();
	c->forks = atomic_load_explicit(&connection_forks, memory_order_relaxed);
	exchange_init(&c->exchange, trust);
	if (trust == EXCHANGE_ACCEPTED)
		c->id = emit_opened();
	/*
	 * connection_put has kept both turns: a thread that found the descriptor just before it was
	 * closed comes for one still, and must not have it before all is in place.
	 */
	connection_disown(c, CONNECTION_READ);
	connection_disown(c, CONNECTION_WRITE);
	return c;
}

uint32_t connection_adopt_requests(struct connection *c)
{
	return c->dialect ? c->dialect->ops->adopt(c) : exchange_adopt(&c->exchange);
}

RARE void connection_adopt(struct connection *c)
{
	c->generation = guard_generation();
	c->requests = 0;
	c->t0 = 0;
	if (c->id)
		c->id = emit_opened();
	for (uint32_t begun = connection_adopt_requests(c); begun; begun--)
		emit_begun();
}

/* Was nothing moved yet? A server of HTTP/2 may speak ahead of its client. */
static inline bool connection_is_fresh(const struct connection *c)
{
	return c->exchange.out.step == HTTP1_AT_START &&
	       !atomic_load_explicit(&c->bytes[CONNECTION_READ], memory_order_relaxed) &&
	       atomic_load_explicit(&c->exchange.trust, memory_order_relaxed) == EXCHANGE_ACCEPTED;
}

static HOT_IN(dialogue)
	__attribute__((noinline)) bool connection_part_dialect(struct connection *c,
							       struct exchange_call *call,
							       enum connection_way way,
							       const uint8_t *at, size_t n)
{
	if (way == CONNECTION_WRITE && !c->declined)
		c->declined = c->dialect->ops->declines(c, at, n);
	if (way == CONNECTION_WRITE && c->declined)
		return exchange_write(&c->exchange, call, at, n);
	return c->dialect->ops->move(c, way, at, n);
}

/* Its first bytes told what it is, or have not yet. */
static inline __attribute__((always_inline)) bool connection_part(struct connection *c,
								  struct exchange_call *call,
								  enum connection_way way,
								  const uint8_t *at, size_t n)
{
	bool more;

	/* N: acquire puts the use of the object behind its making; pairs with M. */
	if (__builtin_expect(atomic_load_explicit(&c->dialect, memory_order_acquire) != NULL, 0))
		return connection_part_dialect(c, call, way, at, n);
	if (way == CONNECTION_WRITE) {
		if (__builtin_expect(connection_is_fresh(c), 0) &&
		    dialect_begins(c, way, at, n, call, &more))
			return more;
		more = unseen_write(&c->exchange, call, at, n);
		if (__builtin_expect(!more && c->dialect, 0)) /* it was upgraded */
			more = c->dialect->ops->move(c, way, call->rest,
						     (size_t)(at + n - call->rest));
		return more;
	}
	more = exchange_read(&c->exchange, call, at, n);
	if (__builtin_expect(!more, 0))
		dialect_begins(c, way, at, n, call, &more);
	return more;
}

static HOT __attribute__((noinline)) bool connection_parse(struct connection *c,
							   enum connection_way way,
							   const struct iovec *iov, size_t bytes)
{
	struct exchange_call call = { .context = c, .memo = here.memo };
	struct exchange *x = &c->exchange;
	bool more = true;

	if (!iov && c->dialect && !(c->declined && way == CONNECTION_WRITE))
		return c->dialect->ops->move(c, way, NULL, bytes);
	if (!iov)
		return way == CONNECTION_READ
			       ? exchange_read_unseen(x, &call, bytes)
			       : unseen_note(x, exchange_write_unseen(x, &call, bytes));
	for (; bytes && more; iov++) {
		size_t part = iov->iov_len < bytes ? iov->iov_len : bytes;

		bytes -= part;
		call.goes_on = bytes > 0;
		more = connection_part(c, &call, way, iov->iov_base, part);
	}
	return more;
}

/* What is known by its head is done at once. */
static inline __attribute__((always_inline)) bool connection_knows(struct connection *c,
								   enum connection_way way,
								   const struct iovec *iov,
								   size_t bytes)
{
	size_t seen = iov ? iov->iov_len : 0;

	if (__builtin_expect(atomic_load_explicit(&c->dialect, memory_order_relaxed) != NULL, 0))
		return false;
	if (way == CONNECTION_WRITE)
		return known_write(&c->exchange, c, here.memo, iov ? iov->iov_base : NULL,
				   seen < bytes ? seen : bytes, bytes);
	return iov && seen >= bytes && known_read(&c->exchange, c, here.memo, iov->iov_base, bytes);
}

static RARE void connection_race(struct connection *c, enum connection_way way)
{
	struct http1 *parser = way == CONNECTION_READ ? &c->exchange.in : &c->exchange.out;

	if (parser->step == HTTP1_AT_BAD && !c->dialect)
		return;
	parser->step = HTTP1_AT_BAD;
	if (c->dialect)
		c->dialect->ops->lose(c, way);
	emit_unparsed(RS_UNPARSED_RACE);
}

static inline __attribute__((always_inline)) void
connection_take_in(struct connection *c, enum connection_way way, size_t bytes)
{
	connection_touch(c);
	atomic_store_explicit(&c->bytes[way],
			      atomic_load_explicit(&c->bytes[way], memory_order_relaxed) + bytes,
			      memory_order_relaxed);
	if (__builtin_expect(atomic_load_explicit(&c->raced[way], memory_order_relaxed), 0))
		connection_race(c, way);
}

HOT bool connection_pass(struct connection *c, enum connection_way way, const struct iovec *iov,
			 size_t bytes)
{
	connection_take_in(c, way, bytes);
	return connection_knows(c, way, iov, bytes) || connection_parse(c, way, iov, bytes);
}

/* What is not known; that which is shall not save registers for it. */
static HOT __attribute__((noinline)) bool connection_learn(struct connection *c,
							   enum connection_way way,
							   const struct iovec *iov, size_t bytes)
{
	bool prefaced = c->exchange.preface.step == PREFACE_OVER;
	bool more = connection_parse(c, way, iov, bytes);

	if (__builtin_expect(connection_may_be_tls(c), 0)) {
		if (way == CONNECTION_READ)
			connection_hear(c, prefaced, iov, bytes);
		more = more || hello_is_heard(&c->exchange.hello);
	}
	if (!more && !connection_is_tunnel(c))
		atomic_store_explicit(&c->quiet[way], 1, memory_order_relaxed);
	return more || !c->exchange.no_http || c->dialect ||
	       atomic_load_explicit(&c->exchange.trust, memory_order_relaxed) != EXCHANGE_UNKNOWN;
}

HOT_IN(all)
bool connection_move(struct connection *c, enum connection_way way, const struct iovec *iov,
		     size_t bytes)
{
	bool stays;

	if (!connection_own(c, way))
		return true;
	connection_take_in(c, way, bytes);
	stays = (!connection_may_be_tls(c) && connection_knows(c, way, iov, bytes)) ||
		connection_learn(c, way, iov, bytes);
	connection_disown(c, way);
	return stays;
}

/*
 * No answer can come any more. Its requests end here and not at the close, since a process that
 * serves one connection as a rule exits without one.
 */
static void connection_break(struct connection *c)
{
	struct exchange_call call = { .context = c };

	if (!connection_try(c, CONNECTION_READ))
		return;
	if (connection_try(c, CONNECTION_WRITE)) {
		exchange_close(&c->exchange, &call);
		connection_disown(c, CONNECTION_WRITE);
	}
	connection_disown(c, CONNECTION_READ);
}

void connection_gone(struct connection *c, bool reset)
{
	connection_touch(c);
	exchange_client_gone(&c->exchange, reset);
	if ((reset || c->shut) && exchange_waiting(&c->exchange))
		connection_break(c);
}

void connection_shutdown(struct connection *c)
{
	struct exchange_call call = { .context = c };

	if (!connection_own(c, CONNECTION_WRITE))
		return;
	connection_touch(c);
	c->shut = true;
	exchange_shutdown(&c->exchange, &call);
	connection_disown(c, CONNECTION_WRITE);
}

static void connection_lose_way(struct connection *c, enum connection_way way, struct http1 *parser)
{
	if (!connection_own(c, way))
		return;
	parser->step = HTTP1_AT_BAD;
	parser->why = RS_UNPARSED_UNSEEN_IO;
	if (c->dialect)
		c->dialect->ops->lose(c, way);
	atomic_store_explicit(&c->quiet[way], 1, memory_order_relaxed);
	connection_disown(c, way);
}

void connection_lose(struct connection *c)
{
	connection_touch(c);
	if (c->exchange.in.step == HTTP1_AT_BAD && c->exchange.in.why == RS_UNPARSED_UNSEEN_IO)
		return; /* as a rule there are two streams on a connection */
	connection_lose_way(c, CONNECTION_READ, &c->exchange.in);
	connection_lose_way(c, CONNECTION_WRITE, &c->exchange.out);
	emit_unparsed(RS_UNPARSED_UNSEEN_IO);
}
