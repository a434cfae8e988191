#include "backend.h"

#include "hot.h"

#include <stddef.h>
#include <string.h>

#define BACKEND_BLOCKS (POSTGRES_STATEMENTS / (uint32_t)PAIRS_NAMES)

static HOT_IN(dialogue_postgres) struct pairs_name *backend_prepared(const struct postgres *g,
								     uint64_t name)
{
	struct pairs_block *block = g->prepared;

	for (; block; block = atomic_load_explicit(&block->next, memory_order_relaxed)) {
		for (uint32_t i = 0; i < PAIRS_NAMES; i++)
			if (block->names[i].hash == name)
				return &block->names[i];
	}
	return NULL;
}

/* The server took the text: it may be told. */
static void backend_parsed(struct postgres *g, struct pairs_call *call)
{
	const struct pairs_run *run = pairs_front(&g->pairs, call);
	struct pairs_name *s;
	uint16_t shape;

	if (!run || run->mark != POSTGRES_PARSE)
		return;
	shape = pairs_ops.name(call->context, run->name, run->name_length, true);
	if (run->t0 == POSTGRES_HASH) {
		g->nameless = shape;
	} else {
		s = backend_prepared(g, run->t0);
		if (!s)
			s = pairs_name_place(&g->prepared, &g->statements, BACKEND_BLOCKS, call);
		if (s)
			*s = (struct pairs_name){ .hash = run->t0, .shape = shape };
	}
	pairs_skip(&g->pairs, call);
}

static HOT_IN(dialogue_postgres) uint16_t
	backend_shape(const struct postgres *g, const struct pairs_run *run)
{
	const struct pairs_name *s;
	uint64_t name;

	memcpy(&name, run->name, sizeof(name));
	if (name == POSTGRES_HASH)
		return g->nameless;
	s = backend_prepared(g, name);
	return s ? s->shape : 0;
}

/* What is answered next, past those that get no answer of their own. */
static HOT_IN(dialogue_postgres) struct pairs_run *backend_front(struct postgres *g,
								 struct pairs_call *call)
{
	struct pairs_run *run = g->synced ? NULL : pairs_front(&g->pairs, call);

	while (run && run->mark == POSTGRES_PARSE) {
		pairs_skip(&g->pairs, call);
		run = pairs_front(&g->pairs, call);
	}
	return run && run->mark != POSTGRES_SYNC ? run : NULL;
}

/* The answer that is complete is told, with the bytes that came behind it. */
static HOT_IN(dialogue_postgres) void backend_tell(struct postgres *g, struct pairs_call *call)
{
	const struct pairs_run *run = g->held ? backend_front(g, call) : NULL;
	struct pairs_answer *a = &g->answer;

	g->held = false;
	if (!run)
		return;
	a->first_byte = g->out.t0;
	a->bytes_out = g->out.bytes;
	a->bytes_in = atomic_exchange_explicit(&g->copied, 0, memory_order_relaxed);
	if (run->mark == POSTGRES_EXECUTE) {
		a->shaped = true;
		a->shape = backend_shape(g, run);
	}
	g->synced = run->mark == POSTGRES_LAST;
	pairs_answer(&g->pairs, call, a);
	g->out.counting = false;
}

static HOT_IN(dialogue_postgres) void backend_hold(struct postgres *g, uint16_t status)
{
	g->held = true;
	g->answer = (struct pairs_answer){ .status = status };
}

static bool backend_state_is(const struct postgres *g, const char *class)
{
	return g->out.got == POSTGRES_STATE && !memcmp(g->state, class, 2);
}

static uint16_t backend_status(const struct postgres *g)
{
	static const char servers[][3] = { "08", "40", "53", "57", "58", "F0", "XX" };

	for (size_t i = 0; i < sizeof(servers) / sizeof(*servers); i++)
		if (backend_state_is(g, servers[i]))
			return PAIRS_FAILED;
	return PAIRS_REFUSED;
}

/* The rest up to the next Sync is passed over by the server. */
static HOT_IN(dialogue_postgres) void backend_pass_over(struct postgres *g, struct pairs_call *call)
{
	const struct pairs_run *run;

	while (!g->synced && (run = pairs_front(&g->pairs, call)) && run->mark != POSTGRES_SYNC) {
		g->synced = run->mark == POSTGRES_LAST;
		pairs_skip(&g->pairs, call);
	}
}

static void backend_failed(struct postgres *g, struct pairs_call *call)
{
	if (!backend_front(g, call))
		return;
	backend_hold(g, backend_status(g));
	/* Of what does not exist the name may be anything. */
	g->answer.unknown = backend_state_is(g, "42") || backend_state_is(g, "3F");
	backend_tell(g, call);
	backend_pass_over(g, call);
}

static HOT_IN(dialogue_postgres) void backend_ready(struct postgres *g, struct pairs_call *call)
{
	pairs_confirm(&g->pairs);
	backend_tell(g, call);
	if (!g->ready) { /* the session has begun */
		g->ready = true;
		g->out.counting = false;
		return;
	}
	backend_pass_over(g, call);
	if (!g->synced)
		pairs_skip(&g->pairs, call);
	g->synced = false;
}

