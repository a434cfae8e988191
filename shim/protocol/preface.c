#include "preface.h"

#include "exchange.h"
#include "hot.h"

#include <ringside/abi.h>

#include <string.h>

#define preface_get(field) atomic_load_explicit(&(field), memory_order_relaxed)
#define preface_set(field, value) atomic_store_explicit(&(field), (value), memory_order_relaxed)

#define PREFACE_LINE_MOST 107u /* with its end, as the protocol has it */
#define PREFACE_VERSION_2 0x20u
#define PREFACE_HEAD_BYTES 4u
#define PREFACE_BLANKS 4u /* line ends that version 2 begins with */

static const uint8_t preface_one[] = { 'P', 'R', 'O', 'X', 'Y', ' ' };
static const uint8_t preface_two[] = { '\r', '\n', '\r', '\n', 0,   '\r',
				       '\n', 'Q',  'U',  'I',  'T', '\n' };

/* The next byte of one of the two; one longer: what follows the first is TCP4, TCP6 or UNKNOWN. */
static enum preface_verdict preface_match(struct preface *p, uint8_t byte)
{
	if (p->step == PREFACE_BINARY) {
		if (byte != preface_two[p->got])
			return PREFACE_NONE;
		if (++p->got == sizeof(preface_two)) {
			p->step = PREFACE_HEAD;
			p->got = 0;
		}
		return PREFACE_MORE;
	}
	if (p->got < sizeof(preface_one)) {
		if (byte != preface_one[p->got])
			return PREFACE_NONE;
	} else if (byte != 'T' && byte != 'U') {
		return PREFACE_NONE; /* a method of this name */
	} else {
		p->step = PREFACE_LINE;
	}
	p->got++;
	return PREFACE_MORE;
}

static enum preface_verdict preface_line(struct preface *p, uint8_t byte)
{
	if (byte == '\n')
		return PREFACE_DONE;
	return ++p->got >= PREFACE_LINE_MOST ? PREFACE_BAD : PREFACE_MORE;
}

/* Version and command, family, and how much follows. */
static enum preface_verdict preface_head(struct preface *p, uint8_t byte)
{
	if (!p->got && (byte & 0xf0) != PREFACE_VERSION_2)
		return PREFACE_BAD;
	if (p->got >= 2)
		p->left = (uint16_t)(p->left << 8 | byte);
	if (++p->got < PREFACE_HEAD_BYTES)
		return PREFACE_MORE;
	p->step = PREFACE_ADDRESS;
	return p->left ? PREFACE_MORE : PREFACE_DONE;
}

static enum preface_verdict preface_byte(struct preface *p, uint8_t byte)
{
	switch (p->step) {
	case PREFACE_FIRST:
		p->step = byte == preface_two[0] ? PREFACE_BINARY : PREFACE_TEXT;
		return preface_match(p, byte);
	case PREFACE_LINE:
		return preface_line(p, byte);
	case PREFACE_HEAD:
		return preface_head(p, byte);
	case PREFACE_ADDRESS:
		return --p->left ? PREFACE_MORE : PREFACE_DONE;
	default:
		return preface_match(p, byte);
	}
}

enum preface_verdict preface_read(struct preface *p, const uint8_t **at, const uint8_t *end)
{
	enum preface_verdict verdict = PREFACE_MORE;

	while (*at < end && verdict == PREFACE_MORE) {
		verdict = preface_byte(p, **at);
		if (verdict != PREFACE_NONE)
			(*at)++;
	}
	return verdict;
}

/* Blank lines ahead of a request are none. */
static bool preface_may_be_request(const struct preface *p)
{
	return p->step != PREFACE_BINARY || p->got > PREFACE_BLANKS;
}

