#include "pairs.h"

#include "hot.h"

#include <string.h>

#define pairs_get(field) atomic_load_explicit(&(field), memory_order_relaxed)
#define pairs_set(field, value) atomic_store_explicit(&(field), (value), memory_order_relaxed)

void pairs_init(struct pairs *p)
{
	memset(p, 0, offsetof(struct pairs, first));
	memset(&p->nameless, 0, sizeof(p->nameless));
	pairs_set(p->first.next, NULL);
	p->reading.block = &p->first;
	p->answering.block = &p->first;
	p->nameless.open = -1;
	p->nameless.begun = true;
	p->nameless.count = 1;
}

static HOT_IN(dialogue) uint64_t pairs_queued(const struct pairs *p)
{
	/* A: acquire puts the look at a run behind its place in the queue; pairs with B. */
	uint64_t tail = atomic_load_explicit(&p->tail, memory_order_acquire);

	/* C: acquire puts a new run into a place behind the end of the old; pairs with D. */
	return tail - atomic_load_explicit(&p->head, memory_order_acquire);
}

/* Runs, and one for all that are beyond. */
uint32_t pairs_waiting(const struct pairs *p)
{
	return (uint32_t)pairs_queued(p) + (pairs_get(p->beyond) != 0);
}

/* Nobody is in a place: the writer learns of it by the number of the run that takes the first. */
static inline void pairs_turn(struct pairs *p)
{
	pairs_set(p->turned, pairs_get(p->tail));
	p->reading = (struct pairs_end){ .block = &p->first };
}

static HOT_IN(dialogue) struct pairs_run *pairs_place(struct pairs *p, struct pairs_call *call)
{
	uint64_t queued = pairs_queued(p);
	struct pairs_block *next;

	if (!queued)
		pairs_turn(p);
	if (queued >= PAIRS_MOST)
		return NULL;
	if (p->reading.at == PAIRS_RUNS) {
		next = pairs_ops.lend(call->context);
		if (!next)
			return NULL;
		pairs_set(next->next, NULL);
		/* E: release puts the empty block ahead of its use; pairs with F. */
		atomic_store_explicit(&p->reading.block->next, next, memory_order_release);
		p->reading = (struct pairs_end){ .block = next };
	}
	return &p->reading.block->runs[p->reading.at++];
}

/* The one that is answered next is listed as in progress, no other of its connection. */
static HOT_IN(dialogue) void pairs_list(struct pairs_call *call, struct pairs_run *run)
{
	if (run->open >= 0 || !run->t0)
		return;
	if (!run->shape)
		run->shape = pairs_ops.name(call->context, run->name, run->name_length, false);
	run->open = pairs_ops.open(call->context, run->t0, run->shape);
}

static bool pairs_is_aside(const struct pairs_run *run)
{
	return run->mark & PAIRS_ASIDE;
}

static HOT_IN(dialogue) void pairs_publish(struct pairs *p, struct pairs_call *call)
{
	struct pairs_run *run = p->fresh;

	if (!run)
		return;
	p->fresh = NULL;
	run->begun = pairs_is_confirmed(p) && !pairs_is_aside(run);
	if (run->begun)
		pairs_ops.begun(call->context, run->t0, run->count);
	if (run->begun && !pairs_queued(p))
		pairs_list(call, run);
	/* B: release puts the run ahead of its place in the queue; pairs with A. */
	atomic_store_explicit(&p->tail, pairs_get(p->tail) + 1, memory_order_release);
}

/* No room: only how many they are is kept. */
static void pairs_ask_beyond(struct pairs *p, struct pairs_call *call)
{
	if (!pairs_is_confirmed(p)) {
		pairs_lose(p, call, RS_UNPARSED_DEPTH);
		return;
	}
	pairs_ops.begun(call->context, 0, 1);
	pairs_ops.unparsed(call->context, RS_UNPARSED_DEPTH);
	atomic_fetch_add_explicit(&p->beyond, 1, memory_order_relaxed);
}