/* false: no more answers come. */
static HOT_IN(dialogue_postgres) bool backend_end(struct postgres *g, struct pairs_call *call)
{
	uint8_t type = g->out.head[0];

	if (type == 'Z') {
		backend_ready(g, call);
		return true;
	}
	if (!g->ready) {
		g->out.counting = false;
		return true;
	}
	switch (type) {
	case 'C':
	case 'I':
	case 's':
	case 'V':
		if (backend_front(g, call))
			backend_hold(g, PAIRS_OK);
		return true;
	case 'E':
		backend_failed(g, call);
		return true;
	case '1':
		backend_parsed(g, call);
		return true;
	case 'W':
		backend_hold(g, PAIRS_OK);
		g->answer.flags = RS_FLAG_UPGRADED;
		backend_tell(g, call);
		g->streaming = true;
		return false;
	default:
		return true;
	}
}

/* A byte of an error: its fields are a letter and a string each. */
static void backend_error_byte(struct postgres *g, uint8_t c)
{
	struct postgres_way *w = &g->out;

	if (!w->field) {
		w->field = c;
	} else if (!c) {
		w->field = 0;
	} else if (w->field == 'C' && w->got < POSTGRES_STATE) {
		g->state[w->got++] = c;
	}
}

static HOT_IN(dialogue_postgres) bool backend_begin(struct postgres *g, struct pairs_call *call)
{
	uint32_t length = postgres_number(g->out.head + 1);

	if (length < 4 || length > POSTGRES_MESSAGE_MOST) {
		backend_tell(g, call);
		return pairs_lose(&g->pairs, call, RS_UNPARSED_GARBAGE);
	}
	g->out.left = length - 4;
	g->out.field = 0;
	g->out.got = 0;
	return true;
}

/* One byte answers the wish for encryption. */
static bool backend_encrypt(struct postgres *g, struct pairs_call *call, uint8_t c)
{
	g->asked = false;
	if (c == 'N')
		return true;
	g->pairs.encrypted = c == 'S';
	if (g->pairs.encrypted)
		return false;
	pairs_ops.unparsed(call->context, RS_UNPARSED_TLS_UNLINKED);
	return pairs_lose(&g->pairs, call, RS_UNPARSED_TLS_UNLINKED);
}

/* Rows and what describes them end nothing. Those that are whole are passed over. */
static HOT_IN(dialogue_postgres) void backend_rows(struct postgres *g, struct pairs_call *call,
						   const uint8_t **at, const uint8_t *end)
{
	const uint8_t *next = *at;

	if (g->held || g->out.head_bytes)
		return;
	postgres_count(&g->out, call);
	while (end - next >= (ptrdiff_t)POSTGRES_MESSAGE_HEAD &&
	       (*next == 'D' || *next == 'T' || *next == 'd')) {
		uint32_t length = postgres_number(next + 1);

		if (length < 4 || length >= (size_t)(end - next))
			break;
		next += 1 + length;
	}
	g->out.bytes += (size_t)(next - *at);
	*at = next;
}

static HOT_IN(dialogue_postgres) bool backend_message(struct postgres *g, struct pairs_call *call,
						      const uint8_t **at, const uint8_t *end)
{
	struct postgres_way *w = &g->out;
	uint32_t n;

	/* Another answer begins: notices and the end of all belong to the one before. */
	if (g->held && !w->head_bytes && **at != 'Z' && **at != 'N' && **at != 'S' && **at != 'A')
		backend_tell(g, call);
	postgres_count(w, call);
	if (w->head_bytes < POSTGRES_MESSAGE_HEAD) {
		if (!postgres_head(w, POSTGRES_MESSAGE_HEAD, at, end))
			return true;
		if (!backend_begin(g, call))
			return false;
	}
	n = (size_t)(end - *at) < w->left ? (uint32_t)(end - *at) : w->left;
	for (uint32_t i = 0; w->head[0] == 'E' && i < n; i++)
		backend_error_byte(g, (*at)[i]);
	w->bytes += n;
	*at += n;
	w->left -= n;
	if (w->left)
		return true;
	w->head_bytes = 0;
	return backend_end(g, call);
}

HOT_IN(dialogue_postgres)
bool postgres_write(struct postgres *g, struct pairs_call *call, const uint8_t *at, size_t n)
{
	const uint8_t *end = at + n;
	bool more = true;

	if (g->streaming || g->pairs.encrypted || pairs_is_lost(&g->pairs))
		return false;
	while (at < end && more) {
		backend_rows(g, call, &at, end);
		if (at < end)
			more = g->asked ? backend_encrypt(g, call, *at++)
					: backend_message(g, call, &at, end);
	}
	if (!more)
		return false;
	backend_tell(g, call);
	pairs_written(&g->pairs, call);
	return true;
}

void backend_close(struct postgres *g, struct pairs_call *call)
{
	struct pairs_block *next;

	backend_tell(g, call);
	for (struct pairs_block *block = g->prepared; block; block = next) {
		next = atomic_load_explicit(&block->next, memory_order_relaxed);
		pairs_ops.give_back(call->context, block);
	}
	g->prepared = NULL;
}
