#include "drop.h"

#include "glob.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DROP_HEAD 16u
#define DROP_VERSION 1

static const char drop_magic[] = "RSD";

static bool drop_is_text(enum drop_kind kind, size_t length)
{
	static const size_t most[DROP_KINDS] = { CACHE_KEY_MAX, CACHE_KEY_MAX, GLOB_BYTES,
						 CACHE_TAG };

	return length <= most[kind] && (length || kind == DROP_PREFIX);
}

int drop_open(struct drop **out, enum drop_kind kind, const struct cache_bytes *text)
{
	struct drop *d;
	int ret = 0;

	*out = NULL;
	if (!drop_is_text(kind, text->length))
		return -EINVAL;
	d = malloc(sizeof(*d) + text->length);
	if (!d)
		return -ENOMEM;
	*d = (struct drop){ .kind = kind, .length = text->length };
	if (text->length)
		memcpy(d->text, text->at, text->length);
	if (kind == DROP_PATTERN)
		ret = glob_open(&d->glob, d->text, d->length);
	if (ret) {
		free(d);
		return ret;
	}
	*out = d;
	return 0;
}

void drop_close(struct drop *d)
{
	if (d)
		glob_close(d->glob);
	free(d);
}

/* Is it one of the names that blanks part? */
static bool drop_is_among(const struct drop *d, const char *tags)
{
	while (*tags) {
		size_t n = strcspn(tags, " ");

		if (n == d->length && !memcmp(tags, d->text, n))
			return true;
		tags += n + (tags[n] == ' ');
	}
	return false;
}

bool drop_takes(const struct drop *d, const struct cache_bytes *key, const char *tags)
{
	switch (d->kind) {
	case DROP_KEY:
		return key->length == d->length && !memcmp(key->at, d->text, d->length);
	case DROP_PREFIX:
		return key->length >= d->length && !memcmp(key->at, d->text, d->length);
	case DROP_PATTERN:
		return glob_matches(d->glob, key->at, key->length);
	default:
		return !tags || drop_is_among(d, tags);
	}
}

bool drop_is_same(const struct drop *a, const struct drop *b)
{
	return a->kind == b->kind && a->length == b->length && !memcmp(a->text, b->text, a->length);
}

int drop_apply(const struct drop *d, struct cache *c, uint64_t now_ns)
{
	const struct cache_bytes text = { d->text, d->length };
	struct cache_clear clear = { .now_ns = now_ns };
	int ret = 0;

	if (d->kind == DROP_KEY) {
		cache_invalidate_key(c, &text, now_ns);
		return 0;
	}
	if (d->kind == DROP_PREFIX) {
		clear.prefix = text;
	} else if (d->kind == DROP_TAG) {
		clear.tags = &text;
		clear.tag_count = 1;
	} else {
		ret = glob_open(&clear.pattern, d->text, d->length); /* the clear keeps it */
	}
	return ret ? ret : cache_clear(c, &clear);
}

int drop_write(const struct drop *d, uint64_t sender, void **out, size_t *length)
{
	const uint64_t from = htole64(sender);
	unsigned char *at = calloc(1, DROP_HEAD + d->length);

	*out = at;
	if (!at)
		return -ENOMEM;
	memcpy(at, drop_magic, sizeof(drop_magic) - 1);
	at[3] = DROP_VERSION;
	at[4] = (unsigned char)d->kind;
	memcpy(at + 8, &from, sizeof(from));
	memcpy(at + DROP_HEAD, d->text, d->length);
	*length = DROP_HEAD + d->length;
	return 0;
}

int drop_read(const void *message, size_t length, uint64_t *sender, struct drop **out)
{
	static const unsigned char none[3] = { 0, 0, 0 };
	const unsigned char *at = message;
	struct cache_bytes text;
	int ret;

	*out = NULL;
	if (length < DROP_HEAD || memcmp(at, drop_magic, sizeof(drop_magic) - 1) != 0 ||
	    at[3] != DROP_VERSION || at[4] >= DROP_KINDS || memcmp(at + 5, none, sizeof(none)) != 0)
		return -EBADMSG;
	memcpy(sender, at + 8, sizeof(*sender));
	*sender = le64toh(*sender);
	text = (struct cache_bytes){ at + DROP_HEAD, length - DROP_HEAD };
	ret = drop_open(out, (enum drop_kind)at[4], &text);
	return ret == -EINVAL ? -EBADMSG : ret;
}
