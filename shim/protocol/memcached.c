#include "memcached.h"

#include <string.h>

#define MEMCACHED_QUIET 0x80u /* a run's mark: it asks for no answer, read before any came */
#define MEMCACHED_KEY_MOST 250u

void memcached_init(struct memcached *m)
{
	pairs_init(&m->pairs);
	memset((uint8_t *)m + sizeof(m->pairs), 0, sizeof(*m) - sizeof(m->pairs));
}

bool memcached_begins(const uint8_t *at, size_t n)
{
	size_t i = 0;

	if (n && at[0] == 0x80)
		return (n < 2 || vocabulary_opcode(at[1])[0]) && (n < 6 || !at[5]);
	while (i < n && at[i] != ' ' && at[i] != '\r' && at[i] != '\n')
		i++;
	return i < n && vocabulary_command(at, i);
}

bool memcached_declines(const struct memcached *m, const uint8_t *at, size_t n)
{
	if (pairs_is_confirmed(&m->pairs) || m->out.begun)
		return false;
	if (m->binary)
		return at[0] != 0x81;
	if (at[0] == 'H' && n > 1) /* HD, and not HTTP */
		return at[1] != 'D';
	return !((at[0] >= 'A' && at[0] <= 'Z') || (at[0] >= '0' && at[0] <= '9'));
}

static void memcached_way_begin(struct memcached_way *w, struct pairs_call *call)
{
	if (w->begun)
		return;
	w->begun = true;
	w->t0 = pairs_now(call);
	w->bytes = 0;
	w->head_bytes = 0;
	w->sized = false;
	w->kind = VOCABULARY_LAST;
	words_init(&w->words);
}

static void memcached_ask(struct memcached *m, struct pairs_call *call, const char *name,
			  uint8_t mark)
{
	struct pairs_ask ask = {
		.t0 = m->in.t0,
		.bytes_in = m->in.bytes,
		.name = (const uint8_t *)name,
		.name_length = (uint8_t)strlen(name),
		.mark = mark,
	};

	m->in.begun = false;
	if (m->unpaired) {
		if (pairs_is_confirmed(&m->pairs))
			pairs_ops.unparsed(call->context, RS_UNPARSED_UNPAIRED);
		return;
	}
	m->unpaired = mark == VOCABULARY_STREAM;
	if (m->quiet) {
		m->hushed = true;
		ask.mark = MEMCACHED_QUIET;
	}
	if ((m->quiet || mark == VOCABULARY_CLOSE) && pairs_is_confirmed(&m->pairs))
		pairs_unanswered(&m->pairs, call, &ask);
	else
		pairs_ask(&m->pairs, call, &ask);
}

/* A word of a command's line is complete. */
static void memcached_in_word(struct memcached *m)
{
	const struct vocabulary *c = m->command;
	const struct words *w = &m->in.words;

	if (w->number == 1) {
		m->command = vocabulary_command(w->word, w->length);
		return;
	}
	if (!c)
		return;
	if (w->number == c->size)
		m->in.sized = words_count(w, &m->in.size) && m->in.size <= MEMCACHED_VALUE_MOST &&
			      m->in.kind == VOCABULARY_LAST;
	if (w->number == 2 && w->length > MEMCACHED_KEY_MOST)
		m->in.kind = VOCABULARY_ODD; /* is refused, and nothing follows */
	if (!c->quiet || w->number < c->quiet)
		return;
	m->quiet = c->traits & VOCABULARY_META ? m->quiet || words_are(w, "q")
					       : words_are(w, "noreply");
}

static void memcached_in_line(struct memcached *m, struct pairs_call *call)
{
	const struct vocabulary *c = m->command;

	if (!m->in.words.number)
		c = NULL;
	words_init(&m->in.words);
	if (c && c->traits & VOCABULARY_STORES && m->in.sized)
		m->in.left = m->in.size + 2;
	else
		memcached_ask(m, call, c ? c->name : "", c ? c->traits : 0);
}

/* Bytes that follow; true: there are no more of them. */
static bool memcached_pass(struct memcached_way *w, const uint8_t **at, const uint8_t *end)
{
	uint64_t n = (uint64_t)(end - *at);

	if (n > w->left)
		n = w->left;
	*at += n;
	w->bytes += n;
	w->left -= n;
	return !w->left;
}

