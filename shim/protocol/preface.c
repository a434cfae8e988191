#include "preface.h"

#include "exchange.h"

#include <ringside/abi.h>

#define PREFACE_LINE_MOST 107u /* with its end, as the protocol has it */
#define PREFACE_VERSION_2 0x20u
#define PREFACE_HEAD_BYTES 4u

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

/* What was kept back is the connection's own. */
static bool preface_return(struct exchange *x, struct exchange_call *call)
{
	const uint8_t *text = x->preface.step == PREFACE_BINARY ? preface_two : preface_one;

	x->preface.step = PREFACE_OVER;
	return !x->preface.got || exchange_read(x, call, text, x->preface.got);
}

bool preface_pass(struct exchange *x, struct exchange_call *call, const uint8_t *at, size_t n)
{
	const uint8_t *end = at + n;

	switch (preface_read(&x->preface, &at, end)) {
	case PREFACE_MORE:
		return true;
	case PREFACE_NONE:
		if (!preface_return(x, call))
			return false;
		break;
	case PREFACE_DONE:
		x->preface.step = PREFACE_OVER;
		break;
	default:
		x->preface.step = PREFACE_OVER;
		x->in.step = HTTP1_AT_BAD;
		x->in.why = RS_UNPARSED_GARBAGE;
		x->no_http = true;
		return false;
	}
	if (at == end)
		return true;
	hello_read(&x->hello, at, (size_t)(end - at));
	return exchange_read(x, call, at, (size_t)(end - at));
}

void preface_close(struct exchange *x, struct exchange_call *call)
{
	if (x->preface.step == PREFACE_TEXT || x->preface.step == PREFACE_BINARY)
		preface_return(x, call);
}
