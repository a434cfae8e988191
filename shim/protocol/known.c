#include "known.h"

#include "fields.h"
#include "hot.h"

#include <ringside/abi.h>

/* Nothing is open but requests and answers of HTTP/1.x, and never were there more than inside. */
static inline bool known_is_plain(const struct exchange *x)
{
	return exchange_get(x->trust) == EXCHANGE_HTTP && !exchange_get(x->tunnel) && !x->no_http &&
	       !exchange_get(x->more);
}

static inline bool known_may_read(const struct exchange *x)
{
	/* D: as in exchange, a new request goes into a place behind the end of the old. */
	return x->in.step == HTTP1_AT_START && known_is_plain(x) &&
	       x->preface.step == PREFACE_OVER &&
	       exchange_get(x->queue.tail) ==
		       atomic_load_explicit(&x->queue.head, memory_order_acquire);
}

HOT bool known_read(struct exchange *x, void *context, struct memo *memo, const uint8_t *at,
		    size_t n)
{
	const struct memo_said *said;
	struct exchange_request *r;
	uint32_t tail;

	if (!memo || !known_may_read(x))
		return false;
	said = memo_request(memo, at, n);
	if (!said)
		return false;
	tail = exchange_get(x->queue.tail);
	r = &x->requests[tail & (EXCHANGE_INLINE - 1)];
	r->t0 = exchange_ops.now(context);
	exchange_set(r->bytes_in, n);
	exchange_set(r->shape, said->shape);
	exchange_set(r->method, said->method);
	exchange_set(r->gone, false);
	r->flags = 0;
	r->begun = true;
	r->has_path = false;
	exchange_set(r->open, exchange_ops.begun(context, r->t0));
	exchange_ops.step(context, r, RS_OPEN_WAITING);
	/* A: as in exchange, the request is ahead of its place in the queue. */
	atomic_store_explicit(&x->queue.tail, tail + 1, memory_order_release);
	return true;
}

/* The one that waits; NULL: there are more, or none. */
static inline struct exchange_request *known_front(struct exchange *x)
{
	uint32_t head = exchange_get(x->queue.head);
	struct exchange_request *r = &x->requests[head & (EXCHANGE_INLINE - 1)];

	/* B: as in exchange, the look at a request is behind its place in the queue. */
	if (atomic_load_explicit(&x->queue.tail, memory_order_acquire) - head != 1 || !r->begun ||
	    exchange_get(r->method) == RS_METHOD_CONNECT)
		return NULL;
	return r;
}

/* Bytes of the answer that begins here. 0: it is not known, or these are more. */
static inline uint64_t known_answer(struct exchange *x, void *context, struct memo *memo,
				    const struct exchange_request *r, const uint8_t *at,
				    size_t seen, uint64_t n)
{
	const struct memo_said *said;

	if (x->answered || !memo)
		return 0;
	said = memo_answer(memo, exchange_get(r->shape), exchange_get(r->method), at, seen);
	if (!said || n - said->length > said->body)
		return 0;
	x->first_byte = exchange_ops.now(context);
	x->status = said->status;
	return said->length + said->body;
}

HOT bool known_write(struct exchange *x, void *context, struct memo *memo, const uint8_t *at,
		     size_t seen, uint64_t n)
{
	struct exchange_request *r = known_front(x);
	struct exchange_call call = { .context = context };
	uint64_t left = x->out.left;

	if (!r || !known_is_plain(x))
		return false;
	if (x->out.step == HTTP1_AT_START) {
		left = known_answer(x, context, memo, r, at, seen, n);
		call.now = x->first_byte; /* the same time if this is all of the answer */
	} else if (x->out.step != HTTP1_AT_BODY || x->answering != r) {
		return false;
	}
	if (!left || n > left)
		return false;
	left -= n;
	x->bytes_out += n;
	x->out.left = left;
	if (!left) {
		x->out.step = HTTP1_AT_START;
		exchange_finish(x, &call, r, &x->queue, 0);
		return true;
	}
	x->out.step = HTTP1_AT_BODY;
	x->answered = true;
	x->answering = r;
	x->waiting = 1;
	exchange_ops.step(context, r, RS_OPEN_ANSWERING);
	return true;
}

struct known_start known_start_read(const struct exchange *x, const uint8_t *at)
{
	return (struct known_start){ known_may_read(x) ? at : NULL, exchange_get(x->queue.tail) };
}

void known_keep_request(const struct exchange *x, const struct exchange_call *call,
			const struct known_start *start, const uint8_t *end)
{
	const struct exchange_request *r = &x->requests[start->tail & (EXCHANGE_INLINE - 1)];
	struct memo_said said = { .method = x->in.method, .shape = exchange_get(r->shape) };

	/* A path that is told with its request is new; of the next like it the shape tells. */
	if (!call->memo || !start->at || *start->at <= ' ' || r->has_path || !said.shape ||
	    exchange_get(x->queue.tail) != start->tail + 1 || x->in.fields & FIELDS_CHUNKED)
		return;
	said.body = (uint64_t)(end - x->in.behind);
	memo_keep_request(call->memo, &said, start->at, (size_t)(x->in.behind - start->at));
}

const uint8_t *known_start_write(struct exchange *x, const uint8_t *at)
{
	x->out.behind = NULL;
	return x->out.step == HTTP1_AT_START ? at : NULL;
}

static void known_keep_head(const struct exchange *x, const struct exchange_call *call,
			    enum http1_event event, const uint8_t *start, const uint8_t *at)
{
	const struct exchange_request *r = x->answering;
	bool goes_on = event == HTTP1_MORE && x->out.step == HTTP1_AT_BODY;
	struct memo_said said = { .status = x->out.status };

	if (!call->memo || !r || *start <= ' ' || x->out.fields & FIELDS_CHUNKED ||
	    (event != HTTP1_END && !goes_on))
		return;
	said.method = exchange_get(r->method);
	said.shape = exchange_get(r->shape);
	said.body = (uint64_t)(at - x->out.behind) + (goes_on ? x->out.left : 0);
	memo_keep_answer(call->memo, &said, start, (size_t)(x->out.behind - start));
}

void known_keep_answer(const struct exchange *x, const struct exchange_call *call,
		       enum http1_event event, const uint8_t **start, const uint8_t *at)
{
	if (!*start || !x->out.behind)
		return;
	known_keep_head(x, call, event, *start, at);
	*start = NULL;
}
