#include "exchange.h"

#include "foreign.h"
#include "hot.h"
#include "known.h"

#include <ringside/abi.h>

#include <string.h>

void exchange_init(struct exchange *x, enum exchange_trust trust)
{
	memset(x, 0, offsetof(struct exchange, requests));
	http1_init(&x->in);
	http1_init(&x->out);
	exchange_set(x->trust, (uint8_t)trust);
	x->preface.step = PREFACE_FIRST;
}

static struct exchange_request *exchange_place(struct exchange_request *requests, uint32_t size,
					       const struct exchange_queue *q)
{
	return &requests[exchange_get(q->tail) & (size - 1)];
}

/* The reader's: while the block holds requests, new ones go there, so that all stay in order. */
static HOT struct exchange_request *exchange_push(struct exchange *x, struct exchange_call *call)
{
	struct exchange_block *more = exchange_get(x->more);
	struct exchange_queue *q = &x->queue;
	struct exchange_request *r = NULL;
	uint32_t inside = exchange_queued(q);
	uint32_t beyond = more ? exchange_queued(&more->queue) : 0;

	if (!beyond && inside < EXCHANGE_INLINE) {
		r = exchange_place(x->requests, EXCHANGE_INLINE, q);
	} else {
		if (!more) {
			more = exchange_ops.lend(call->context);
			/* E: release puts the empty block ahead of its use; pairs with F. */
			atomic_store_explicit(&x->more, more, memory_order_release);
		}
		if (!more || beyond == EXCHANGE_MORE)
			return NULL;
		q = &more->queue;
		r = exchange_place(more->requests, EXCHANGE_MORE, q);
	}
	exchange_set(r->bytes_in, 0);
	exchange_set(r->open, -1);
	exchange_set(r->shape, 0);
	exchange_set(r->method, RS_METHOD_OTHER);
	exchange_set(r->gone, false);
	r->begun = false;
	r->has_path = false;
	r->t0 = exchange_now(call);
	r->flags = inside || beyond ? RS_FLAG_PIPELINED : 0;
	if (exchange_get(x->trust) == EXCHANGE_HTTP) {
		exchange_set(r->open, exchange_ops.begun(call->context, r->t0));
		r->begun = true;
	}
	/* A: release puts the request ahead of its place in the queue; pairs with B. */
	atomic_store_explicit(&q->tail, exchange_get(q->tail) + 1, memory_order_release);
	return r;
}

/*
 * The writer's. The block is looked at first: if the inline part is seen empty after that, then
 * what the block holds is the oldest.
 */
static struct exchange_request *exchange_front(struct exchange *x, struct exchange_queue **q)
{
	/* F: acquire puts the look into the block behind its address; pairs with E. */
	struct exchange_block *more = atomic_load_explicit(&x->more, memory_order_acquire);
	uint32_t beyond = more ? exchange_queued(&more->queue) : 0;

	*q = &x->queue;
	if (exchange_queued(&x->queue))
		return &x->requests[exchange_get(x->queue.head) & (EXCHANGE_INLINE - 1)];
	if (!beyond)
		return NULL;
	*q = &more->queue;
	return &more->requests[exchange_get(more->queue.head) & (EXCHANGE_MORE - 1)];
}

static void exchange_announce(struct exchange_request *r, struct exchange_call *call)
{
	if (r->begun)
		return;
	r->begun = true;
	exchange_set(r->open, exchange_ops.begun(call->context, r->t0));
}

static inline void exchange_forget_answer(struct exchange *x)
{
	x->answering = NULL;
	x->answered = false;
	x->status = 0;
	x->first_byte = 0;
	x->bytes_out = 0;
}

HOT void exchange_finish(struct exchange *x, struct exchange_call *call, struct exchange_request *r,
			 struct exchange_queue *q, uint8_t flags)
{
	struct exchange_done done = {
		.request = { .t0 = r->t0,
			     .end = exchange_now(call),
			     .first_byte = x->first_byte,
			     .bytes_in = exchange_get(r->bytes_in),
			     .bytes_out = x->bytes_out,
			     .shape = exchange_get(r->shape),
			     .status = x->status,
			     .method = exchange_get(r->method),
			     .flags = r->flags | flags },
		.open = exchange_get(r->open),
		.has_path = r->has_path,
	};

