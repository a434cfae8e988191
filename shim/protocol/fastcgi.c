#include "fastcgi.h"

#include <string.h>

#define FASTCGI_VERSION 1u

enum fastcgi_step {
	FASTCGI_AT_HEAD,
	FASTCGI_AT_CONTENT,
	FASTCGI_AT_PADDING,
	FASTCGI_AT_BAD,
};

void fastcgi_init(struct fastcgi *f)
{
	memset(f, 0, sizeof(*f));
}

bool fastcgi_is_begin(const uint8_t *bytes, size_t n)
{
	/* Version, type, the id's high byte, its low one (any), eight bytes of content. */
	static const uint8_t begin[] = { FASTCGI_VERSION, FASTCGI_BEGIN_REQUEST, 0, 0, 0, 8 };

	for (size_t i = 0; i < n && i < sizeof(begin); i++) {
		if (bytes[i] != begin[i] && i != 2 && i != 3)
			return false;
	}
	return n < 4 || bytes[2] || bytes[3];
}

/* What a record is about and whom: a connection's own have id 0, and nothing else has. */
static enum fastcgi_event fastcgi_head(struct fastcgi *f)
{
	const uint8_t *h = f->head;

	f->type = h[1];
	f->id = (uint16_t)(h[2] << 8 | h[3]);
	f->length = (uint16_t)(h[4] << 8 | h[5]);
	f->left = f->length;
	f->padding = h[6];
	f->got = 0;
	if (h[0] != FASTCGI_VERSION || !f->type || (f->type < FASTCGI_GET_VALUES) != (f->id != 0)) {
		f->step = FASTCGI_AT_BAD;
		return FASTCGI_BAD;
	}
	f->step = FASTCGI_AT_CONTENT;
	return FASTCGI_RECORD;
}

static enum fastcgi_event fastcgi_gather(struct fastcgi *f, const uint8_t **at, const uint8_t *end)
{
	while (*at < end && f->got < FASTCGI_HEAD_BYTES)
		f->head[f->got++] = *(*at)++;
	return f->got < FASTCGI_HEAD_BYTES ? FASTCGI_MORE : fastcgi_head(f);
}

static enum fastcgi_event fastcgi_content(struct fastcgi *f, const uint8_t **at, const uint8_t *end)
{
	size_t n = (size_t)(end - *at);

	if (!f->left) {
		f->step = FASTCGI_AT_PADDING;
		return fastcgi_next(f, at, end);
	}
	n = n < f->left ? n : f->left;
	if (!n)
		return FASTCGI_MORE;
	f->piece = *at;
	f->piece_bytes = (uint32_t)n;
	f->left = (uint16_t)(f->left - n);
	*at += n;
	return FASTCGI_PIECE;
}

static enum fastcgi_event fastcgi_padding(struct fastcgi *f, const uint8_t **at, const uint8_t *end)
{
	size_t n = (size_t)(end - *at);

	n = n < f->padding ? n : f->padding;
	f->padding = (uint8_t)(f->padding - n);
	*at += n;
	if (f->padding)
		return FASTCGI_MORE;
	f->step = FASTCGI_AT_HEAD;
	return FASTCGI_END;
}

enum fastcgi_event fastcgi_next(struct fastcgi *f, const uint8_t **at, const uint8_t *end)
{
	switch (f->step) {
	case FASTCGI_AT_HEAD:
		return fastcgi_gather(f, at, end);
	case FASTCGI_AT_CONTENT:
		return fastcgi_content(f, at, end);
	case FASTCGI_AT_PADDING:
		return fastcgi_padding(f, at, end);
	default:
		return FASTCGI_BAD;
	}
}

bool fastcgi_skip(struct fastcgi *f, uint64_t n)
{
	if (f->step != FASTCGI_AT_CONTENT || n > f->left)
		return false;
	f->left = (uint16_t)(f->left - n);
	return true;
}
