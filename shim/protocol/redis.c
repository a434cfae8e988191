#include "redis.h"

#include "hot.h"

#include <string.h>

#define REDIS_BREAKS 1 /* a run's mark */

void redis_init(struct redis *r)
{
	pairs_init(&r->pairs);
	memset((uint8_t *)r + sizeof(r->pairs), 0, sizeof(*r) - sizeof(r->pairs));
	resp_init(&r->in);
	resp_init(&r->out);
}

static bool redis_is_letter(uint8_t c)
{
	return (uint8_t)((c | 0x20) - 'a') < 26;
}

/* Inline commands begin with a word of letters; what they are shows in their answer. */
bool redis_begins(const uint8_t *at, size_t n)
{
	if (n && at[0] == '*')
		return resp_is_request(at, n);
	for (size_t i = 0; i < n && i <= RESP_NAME_BYTES; i++) {
		if (at[i] == ' ' || at[i] == '\r' || at[i] == '\n')
			return i != 0;
		if (!redis_is_letter(at[i]))
			return false;
	}
	return n && n <= RESP_NAME_BYTES;
}

HOT_IN(dialogue_redis) bool redis_answers(uint8_t first)
{
	static const char types[] = "+-:$*_#,(!=%~>|";

	for (size_t i = 0; i < sizeof(types) - 1; i++)
		if (first == (uint8_t)types[i])
			return true;
	return false;
}

HOT_IN(dialogue_redis) bool redis_declines(const struct redis *r, const uint8_t *at, size_t n)
{
	return !pairs_is_confirmed(&r->pairs) && r->out.step == RESP_AT_START && n &&
	       !redis_answers(at[0]);
}

static HOT_IN(dialogue_redis) void redis_ask(struct redis *r, struct pairs_call *call)
{
	const struct resp *in = &r->in;
	struct pairs_ask ask = {
		.t0 = r->t0,
		.bytes_in = r->bytes_in,
		.name = in->name,
		.name_length = in->nameless ? 0 : in->name_length,
	};

	if (r->unpaired) {
		if (pairs_is_confirmed(&r->pairs))
			pairs_ops.unparsed(call->context, RS_UNPARSED_UNPAIRED);
		return;
	}
	if (resp_breaks_pairs(ask.name, ask.name_length)) {
		ask.mark = REDIS_BREAKS;
		r->unpaired = true;
	}
	pairs_ask(&r->pairs, call, &ask);
}

HOT_IN(dialogue_redis)
bool redis_read(struct redis *r, struct pairs_call *call, const uint8_t *at, size_t n)
{
	const uint8_t *end = at + n;
	enum resp_event event;

	if (pairs_is_lost(&r->pairs))
		return false;
	do {
		const uint8_t *from = at;

		event = resp_request(&r->in, &at, end);
		r->bytes_in += (uint64_t)(at - from);
		if (event == RESP_BEGIN) {
			r->t0 = pairs_now(call);
			r->bytes_in = 0;
		} else if (event == RESP_END) {
			redis_ask(r, call);
		} else if (event == RESP_BAD) {
			pairs_flush(&r->pairs, call);
			return pairs_lose(&r->pairs, call, r->in.why);
		}
	} while (event != RESP_MORE);
	pairs_flush(&r->pairs, call);
	return !pairs_is_lost(&r->pairs);
}

static HOT_IN(dialogue_redis) bool redis_is(const struct pairs_run *run, const char *name)
{
	size_t n = strlen(name);

	return run->name_length == n && !memcmp(run->name, name, n);
}

static HOT_IN(dialogue_redis) uint16_t redis_status(uint8_t error)
{
	switch (error) {
	case RESP_OK:
		return PAIRS_OK;
	case RESP_ERROR_SERVER:
		return PAIRS_FAILED;
	case RESP_ERROR_MOVED:
		return PAIRS_ELSEWHERE;
	default:
		return PAIRS_REFUSED;
	}
}

static struct pairs_later *redis_queue_place(struct redis_queue *q, struct pairs_call *call)
{
	uint32_t at = (q->count + q->told) % (uint32_t)PAIRS_LATERS;
	struct pairs_block *block;

	if (q->beyond || q->count == REDIS_LATER_MOST)
		return NULL;
	if (!q->last || !at) {
		block = pairs_ops.lend(call->context);
		if (!block)
			return NULL;
		atomic_store_explicit(&block->next, NULL, memory_order_relaxed);
		if (q->last)
			atomic_store_explicit(&q->last->next, block, memory_order_relaxed);
		else
			q->first = block;
		q->last = block;
	}
	q->count++;
	return &q->last->laters[at];
}

static void redis_queue_put(struct redis *r, struct pairs_call *call, const struct pairs_answer *a)
{
	struct pairs_later beyond;
	struct pairs_later *later = redis_queue_place(&r->queue, call);

	pairs_postpone(&r->pairs, call, a, later ? later : &beyond);
	if (later)
		return;
	r->queue.beyond++;
	pairs_ops.unparsed(call->context, RS_UNPARSED_DEPTH);
}