	exchange_set(r->gone, true);
	if (r->begun)
		exchange_ops.done(call->context, &done);
	/* C: release puts the end of a request ahead of its place's reuse; pairs with D. */
	atomic_store_explicit(&q->head, exchange_get(q->head) + 1, memory_order_release);
	exchange_forget_answer(x);
}

static void exchange_step(struct exchange_call *call, const struct exchange_request *r,
			  uint8_t state)
{
	if (r && r->begun && !exchange_get(r->gone))
		exchange_ops.step(call->context, r, state);
}

/* The first line of a request. */
static void exchange_target(struct exchange *x, struct exchange_call *call)
{
	struct exchange_request *r = x->reading;

	if (!r || exchange_get(r->gone))
		return;
	if (exchange_get(x->trust) == EXCHANGE_ACCEPTED) {
		exchange_set(x->trust, EXCHANGE_HTTP);
		exchange_announce(r, call);
	}
	exchange_set(r->method, x->in.method);
	exchange_set(r->shape, exchange_ops.target(call->context, &x->in, &r->has_path));
}

/* What was read makes no sense: of a first request, then this is no HTTP at all. */
static RARE bool exchange_read_bad(struct exchange *x, struct exchange_call *call)
{
	if (exchange_get(x->trust) == EXCHANGE_HTTP) {
		exchange_ops.unparsed(call->context, x->in.why);
	} else if (x->in.why == RS_UNPARSED_GARBAGE) {
		if (x->reading) /* how much of it was read depends on the cuts */
			exchange_set(x->reading->bytes_in, 0);
		x->no_http = exchange_waiting(x) <= 1;
	}
	return false;
}

static RARE bool exchange_lost(struct exchange_call *call, struct http1 *p, enum rs_unparsed why)
{
	p->step = HTTP1_AT_BAD;
	p->why = (uint8_t)why;
	exchange_ops.unparsed(call->context, (uint8_t)why);
	return false;
}

static bool exchange_read_begin(struct exchange *x, struct exchange_call *call)
{
	x->reading = exchange_push(x, call);
	return x->reading || exchange_lost(call, &x->in, RS_UNPARSED_DEPTH);
}

/* What follows a CONNECT is HTTP/1.x if it was refused. */
static void exchange_go_on_refused(struct exchange *x)
{
	if (x->in.step != HTTP1_AT_CONNECT || !exchange_get(x->connect_refused))
		return;
	exchange_set(x->connect_refused, 0);
	x->in.step = HTTP1_AT_START;
	x->reading = NULL;
}

static bool exchange_read_event(struct exchange *x, struct exchange_call *call,
				enum http1_event event)
{
	switch (event) {
	case HTTP1_BEGIN:
		return exchange_read_begin(x, call);
	case HTTP1_TARGET:
		exchange_target(x, call);
		return true;
	case HTTP1_END:
		exchange_step(call, x->reading, RS_OPEN_WAITING);
		if (x->in.step != HTTP1_AT_CONNECT)
			x->reading = NULL;
		exchange_go_on_refused(x); /* it may be answered ahead of the end of its head */
		return true;
	case HTTP1_BAD:
		return exchange_read_bad(x, call);
	default:
		return true;
	}
}

/* All there was is consumed. */
static bool exchange_read_more(struct exchange *x, struct exchange_call *call)
{
	if (exchange_get(x->trust) != EXCHANGE_HTTP && foreign_begins(&x->in))
		return exchange_read_bad(x, call);
	exchange_step(call, x->reading,
		      x->in.step <= HTTP1_AT_FIELDS ? RS_OPEN_HEAD : RS_OPEN_BODY);
	return true;
}

static inline void exchange_add_in(struct exchange *x, uint64_t n)
{
	struct exchange_request *r = x->reading;

	if (r && !exchange_get(r->gone))
		exchange_set(r->bytes_in, exchange_get(r->bytes_in) + n);
}

static bool exchange_may_read(struct exchange *x)
{
	if (exchange_get(x->tunnel) || x->no_http || x->in.step == HTTP1_AT_BAD)
		return false;
	exchange_go_on_refused(x);
	return true;
}

