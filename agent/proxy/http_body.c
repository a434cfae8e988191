#include "http_body.h"

#include <stdlib.h>
#include <string.h>

#define BODY_BAD (-400)
#define BODY_MOST ((uint64_t)1 << 60) /* bytes: nobody sends more, and sums do not overflow */

enum body_step {
	BODY_SIZE_BEGIN, /* its first digit */
	BODY_SIZE,
	BODY_BLANK, /* behind it, in front of a semicolon */
	BODY_EXTENSION,
	BODY_SIZE_END, /* the line feed */
	BODY_DATA,
	BODY_DATA_RETURN,
	BODY_DATA_END,
	BODY_TRAILER_BEGIN,
	BODY_TRAILER_NAME,
	BODY_TRAILER_VALUE,
	BODY_TRAILER_END,
	BODY_LAST_END,
};

/* The one length that is told; -1: none. */
static int body_length(const struct http_head *h, int64_t *out)
{
	const struct http_field *f = http_head_get(h, HTTP_CONTENT_LENGTH, NULL);
	uint64_t length = 0;

	*out = -1;
	if (!f)
		return 0;
	if (http_head_get(h, HTTP_CONTENT_LENGTH, f) || !f->value.length)
		return BODY_BAD;
	for (size_t i = 0; i < f->value.length; i++) {
		char digit = f->value.at[i];

		if (digit < '0' || digit > '9' || length >= BODY_MOST / 10)
			return BODY_BAD;
		length = length * 10 + (uint64_t)(digit - '0');
	}
	*out = (int64_t)length;
	return 0;
}

/* Chunked it is, or it is not; any other coding is not for us to end. */
static int body_is_chunked(const struct http_head *h, bool *out)
{
	const struct http_field *f = http_head_get(h, HTTP_TRANSFER_ENCODING, NULL);

	*out = f != NULL;
	if (!f)
		return 0;
	if (http_head_get(h, HTTP_TRANSFER_ENCODING, f) || !http_text_is(&f->value, "chunked"))
		return BODY_BAD;
	return h->minor ? 0 : BODY_BAD;
}

/* Both at once, or one twice, is read in one way by us and in another by who is behind us. */
static int body_read(struct http_body *b, const struct http_head *h, int64_t *length)
{
	bool chunked;
	int ret = body_length(h, length);

	*b = (struct http_body){ .kind = HTTP_BODY_NONE };
	if (!ret)
		ret = body_is_chunked(h, &chunked);
	if (ret)
		return ret;
	if (chunked && *length >= 0)
		return BODY_BAD;
	if (chunked) {
		b->kind = HTTP_BODY_CHUNKED;
	} else if (*length >= 0) {
		b->kind = HTTP_BODY_LENGTH;
		b->left = b->bytes = (uint64_t)*length;
	}
	return 0;
}

int http_body_of_request(struct http_body *b, const struct http_head *h)
{
	int64_t length;
	int ret = body_read(b, h, &length);

	b->done = b->kind == HTTP_BODY_NONE || (b->kind == HTTP_BODY_LENGTH && !b->left);
	return ret;
}

int http_body_of_response(struct http_body *b, const struct http_head *h, bool to_head)
{
	int64_t length;
	int ret = body_read(b, h, &length);

	if (ret)
		return ret;
	if (to_head || h->status < 200 || h->status == 204 || h->status == 304) {
		*b = (struct http_body){ .kind = HTTP_BODY_NONE, .done = true };
		return 0;
	}
	if (b->kind == HTTP_BODY_NONE)
		b->kind = HTTP_BODY_CLOSE;
	b->done = b->kind == HTTP_BODY_LENGTH && !b->left;
	return 0;
}

void http_body_of_tunnel(struct http_body *b)
{
	*b = (struct http_body){ .kind = HTTP_BODY_CLOSE };
}

static int body_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A byte of the size; no more digits than its sum can hold. */
static int body_size(struct http_body *b, char c)
{
	int digit = body_digit(c);

	if (digit >= 0) {
		if (b->left >= BODY_MOST / 16)
			return BODY_BAD;
		b->left = b->left * 16 + (uint64_t)digit;
		return BODY_SIZE;
	}
	if (b->step == BODY_SIZE_BEGIN)
		return BODY_BAD;
	if (c == '\r')
		return BODY_SIZE_END;
	if (c == ';')
		return BODY_EXTENSION;
	return c == ' ' || c == '\t' ? BODY_BLANK : BODY_BAD;
}