static bool memcached_text_read(struct memcached *m, struct pairs_call *call, const uint8_t *at,
				const uint8_t *end)
{
	while (at < end) {
		const uint8_t *from = at;
		enum words_event event;

		if (m->in.left) {
			if (memcached_pass(&m->in, &at, end))
				memcached_ask(m, call, m->command->name, m->command->traits);
			continue;
		}
		if (!m->in.begun) {
			m->command = NULL;
			m->quiet = false;
		}
		memcached_way_begin(&m->in, call);
		event = words_next(&m->in.words, &at, end);
		m->in.bytes += (uint64_t)(at - from);
		if (event == WORDS_WORD)
			memcached_in_word(m);
		else if (event == WORDS_LINE)
			memcached_in_line(m, call);
		else if (m->in.words.bytes > MEMCACHED_LINE_MOST)
			return pairs_lose(&m->pairs, call, RS_UNPARSED_HEAD_LIMIT);
	}
	return true;
}

static uint32_t memcached_number(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* A binary message's head and body. true: it is complete. */
static bool memcached_message(struct memcached_way *w, struct pairs_call *call, const uint8_t **at,
			      const uint8_t *end)
{
	size_t n = (size_t)(end - *at);

	memcached_way_begin(w, call);
	if (w->head_bytes < MEMCACHED_HEAD) {
		if (n > MEMCACHED_HEAD - w->head_bytes)
			n = MEMCACHED_HEAD - w->head_bytes;
		memcpy(w->head + w->head_bytes, *at, n);
		w->head_bytes = (uint8_t)(w->head_bytes + n);
		w->bytes += n;
		*at += n;
		if (w->head_bytes < MEMCACHED_HEAD)
			return false;
		w->left = memcached_number(w->head + 8);
	}
	return memcached_pass(w, at, end);
}

static bool memcached_binary_read(struct memcached *m, struct pairs_call *call, const uint8_t *at,
				  const uint8_t *end)
{
	while (at < end) {
		bool whole = memcached_message(&m->in, call, &at, end);
		uint8_t opcode = m->in.head[1];

		if (m->in.head_bytes && m->in.head[0] != 0x80)
			return pairs_lose(&m->pairs, call, RS_UNPARSED_GARBAGE);
		if (!whole)
			continue;
		m->quiet = vocabulary_is_quiet(opcode);
		memcached_ask(m, call, vocabulary_opcode(opcode), 0);
	}
	return true;
}

bool memcached_read(struct memcached *m, struct pairs_call *call, const uint8_t *at, size_t n)
{
	bool more;

	if (pairs_is_lost(&m->pairs))
		return false;
	if (!m->in.begun && !m->in.t0 && n)
		m->binary = at[0] == 0x80;
	more = m->binary ? memcached_binary_read(m, call, at, at + n)
			 : memcached_text_read(m, call, at, at + n);
	pairs_flush(&m->pairs, call);
	return more && !pairs_is_lost(&m->pairs);
}

/* What is answered next. Behind the first answer, those that ask for none are over. */
static struct pairs_run *memcached_front(struct memcached *m, struct pairs_call *call)
{
	const struct pairs_answer none = { .status = PAIRS_OK };
	struct pairs_run *run;

	pairs_confirm(&m->pairs);
	while ((run = pairs_front(&m->pairs, call)) &&
	       (run->mark == MEMCACHED_QUIET || run->mark == VOCABULARY_CLOSE))
		pairs_answer(&m->pairs, call, &none);
	return run;
}

/* An answer is complete. */
static void memcached_answer(struct memcached *m, struct pairs_call *call, uint16_t status,
			     bool unknown)
{
	struct pairs_run *run = memcached_front(m, call);
	struct pairs_answer a = {
		.first_byte = m->out.t0,
		.bytes_out = m->out.bytes,
		.status = status,
		.unknown = unknown,
	};

	m->out.begun = false;
	if (!run) {
		if (!m->hushed)
			pairs_ops.unparsed(call->context, RS_UNPARSED_UNASKED);
		return;
	}
	m->streaming = run->mark == VOCABULARY_STREAM;
	if (m->streaming && status == PAIRS_OK)
		a.flags = RS_FLAG_UPGRADED;
	pairs_answer(&m->pairs, call, &a);
	memcached_front(m, call);
}

static void memcached_out_word(struct memcached *m)
{
	struct memcached_way *w = &m->out;
	uint32_t size = w->kind == VOCABULARY_VALUE ? 4 : 2;

	if (w->words.number == 1)
		w->kind = vocabulary_line(&w->words);
	else if (w->words.number == size)
		w->sized = words_count(&w->words, &w->size) && w->size <= MEMCACHED_VALUE_MOST;
}

/* The next line of the same answer. */
static void memcached_go_on(struct memcached_way *w)
{
	w->sized = false;
	w->kind = VOCABULARY_LAST;
	words_init(&w->words);
}

/* Does it answer a quiet one? What is next says so, which is answered by this alone. */
static bool memcached_is_aside(struct memcached *m, struct pairs_call *call)
{
	const struct pairs_run *run = m->hushed ? memcached_front(m, call) : NULL;

	return run && run->mark == (VOCABULARY_META | VOCABULARY_NOOP) &&
	       m->out.kind != VOCABULARY_MN;
}

static void memcached_text_answer(struct memcached *m, struct pairs_call *call)
{
	uint8_t kind = m->out.kind;

	if (memcached_is_aside(m, call))
		memcached_go_on(&m->out);
	else
		memcached_answer(m, call,
				 kind == VOCABULARY_SERVER_ERROR ? PAIRS_FAILED
				 : kind == VOCABULARY_UNKNOWN || kind == VOCABULARY_CLIENT_ERROR
					 ? PAIRS_REFUSED
					 : PAIRS_OK,
				 kind == VOCABULARY_UNKNOWN);
}

static bool memcached_out_line(struct memcached *m, struct pairs_call *call)
{
	struct memcached_way *w = &m->out;

	if (!pairs_is_confirmed(&m->pairs) && (w->kind == VOCABULARY_ODD || !w->words.number))
		return pairs_lose(&m->pairs, call, RS_UNPARSED_GARBAGE);
	if (w->kind == VOCABULARY_ONE_OF_MANY) {
		memcached_go_on(w);
	} else if (w->kind == VOCABULARY_VALUE || w->kind == VOCABULARY_META_VALUE) {
		if (!w->sized)
			return pairs_lose(&m->pairs, call, RS_UNPARSED_GARBAGE);
		w->left = w->size + 2;
	} else {
		memcached_text_answer(m, call);
	}
	return true;
}

static bool memcached_text_write(struct memcached *m, struct pairs_call *call, const uint8_t *at,
				 const uint8_t *end)
{
	bool more = true;

	while (at < end && more && !m->streaming) {
		const uint8_t *from = at;
		enum words_event event;

		memcached_way_begin(&m->out, call);
		if (m->out.left) {
			if (!memcached_pass(&m->out, &at, end))
				break;
			if (m->out.kind == VOCABULARY_VALUE)
				memcached_go_on(&m->out);
			else
				memcached_text_answer(m, call);
			continue;
		}
		event = words_next(&m->out.words, &at, end);
		m->out.bytes += (uint64_t)(at - from);
		if (event == WORDS_WORD)
			memcached_out_word(m);
		else if (event == WORDS_LINE)
			more = memcached_out_line(m, call);
	}
	return more && !m->streaming;
}

static bool memcached_binary_write(struct memcached *m, struct pairs_call *call, const uint8_t *at,
				   const uint8_t *end)
{
	while (at < end) {
		bool whole = memcached_message(&m->out, call, &at, end);
		const uint8_t *head = m->out.head;
		uint16_t code = (uint16_t)(head[6] << 8 | head[7]);

		if (m->out.head_bytes && head[0] != 0x81)
			return pairs_lose(&m->pairs, call, RS_UNPARSED_GARBAGE);
		if (!whole)
			continue;
		m->out.head_bytes = 0;
		if (vocabulary_is_quiet(head[1]) ||
		    (head[1] == VOCABULARY_STAT && (head[2] || head[3])))
			continue; /* its bytes go along with the next */
		memcached_answer(m, call, vocabulary_status(code), code == 0x81);
	}
	return true;
}

bool memcached_write(struct memcached *m, struct pairs_call *call, const uint8_t *at, size_t n)
{
	bool more;

	if (m->streaming || pairs_is_lost(&m->pairs))
		return false;
	more = m->binary ? memcached_binary_write(m, call, at, at + n)
			 : memcached_text_write(m, call, at, at + n);
	if (!more)
		return false;
	if (pairs_is_confirmed(&m->pairs))
		memcached_front(m, call);
	pairs_written(&m->pairs, call);
	return true;
}

/* Nothing was answered because nothing asked for it: counted, and without a time. */
static void memcached_close_quiet(struct memcached *m, struct pairs_call *call)
{
	const struct pairs_answer none = { .status = PAIRS_OK };
	struct pairs_run *run;

	while ((run = pairs_front(&m->pairs, call)) && run->mark == MEMCACHED_QUIET) {
		pairs_confirm(&m->pairs);
		run->t0 = 0;
		pairs_answer(&m->pairs, call, &none);
	}
}

void memcached_close(struct memcached *m, struct pairs_call *call, bool client_gone)
{
	if (!pairs_is_lost(&m->pairs) && !pairs_is_confirmed(&m->pairs))
		memcached_close_quiet(m, call);
	if (!pairs_is_lost(&m->pairs) && pairs_is_confirmed(&m->pairs))
		memcached_front(m, call);
	pairs_close(&m->pairs, call, client_gone);
}