HOT bool exchange_read(struct exchange *x, struct exchange_call *call, const uint8_t *at, size_t n)
{
	const struct known_start start = known_start_read(x, at);
	const uint8_t *end = at + n;

	if (!exchange_may_read(x))
		return false;
	if (__builtin_expect(x->preface.step != PREFACE_OVER, 0))
		return preface_pass(x, call, at, n);
	do {
		const uint8_t *from = at;
		enum http1_event event = http1_request(&x->in, &at, end);

		if (!x->reading && event != HTTP1_MORE && event != HTTP1_BEGIN &&
		    !exchange_read_begin(x, call))
			return false;
		exchange_add_in(x, (uint64_t)(at - from));
		call->rest = at;
		if (event == HTTP1_MORE)
			return exchange_read_more(x, call);
		if (!exchange_read_event(x, call, event))
			return false;
	} while (at < end || x->in.step != HTTP1_AT_START);
	known_keep_request(x, call, &start, end);
	return true;
}

/* What moved unseen was no body. Was it HTTP? An answer in plain sight will tell. */
static RARE bool exchange_unseen(struct exchange *x, struct exchange_call *call, struct http1 *p)
{
	p->why = RS_UNPARSED_UNSEEN_IO;
	x->no_http = exchange_get(x->trust) != EXCHANGE_HTTP;
	return !x->no_http && exchange_lost(call, p, RS_UNPARSED_UNSEEN_IO);
}

bool exchange_read_unseen(struct exchange *x, struct exchange_call *call, uint64_t n)
{
	uint64_t seen;

	if (!exchange_may_read(x))
		return false;
	seen = http1_skip(&x->in, n);
	exchange_add_in(x, seen);
	if (!exchange_read(x, call, x->in.text, 0))
		return false;
	return seen == n || exchange_unseen(x, call, &x->in);
}

static void exchange_write_begin(struct exchange *x, struct exchange_call *call)
{
	struct exchange_queue *q;

	if (!x->answered) {
		x->answering = exchange_front(x, &q);
		x->answered = true;
	}
	x->first_byte = exchange_now(call);
}

/* A status line was written: now it is known to be a server's, or what was read no request. */
static bool exchange_write_status(struct exchange *x, struct exchange_call *call)
{
	if (x->no_http && !foreign_is_refused(&x->in, x->out.status)) {
		x->out.step = HTTP1_AT_BAD;
		if (x->in.why == RS_UNPARSED_UNSEEN_IO) /* then a request was among it */
			exchange_ops.unparsed(call->context, RS_UNPARSED_UNSEEN_IO);
		return false;
	}
	if (!x->first_byte)
		exchange_write_begin(x, call);
	if (x->no_http) {
		x->no_http = false; /* a request all the same, only a bad one */
		exchange_ops.unparsed(call->context, x->in.why);
	}
	if (x->out.status >= 200 || x->out.status == 101)
		x->status = x->out.status;
	if (!x->answering && !preface_answers(x)) {
		exchange_ops.unparsed(call->context, exchange_get(x->trust) == EXCHANGE_UNKNOWN
							     ? RS_UNPARSED_MID_STREAM
							     : RS_UNPARSED_UNASKED);
		return true;
	}
	exchange_announce(x->answering, call);
	exchange_set(x->trust, EXCHANGE_HTTP);
	x->out.method = exchange_get(x->answering->method);
	return true;
}

/* An answer to nothing is left out; the front request, come meanwhile, waits for its own. */
static void exchange_write_end(struct exchange *x, struct exchange_call *call, uint8_t flags)
{
	struct exchange_queue *q;
	struct exchange_request *r = x->answering ? exchange_front(x, &q) : NULL;

	if (!r) {
		exchange_forget_answer(x);
		return;
	}
	if (exchange_get(r->method) == RS_METHOD_CONNECT && !(flags & RS_FLAG_UPGRADED))
		exchange_set(x->connect_refused, 1);
	exchange_finish(x, call, r, q, flags);
}

static RARE bool exchange_write_bad(struct exchange *x, struct exchange_call *call)
{
	if (exchange_get(x->trust) == EXCHANGE_HTTP)
		exchange_ops.unparsed(call->context, x->out.why);
	return false;
}

static bool exchange_write_event(struct exchange *x, struct exchange_call *call,
				 enum http1_event event)
{
	switch (event) {
	case HTTP1_BEGIN:
		exchange_write_begin(x, call);
		return true;
	case HTTP1_STATUS:
		return exchange_write_status(x, call);
	case HTTP1_INTERIM:
		x->first_byte = 0;
		return true;
	case HTTP1_END:
		exchange_write_end(x, call, 0);
		return true;
	case HTTP1_TUNNEL:
		exchange_write_end(x, call, RS_FLAG_UPGRADED);
		exchange_set(x->tunnel, 1);
		return false; /* what follows is nobody's answer */
	case HTTP1_BAD:
		return exchange_write_bad(x, call);
	default:
		return true;
	}
}

