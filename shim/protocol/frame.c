#include "frame.h"

#include <string.h>

#define FRAME_STREAM_MASK 0x7fffffffu
#define FRAME_PRIORITY_BYTES 5u
#define FRAME_WORD_BYTES 4u
#define FRAME_SETTING_BYTES 6u
#define FRAME_SETTINGS_MOST 16384u /* nobody's first frame may be longer */

static const uint8_t frame_preface[FRAME_PREFACE_BYTES] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

void frame_init(struct frame *f, uint8_t skip)
{
	memset(f, 0, sizeof(*f));
	f->step = skip == FRAME_PREFACE_BYTES ? FRAME_AT_HEAD : FRAME_AT_PREFACE;
	f->got = f->step == FRAME_AT_HEAD ? 0 : skip;
}

static uint32_t frame_word(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint32_t frame_length(const uint8_t *head)
{
	return frame_word(head) >> 8;
}

bool frame_is_settings(const uint8_t *bytes, size_t n)
{
	uint32_t length;

	if (n < FRAME_HEAD_BYTES)
		return false;
	length = frame_length(bytes);
	return bytes[3] == FRAME_SETTINGS && !bytes[4] && !frame_word(bytes + 5) &&
	       length <= FRAME_SETTINGS_MOST && length % FRAME_SETTING_BYTES == 0;
}

bool frame_is_preface(const uint8_t *line, size_t n)
{
	return n == FRAME_LINE_BYTES - 2 && !memcmp(line, frame_preface, n);
}

static enum frame_event frame_bad(struct frame *f)
{
	f->step = FRAME_AT_BAD;
	return FRAME_BAD;
}

/* Bytes into text until there are enough of them. */
static bool frame_gather(struct frame *f, const uint8_t **at, const uint8_t *end, uint8_t enough)
{
	size_t n = (size_t)(end - *at);

	if (n > (size_t)(enough - f->got))
		n = (size_t)(enough - f->got);
	memcpy(f->text + f->got, *at, n);
	f->got = (uint8_t)(f->got + n);
	*at += n;
	return f->got == enough;
}

static bool frame_has_block(uint8_t type)
{
	return type == FRAME_HEADERS || type == FRAME_PUSH_PROMISE || type == FRAME_CONTINUATION;
}

/* What RFC 9113 6 makes an error of the connection, as far as it can be seen by the head alone. */
static bool frame_is_sound(const struct frame *f)
{
	if (f->block ? f->type != FRAME_CONTINUATION || f->stream != f->block
		     : f->type == FRAME_CONTINUATION)
		return false;
	switch (f->type) {
	case FRAME_DATA:
	case FRAME_HEADERS:
	case FRAME_PUSH_PROMISE:
	case FRAME_CONTINUATION:
		return f->stream != 0;
	case FRAME_RST_STREAM:
		return f->stream != 0 && f->left == FRAME_WORD_BYTES;
	case FRAME_SETTINGS:
		return !f->stream && f->left % FRAME_SETTING_BYTES == 0;
	case FRAME_PING:
		return !f->stream && f->left == 2 * FRAME_WORD_BYTES;
	case FRAME_GOAWAY:
		return !f->stream && f->left >= 2 * FRAME_WORD_BYTES;
	case FRAME_WINDOW_UPDATE:
		return f->left == FRAME_WORD_BYTES;
	default:
		return true;
	}
}

static uint8_t frame_prefix_of(const struct frame *f)
{
	uint32_t n = 0;

	if (f->type == FRAME_RST_STREAM || f->type == FRAME_GOAWAY)
		return FRAME_WORD_BYTES;
	if (f->type != FRAME_DATA && f->type != FRAME_HEADERS && f->type != FRAME_PUSH_PROMISE)
		return 0;
	if (f->flags & FRAME_PADDED)
		n += 1;
	if (f->type == FRAME_HEADERS && f->flags & FRAME_WITH_PRIORITY)
		n += FRAME_PRIORITY_BYTES;
	if (f->type == FRAME_PUSH_PROMISE)
		n += FRAME_WORD_BYTES;
	return (uint8_t)n;
}

static enum frame_event frame_head(struct frame *f)
{
	f->left = frame_length(f->text);
	f->type = f->text[3];
	f->flags = f->text[4];
	f->stream = frame_word(f->text + 5) & FRAME_STREAM_MASK;
	f->got = 0;
	f->padding = 0;
	f->word = 0;
	f->told = false;
	if (!frame_is_sound(f) || (!f->settled && f->type != FRAME_SETTINGS))
		return frame_bad(f);
	f->settled = true;
	f->prefix = frame_prefix_of(f);
	if (f->left < f->prefix)
		return frame_bad(f);
	f->left -= f->prefix;
	f->step = f->prefix ? FRAME_AT_PREFIX : FRAME_AT_BODY;
	if (frame_has_block(f->type))
		f->block = f->stream;
	if (f->type == FRAME_HEADERS)
		f->ends = f->flags & FRAME_END_STREAM;
	if (f->type == FRAME_PUSH_PROMISE)
		f->ends = false;
	return FRAME_BEGIN;
}

static bool frame_take_prefix(struct frame *f)
{
	f->got = 0;
	f->step = FRAME_AT_BODY;
	if (f->type == FRAME_RST_STREAM || f->type == FRAME_GOAWAY)
		f->word = frame_word(f->text);
	else if (f->flags & FRAME_PADDED)
		f->padding = f->text[0];
	return f->padding <= f->left;
}

/* What is of no interest: the body of most frames, and the padding of all. */
static enum frame_event frame_pass(struct frame *f, const uint8_t **at, const uint8_t *end)
{
	size_t n = (size_t)(end - *at);

	n = n < f->left ? n : f->left;
	*at += n;
	f->left -= (uint32_t)n;
	if (f->left)
		return FRAME_MORE;
	f->step = FRAME_AT_HEAD;
	if (frame_has_block(f->type) && f->flags & FRAME_END_HEADERS)
		f->block = 0;
	return FRAME_END;
}

static enum frame_event frame_body(struct frame *f, const uint8_t **at, const uint8_t *end)
{
	uint32_t body = f->left - f->padding;
	size_t n = (size_t)(end - *at);

	if (!frame_has_block(f->type) || f->told)
		return frame_pass(f, at, end);
	n = n < body ? n : body;
	if (!n && body)
		return FRAME_MORE;
	f->piece = *at;
	f->piece_bytes = (uint32_t)n;
	*at += n;
	f->left -= (uint32_t)n;
	f->told = n == body;
	f->last = f->told && f->flags & FRAME_END_HEADERS;
	return FRAME_BLOCK;
}

enum frame_event frame_skip(struct frame *f, uint64_t n)
{
	if (f->step != FRAME_AT_BODY || f->type != FRAME_DATA || n > f->left)
		return frame_bad(f);
	f->left -= (uint32_t)n;
	return FRAME_MORE;
}

static bool frame_read_preface(struct frame *f, const uint8_t **at, const uint8_t *end)
{
	for (; *at < end && f->got < FRAME_PREFACE_BYTES; (*at)++, f->got++) {
		if (**at != frame_preface[f->got])
			return false;
	}
	if (f->got == FRAME_PREFACE_BYTES) {
		f->step = FRAME_AT_HEAD;
		f->got = 0;
	}
	return true;
}

enum frame_event frame_next(struct frame *f, const uint8_t **at, const uint8_t *end)
{
	if (f->step == FRAME_AT_PREFACE && !frame_read_preface(f, at, end))
		return frame_bad(f);
	switch (f->step) {
	case FRAME_AT_HEAD:
		return frame_gather(f, at, end, FRAME_HEAD_BYTES) ? frame_head(f) : FRAME_MORE;
	case FRAME_AT_PREFIX:
		if (!frame_gather(f, at, end, f->prefix))
			return FRAME_MORE;
		return frame_take_prefix(f) ? frame_body(f, at, end) : frame_bad(f);
	case FRAME_AT_BODY:
		return frame_body(f, at, end);
	case FRAME_AT_BAD:
		return FRAME_BAD;
	default:
		return FRAME_MORE;
	}
}