static HOT_IN(dialogue) bool pairs_goes_on(const struct pairs_run *run, const struct pairs_ask *ask)
{
	return run && run->t0 == ask->t0 && run->bytes_in == ask->bytes_in &&
	       run->mark == ask->mark && run->name_length == ask->name_length &&
	       !memcmp(run->name, ask->name, ask->name_length);
}

static uint32_t pairs_saturate(uint64_t n)
{
	return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

HOT_IN(dialogue)
void pairs_ask(struct pairs *p, struct pairs_call *call, const struct pairs_ask *ask)
{
	struct pairs_run *run;

	if (pairs_goes_on(p->fresh, ask)) {
		p->fresh->count++;
		p->asked += !pairs_is_aside(p->fresh);
		return;
	}
	pairs_publish(p, call);
	/* Behind those beyond there is no place in the queue: it is older than they are. */
	run = pairs_get(p->beyond) ? NULL : pairs_place(p, call);
	if (!run) {
		pairs_ask_beyond(p, call);
		return;
	}
	run->t0 = ask->t0;
	run->bytes_in = pairs_saturate(ask->bytes_in);
	run->count = 1;
	run->open = -1;
	run->shape = 0;
	run->flags = p->asked != pairs_get(p->over) ? RS_FLAG_PIPELINED : 0;
	run->mark = ask->mark;
	run->named = false;
	run->name_length = ask->name_length;
	memcpy(run->name, ask->name, ask->name_length);
	p->asked += !pairs_is_aside(run);
	p->fresh = run;
}

HOT_IN(dialogue) bool pairs_mark(struct pairs *p, uint8_t from, uint8_t to)
{
	if (!p->fresh || p->fresh->mark != from || p->fresh->count != 1)
		return false;
	p->fresh->mark = to;
	return true;
}

HOT_IN(dialogue) void pairs_flush(struct pairs *p, struct pairs_call *call)
{
	pairs_publish(p, call);
}

static HOT_IN(dialogue) void pairs_say(struct pairs_call *call, struct served *request, bool begun)
{
	if (!begun)
		pairs_ops.begun(call->context, request->t0, 1);
	pairs_ops.done(call->context, request);
}

void pairs_unanswered(struct pairs *p, struct pairs_call *call, const struct pairs_ask *ask)
{
	struct served request = {
		.t0 = ask->t0,
		.end = pairs_now(call),
		.bytes_in = ask->bytes_in,
		.shape = pairs_ops.name(call->context, ask->name, ask->name_length, true),
		.status = PAIRS_OK,
	};

	(void)p;
	pairs_say(call, &request, false);
}

/* Where the writer goes on for the front run. */
static inline struct pairs_end pairs_answering(const struct pairs *p)
{
	if (pairs_get(p->turned) == pairs_get(p->head))
		return (struct pairs_end){ .block = (struct pairs_block *)(uintptr_t)&p->first };
	if (p->answering.at < PAIRS_RUNS)
		return p->answering;
	/* F: acquire puts the look into the block behind its address; pairs with E. */
	return (struct pairs_end){ .block = atomic_load_explicit(&p->answering.block->next,
								 memory_order_acquire) };
}

static HOT_IN(dialogue) struct pairs_run *pairs_front_run(struct pairs *p, struct pairs_call *call)
{
	struct pairs_block *old = p->answering.block;

	p->answering = pairs_answering(p);
	if (old != &p->first && old != p->answering.block)
		pairs_ops.give_back(call->context, old);
	return &p->answering.block->runs[p->answering.at];
}

HOT_IN(dialogue) struct pairs_run *pairs_front(struct pairs *p, struct pairs_call *call)
{
	if (pairs_queued(p))
		return pairs_front_run(p, call);
	return pairs_get(p->beyond) ? &p->nameless : NULL;
}

void pairs_confirm(struct pairs *p)
{
	if (!pairs_is_confirmed(p))
		pairs_set(p->confirmed, true);
}

/* One of the front run is over. */
static HOT_IN(dialogue) void pairs_leave(struct pairs *p, struct pairs_call *call,
					 struct pairs_run *run)
{
	if (run == &p->nameless) {
		atomic_fetch_sub_explicit(&p->beyond, 1, memory_order_relaxed);
		return;
	}
	if (!pairs_is_aside(run))
		pairs_set(p->over, pairs_get(p->over) + 1);
	if (++p->answered < run->count)
		return;
	pairs_ops.shut(call->context, run->open);
	p->answered = 0;
	p->answering.at++;
	/* D: release puts the end of a run ahead of its place's reuse; pairs with C. */
	atomic_store_explicit(&p->head, pairs_get(p->head) + 1, memory_order_release);
}

/* Told from now on: an answer says that the server knows it, or that it does not. */
static HOT_IN(dialogue) uint16_t
	pairs_shape(struct pairs_call *call, struct pairs_run *run, const struct pairs_answer *a)
{
	static const uint8_t unknown[] = PAIRS_UNKNOWN;
	uint16_t shape = 0;

	if (!run->t0 && !run->name_length)
		return 0;
	if (a->shaped)
		return a->shape;
	if (a->unknown && run->name_length) /* for another client it may have known it */
		shape = pairs_ops.name(call->context, run->name, run->name_length, false);
	if (shape)
		return shape;
	if (a->unknown || !run->name_length)
		return pairs_ops.name(call->context, unknown, sizeof(unknown) - 1, true);
	if (!run->named && !run->shape)
		run->shape = pairs_ops.name(call->context, run->name, run->name_length, true);
	run->named = true;
	return run->shape;
}

static uint8_t pairs_flags(const struct pairs *p, const struct pairs_run *run, uint8_t flags)
{
	return (uint8_t)(flags | run->flags | (p->answered ? RS_FLAG_PIPELINED : 0));
}

HOT_IN(dialogue)
void pairs_answer(struct pairs *p, struct pairs_call *call, const struct pairs_answer *a)
{
	struct pairs_run *run = pairs_front(p, call);
	struct served request;

	if (!run)
		return;
	request = (struct served){
		.t0 = run->t0,
		.end = pairs_now(call),
		.first_byte = a->first_byte,
		.bytes_in = run->bytes_in + a->bytes_in,
		.bytes_out = a->bytes_out,
		.shape = pairs_shape(call, run, a),
		.status = a->status,
		.flags = pairs_flags(p, run, a->flags),
	};
	pairs_say(call, &request, run->begun);
	pairs_leave(p, call, run);
}

void pairs_postpone(struct pairs *p, struct pairs_call *call, const struct pairs_answer *a,
		    struct pairs_later *out)
{
	struct pairs_run *run = pairs_front(p, call);
	uint64_t now = pairs_now(call);

	*out = (struct pairs_later){
		.span = run->t0 && now > run->t0 ? now - run->t0 : 0,
		.bytes_in = run->bytes_in,
		.bytes_out = pairs_saturate(a->bytes_out),
		.shape = pairs_shape(call, run, a),
	};
	if (!run->begun)
		pairs_ops.begun(call->context, run->t0, 1);
	pairs_leave(p, call, run);
}

void pairs_tell(struct pairs_call *call, const struct pairs_later *later, uint16_t status)
{
	uint64_t now = pairs_now(call);
	struct served request = {
		.t0 = now > later->span ? now - later->span : 0,
		.end = now,
		.bytes_in = later->bytes_in,
		.bytes_out = later->bytes_out,
		.shape = later->shape,
		.status = status,
	};

	pairs_say(call, &request, true);
}

HOT_IN(dialogue) void pairs_skip(struct pairs *p, struct pairs_call *call)
{
	struct pairs_run *run = pairs_front(p, call);

	if (!run)
		return;
	if (run->begun)
		pairs_ops.dropped(call->context, 1);
	pairs_leave(p, call, run);
}

HOT_IN(dialogue) void pairs_written(struct pairs *p, struct pairs_call *call)
{
	struct pairs_run *run = pairs_is_confirmed(p) ? pairs_front(p, call) : NULL;

	if (run && run->begun && run != &p->nameless)
		pairs_list(call, run);
}

struct pairs_name *pairs_name_place(struct pairs_block **front, uint32_t *placed, uint32_t blocks,
				    struct pairs_call *call)
{
	uint32_t at = *placed % (uint32_t)PAIRS_NAMES;
	uint32_t turn = *placed / (uint32_t)PAIRS_NAMES;
	struct pairs_block *block = *front;

	if (!at && turn < blocks) {
		block = pairs_ops.lend(call->context);
		if (!block)
			return NULL;
		memset(block->names, 0, sizeof(block->names));
		atomic_store_explicit(&block->next, *front, memory_order_relaxed);
		*front = block;
	} else if (turn >= blocks) {
		for (turn %= blocks; turn < blocks - 1; turn++)
			block = atomic_load_explicit(&block->next, memory_order_relaxed);
	}
	(*placed)++;
	return &block->names[at];
}

bool pairs_lose(struct pairs *p, struct pairs_call *call, uint8_t why)
{
	if (!pairs_is_lost(p) && pairs_is_confirmed(p))
		pairs_ops.unparsed(call->context, why);
	pairs_set(p->lost, true);
	return false;
}

uint32_t pairs_adopt(struct pairs *p)
{
	struct pairs_end at = pairs_answering(p);
	uint32_t begun = (uint32_t)pairs_get(p->beyond);
	uint32_t over = p->answered;

	for (uint64_t left = pairs_queued(p); left; left--, at.at++) {
		struct pairs_run *run;

		if (at.at == PAIRS_RUNS)
			at = (struct pairs_end){ .block = pairs_get(at.block->next) };
		if (!at.block)
			break;
		run = &at.block->runs[at.at];
		run->open = -1;
		begun += run->begun ? run->count - over : 0;
		over = 0;
	}
	return begun;
}

/* No answer came. Who had begun and cannot be told any more did not happen. */
static void pairs_close_front(struct pairs *p, struct pairs_call *call, struct pairs_run *run,
			      uint8_t flags)
{
	struct served request = {
		.t0 = run->t0,
		.end = pairs_now(call),
		.bytes_in = run->bytes_in,
		.shape = run->shape,
		.flags = flags,
	};

	if (!run->shape && run->name_length && !pairs_is_aside(run))
		request.shape = pairs_ops.name(call->context, run->name, run->name_length, false);
	if (!pairs_is_lost(p) && pairs_is_confirmed(p) && !pairs_is_aside(run))
		pairs_say(call, &request, run->begun);
	else if (run->begun)
		pairs_ops.dropped(call->context, 1);
	pairs_leave(p, call, run);
}

/* Not by their links alone: that of the first may be of another time. */
static void pairs_give_back(struct pairs *p, struct pairs_call *call)
{
	struct pairs_block *block = p->answering.block;
	struct pairs_block *next;

	for (; block; block = next) {
		next = block == p->reading.block ? NULL : pairs_get(block->next);
		if (block != &p->first)
			pairs_ops.give_back(call->context, block);
	}
}

void pairs_close(struct pairs *p, struct pairs_call *call, bool client_gone)
{
	const uint8_t flags =
		client_gone ? RS_FLAG_ABORTED | RS_FLAG_CUT_BY_CLIENT : RS_FLAG_ABORTED;

	while (pairs_queued(p))
		pairs_close_front(p, call, pairs_front_run(p, call), flags);
	while (pairs_get(p->beyond))
		pairs_close_front(p, call, &p->nameless, flags);
	pairs_give_back(p, call);
}