static int body_blank(char c)
{
	if (c == ';')
		return BODY_EXTENSION;
	return c == ' ' || c == '\t' ? BODY_BLANK : BODY_BAD;
}

/* Any text up to the line's end: again is the step of the text, after the one of the line feed. */
static int body_text(char c, int again, int after)
{
	if (c == '\r')
		return after;
	return http_byte_is_value(c) ? again : BODY_BAD;
}

static int body_trailer(const struct http_body *b, char c)
{
	if (b->step == BODY_TRAILER_BEGIN && c == '\r')
		return BODY_LAST_END;
	if (b->step == BODY_TRAILER_NAME && c == ':')
		return BODY_TRAILER_VALUE;
	return http_byte_is_token(c) ? BODY_TRAILER_NAME : BODY_BAD;
}

/* What a line feed that had to come leads to. */
static int body_line_end(struct http_body *b, char c)
{
	if (c != '\n')
		return BODY_BAD;
	b->line = 0;
	switch (b->step) {
	case BODY_SIZE_END:
		b->bytes += b->left;
		return b->left ? BODY_DATA : BODY_TRAILER_BEGIN;
	case BODY_DATA_END:
		return BODY_SIZE_BEGIN;
	case BODY_TRAILER_END:
		return BODY_TRAILER_BEGIN;
	default:
		b->done = true;
		return BODY_LAST_END;
	}
}

/* One byte of what is not data: the next step. */
static int body_step(struct http_body *b, char c)
{
	switch (b->step) {
	case BODY_SIZE_BEGIN:
	case BODY_SIZE:
		return body_size(b, c);
	case BODY_BLANK:
		return body_blank(c);
	case BODY_EXTENSION:
		return body_text(c, BODY_EXTENSION, BODY_SIZE_END);
	case BODY_DATA_RETURN:
		return c == '\r' ? BODY_DATA_END : BODY_BAD;
	case BODY_TRAILER_BEGIN:
	case BODY_TRAILER_NAME:
		return body_trailer(b, c);
	case BODY_TRAILER_VALUE:
		return body_text(c, BODY_TRAILER_VALUE, BODY_TRAILER_END);
	default:
		return body_line_end(b, c);
	}
}

static bool body_is_too_long(struct http_body *b)
{
	if (b->step >= BODY_TRAILER_BEGIN)
		return ++b->trailers > HTTP_BODY_TRAILERS;
	return b->step != BODY_DATA && ++b->line > HTTP_BODY_LINE;
}

static ssize_t body_take_chunks(struct http_body *b, const char *bytes, size_t length)
{
	size_t at = 0;

	while (at < length && !b->done) {
		int step;

		if (b->step == BODY_DATA) {
			size_t n = b->left < length - at ? (size_t)b->left : length - at;

			at += n;
			b->left -= n;
			if (!b->left)
				b->step = BODY_DATA_RETURN;
			continue;
		}
		step = body_step(b, bytes[at++]);
		if (step < 0 || body_is_too_long(b))
			return BODY_BAD;
		b->step = (uint8_t)step;
	}
	return (ssize_t)at;
}

ssize_t http_body_take(struct http_body *b, const char *bytes, size_t length)
{
	size_t n = length;

	if (b->done)
		return 0;
	if (b->kind == HTTP_BODY_CHUNKED)
		return body_take_chunks(b, bytes, length);
	if (b->kind == HTTP_BODY_LENGTH) {
		n = b->left < length ? (size_t)b->left : length;
		b->left -= n;
		b->done = !b->left;
	}
	return (ssize_t)n;
}

size_t http_body_unchunk(const char *body, size_t length, char *out)
{
	const char *at = body, *end = body + length;
	size_t all = 0;

	while (at < end) {
		size_t n = strtoull(at, NULL, 16); /* well-formed: it ends with its line */
		const char *data = memchr(at, '\n', (size_t)(end - at));

		if (!n || !data || (size_t)(end - data) < n + 3)
			break;
		memcpy(out + all, data + 1, n);
		all += n;
		at = data + 1 + n + 2;
	}
	return all;
}