/* What was read made no sense to us. A server that speaks HTTP/1.x says so too, by a 400. */
static bool exchange_may_answer(const struct exchange *x, const uint8_t *at, size_t n)
{
	static const char version[] = "HTTP/1.";

	if (exchange_get(x->trust) != EXCHANGE_ACCEPTED)
		return false;
	return x->out.step != HTTP1_AT_START ||
	       !memcmp(at, version, n < sizeof(version) - 1 ? n : sizeof(version) - 1);
}

HOT bool exchange_write(struct exchange *x, struct exchange_call *call, const uint8_t *at, size_t n)
{
	const uint8_t *end = at + n;
	const uint8_t *begin = known_start_write(x, at);

	if (exchange_get(x->tunnel) || x->out.step == HTTP1_AT_BAD)
		return false;
	if (x->no_http && !exchange_may_answer(x, at, n)) {
		x->out.step = HTTP1_AT_BAD;
		return false;
	}
	do {
		const uint8_t *from = at;
		enum http1_event event = http1_response(&x->out, &at, end);

		known_keep_answer(x, call, event, &begin, at);
		x->bytes_out += (uint64_t)(at - from);
		call->rest = at;
		if (event == HTTP1_MORE) {
			exchange_step(call, call->goes_on ? NULL : x->answering, RS_OPEN_ANSWERING);
			return true;
		}
		if (!exchange_write_event(x, call, event))
			return false;
	} while (at < end || x->out.step != HTTP1_AT_START);
	return true;
}

bool exchange_write_unseen(struct exchange *x, struct exchange_call *call, uint64_t n)
{
	uint64_t seen;

	if (exchange_get(x->tunnel) || x->no_http || x->out.step == HTTP1_AT_BAD)
		return false;
	seen = http1_skip(&x->out, n);
	x->bytes_out += seen;
	if (!exchange_write(x, call, x->out.text, 0))
		return false;
	return seen == n || exchange_unseen(x, call, &x->out);
}

void exchange_client_gone(struct exchange *x, bool reset)
{
	if (reset || !exchange_get(x->client_gone))
		exchange_set(x->client_gone, reset ? EXCHANGE_RESET : EXCHANGE_EOF);
}

void exchange_shutdown(struct exchange *x, struct exchange_call *call)
{
	if (x->out.step != HTTP1_AT_CLOSE || exchange_get(x->client_gone) == EXCHANGE_RESET)
		return;
	x->out.step = HTTP1_AT_BAD; /* nothing can follow */
	exchange_write_end(x, call, 0);
}

void exchange_close(struct exchange *x, struct exchange_call *call)
{
	const uint8_t cut =
		exchange_get(x->client_gone) ? RS_FLAG_CUT_BY_CLIENT : RS_FLAG_CUT_BY_SERVER;
	struct exchange_block *more;
	struct exchange_queue *q;
	struct exchange_request *r;

	preface_close(x, call);
	if (foreign_answers(&x->out))
		exchange_write_bad(x, call);
	exchange_shutdown(x, call);
	while ((r = exchange_front(x, &q))) {
		if (!r->begun && !x->no_http && exchange_get(x->trust) != EXCHANGE_UNKNOWN)
			exchange_announce(r, call);
		/* Its answer was not written to its end. */
		exchange_finish(x, call, r, q, x->answering && x->status ? cut : RS_FLAG_ABORTED);
	}
	more = atomic_exchange_explicit(&x->more, NULL, memory_order_relaxed);
	if (more)
		exchange_ops.give_back(call->context, more);
}

static uint32_t exchange_adopt_queue(const struct exchange_queue *q, struct exchange_request *r,
				     uint32_t size)
{
	uint32_t begun = 0;

	for (uint32_t i = exchange_get(q->head); i != exchange_get(q->tail); i++) {
		exchange_set(r[i & (size - 1)].open, -1);
		begun += r[i & (size - 1)].begun;
	}
	return begun;
}

uint32_t exchange_adopt(struct exchange *x)
{
	struct exchange_block *more = exchange_get(x->more);
	uint32_t begun = exchange_adopt_queue(&x->queue, x->requests, EXCHANGE_INLINE);

	return begun +
	       (more ? exchange_adopt_queue(&more->queue, more->requests, EXCHANGE_MORE) : 0);
}