static void redis_queue_leave(struct redis_queue *q, struct pairs_call *call)
{
	struct pairs_block *block = q->first;

	q->count--;
	if (++q->told < PAIRS_LATERS && q->count)
		return;
	q->told = 0;
	q->first = atomic_load_explicit(&block->next, memory_order_relaxed);
	if (!q->first)
		q->last = NULL;
	pairs_ops.give_back(call->context, block);
}

/* The oldest one was run. */
static void redis_queue_tell(struct redis *r, struct pairs_call *call, uint16_t status)
{
	struct pairs_later nameless = { .span = 0 };
	struct redis_queue *q = &r->queue;

	if (q->count) {
		pairs_tell(call, &q->first->laters[q->told], status);
		redis_queue_leave(q, call);
	} else if (q->beyond) {
		q->beyond--;
		pairs_tell(call, &nameless, status);
	}
}

static void redis_queue_drop(struct redis *r, struct pairs_call *call)
{
	struct redis_queue *q = &r->queue;
	uint64_t dropped = q->count + (uint64_t)q->beyond;

	while (q->count)
		redis_queue_leave(q, call);
	q->beyond = 0;
	if (dropped)
		pairs_ops.dropped(call->context, dropped);
}

/* What the answer says of the commands queued before. */
static HOT_IN(dialogue_redis) void redis_settle(struct redis *r, struct pairs_call *call,
						const struct pairs_run *run)
{
	if (redis_is(run, "EXEC")) {
		if (r->out.listed)
			redis_queue_tell(r, call, redis_status(r->out.item_error));
		redis_queue_drop(r, call);
	} else if (!r->out.error && (redis_is(run, "DISCARD") || redis_is(run, "RESET"))) {
		redis_queue_drop(r, call);
	}
}

/* A whole answer; false: no more of them can be told apart. */
static HOT_IN(dialogue_redis) bool redis_answer(struct redis *r, struct pairs_call *call)
{
	struct pairs_run *run = pairs_front(&r->pairs, call);
	struct pairs_answer a = {
		.first_byte = r->first_byte,
		.bytes_out = r->bytes_out,
		.status = redis_status(r->out.error),
		.unknown = r->out.error == RESP_ERROR_UNKNOWN,
	};

	if (!run) {
		if (pairs_is_confirmed(&r->pairs))
			pairs_ops.unparsed(call->context, RS_UNPARSED_UNASKED);
		return true;
	}
	pairs_confirm(&r->pairs);
	if (r->out.queued) {
		redis_queue_put(r, call, &a);
		return true;
	}
	redis_settle(r, call, run);
	r->streaming = run->mark == REDIS_BREAKS;
	if (r->streaming && !r->out.error)
		a.flags = RS_FLAG_UPGRADED;
	pairs_answer(&r->pairs, call, &a);
	return !r->streaming;
}

static HOT_IN(dialogue_redis) bool redis_write_event(struct redis *r, struct pairs_call *call,
						     enum resp_event event)
{
	const struct pairs_run *run;

	switch (event) {
	case RESP_BEGIN:
		run = pairs_front(&r->pairs, call);
		r->out.told = run && r->queue.count && redis_is(run, "EXEC");
		r->first_byte = pairs_now(call);
		r->bytes_out = 0;
		return true;
	case RESP_ITEM:
		redis_queue_tell(r, call, redis_status(r->out.item_error));
		return true;
	case RESP_PUSH: /* RESP3 confirms subscriptions by messages */
		run = pairs_front(&r->pairs, call);
		return !run || run->mark != REDIS_BREAKS || redis_answer(r, call);
	case RESP_END:
		return redis_answer(r, call);
	case RESP_BAD:
		return pairs_lose(&r->pairs, call, r->out.why);
	default:
		return true;
	}
}

HOT_IN(dialogue_redis)
bool redis_write(struct redis *r, struct pairs_call *call, const uint8_t *at, size_t n)
{
	const uint8_t *end = at + n;
	enum resp_event event;

	if (r->streaming || pairs_is_lost(&r->pairs))
		return false;
	do {
		const uint8_t *from = at;

		event = resp_reply(&r->out, &at, end);
		r->bytes_out += (uint64_t)(at - from);
		if (!redis_write_event(r, call, event))
			return false;
	} while (event != RESP_MORE);
	pairs_written(&r->pairs, call);
	return true;
}

uint32_t redis_adopt(struct redis *r)
{
	return pairs_adopt(&r->pairs) + r->queue.count + r->queue.beyond;
}

void redis_close(struct redis *r, struct pairs_call *call, bool client_gone)
{
	redis_queue_drop(r, call);
	pairs_close(&r->pairs, call, client_gone);
}