/* It ends a read, or is read on: it waits in the place of the request that may follow it. */
static void preface_wait(struct exchange *x, struct exchange_call *call, size_t n)
{
	struct exchange_request *r = &x->requests[0];

	if (preface_get(x->preface.claim) != PREFACE_NOBODYS) {
		preface_set(r->bytes_in, preface_get(r->bytes_in) + n);
		return;
	}
	if (!preface_may_be_request(&x->preface))
		return;
	if (!call->now)
		call->now = exchange_ops.now(call->context);
	memset(r, 0, sizeof(*r));
	r->t0 = call->now;
	preface_set(r->bytes_in, n);
	preface_set(r->open, -1);
	preface_set(r->method, RS_METHOD_OTHER);
	/* A: release puts the request ahead of the writer's claim to it; pairs with B. */
	atomic_store_explicit(&x->preface.claim, PREFACE_READERS, memory_order_release);
}

/* It was none, or something follows it. false: it was answered, and what follows is nothing. */
static bool preface_is_over(struct exchange *x)
{
	uint8_t readers = PREFACE_READERS;

	x->preface.step = PREFACE_OVER;
	if (preface_get(x->preface.claim) == PREFACE_NOBODYS ||
	    atomic_compare_exchange_strong_explicit(&x->preface.claim, &readers, PREFACE_NOBODYS,
						    memory_order_relaxed, memory_order_relaxed))
		return true;
	x->in.step = HTTP1_AT_BAD;
	return false;
}

bool preface_answers(struct exchange *x)
{
	uint8_t readers = PREFACE_READERS;

	/* B: acquire puts the use of the request behind its making; pairs with A. */
	if (preface_get(x->trust) != EXCHANGE_ACCEPTED ||
	    !atomic_compare_exchange_strong_explicit(&x->preface.claim, &readers, PREFACE_WRITERS,
						     memory_order_acquire, memory_order_relaxed))
		return false;
	/* The reader pushes none from here on. */
	preface_set(x->queue.tail, 1);
	x->answering = &x->requests[0];
	return true;
}

/* What was kept back is the connection's own. */
static bool preface_return(struct exchange *x, struct exchange_call *call)
{
	const uint8_t *text = x->preface.step == PREFACE_BINARY ? preface_two : preface_one;

	return preface_is_over(x) &&
	       (!x->preface.got || exchange_read(x, call, text, x->preface.got));
}

static bool preface_behind(struct exchange *x, struct exchange_call *call, const uint8_t *at,
			   size_t n)
{
	if (!preface_is_over(x))
		return false;
	hello_read(&x->hello, at, n);
	return exchange_read(x, call, at, n);
}

/* It stays to be answered. */
static bool preface_bad(struct exchange *x, struct exchange_call *call, size_t n)
{
	preface_wait(x, call, n);
	x->preface.step = PREFACE_OVER;
	x->in.step = HTTP1_AT_BAD;
	x->in.why = RS_UNPARSED_GARBAGE;
	x->no_http = true;
	return false;
}

RARE bool preface_pass(struct exchange *x, struct exchange_call *call, const uint8_t *at, size_t n)
{
	const uint8_t *end = at + n;

	if (!n)
		return true;
	if (preface_get(x->preface.claim) == PREFACE_WRITERS)
		return preface_is_over(x);
	if (x->preface.step == PREFACE_BEHIND)
		return preface_behind(x, call, at, n);
	switch (preface_read(&x->preface, &at, end)) {
	case PREFACE_MORE:
		preface_wait(x, call, n);
		return true;
	case PREFACE_NONE:
		if (!preface_return(x, call))
			return false;
		return at == end || preface_behind(x, call, at, (size_t)(end - at));
	case PREFACE_DONE:
		x->preface.step = PREFACE_BEHIND;
		if (at < end)
			return preface_behind(x, call, at, (size_t)(end - at));
		preface_wait(x, call, n);
		return true;
	default:
		return preface_bad(x, call, n);
	}
}

/* Who wants one, and has read a part of its first word, closes without an answer. */
void preface_close(struct exchange *x, struct exchange_call *call)
{
	if ((x->preface.step == PREFACE_TEXT || x->preface.step == PREFACE_BINARY) &&
	    preface_get(x->client_gone))
		preface_return(x, call);
}
