#include "stored.h"

#include "cache.h"
#include "http_body.h"
#include "http_date.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a 304 must tell again (RFC 9110, 15.4.5). */
static bool stored_is_short(uint8_t id)
{
	return id == HTTP_CACHE_CONTROL || id == HTTP_CONTENT_LOCATION || id == HTTP_DATE ||
	       id == HTTP_ETAG || id == HTTP_EXPIRES || id == HTTP_VARY ||
	       id == HTTP_LAST_MODIFIED || id == HTTP_SURROGATE_KEY || id == HTTP_CACHE_TAG;
}

static bool stored_is_kept(const struct http_field *f)
{
	return !f->hop && f->id != HTTP_AGE && f->id != HTTP_X_CACHE &&
	       f->id != HTTP_CONTENT_LENGTH && f->id != HTTP_TRANSFER_ENCODING;
}

static void stored_put_date(struct rewrite *out, const struct http_head *reply, int64_t wall_s)
{
	char date[HTTP_DATE_TEXT];

	if (http_head_has(reply, HTTP_DATE))
		return;
	http_date_format(wall_s, date);
	rewrite_put_text(out, "Date: ");
	rewrite_put_text(out, date);
	rewrite_put_text(out, "\r\n");
}

/* *etag_at: where its value stands; 0: nowhere. */
static void stored_put_head(struct rewrite *out, const struct stored_parts *p, size_t *etag_at)
{
	char length[48];

	rewrite_put_status(out, p->reply);
	for (uint32_t i = 0; i < p->reply->count; i++) {
		const struct http_field *f = &p->reply->fields[i];

		if (!stored_is_kept(f))
			continue;
		if (f->id == HTTP_ETAG && !*etag_at)
			*etag_at = out->length + (size_t)(f->value.at - f->name.at);
		rewrite_put_field(out, f);
	}
	stored_put_date(out, p->reply, p->wall_s);
	if (p->reply->status == 204)
		return;
	snprintf(length, sizeof(length), "Content-Length: %zu\r\n", p->length);
	rewrite_put_text(out, length);
}

static void stored_put_short_head(struct rewrite *out, const struct stored_parts *p)
{
	rewrite_put_text(out, "HTTP/1.1 304 Not Modified\r\n");
	for (uint32_t i = 0; i < p->reply->count; i++)
		if (!p->reply->fields[i].hop && stored_is_short(p->reply->fields[i].id))
			rewrite_put_field(out, &p->reply->fields[i]);
	stored_put_date(out, p->reply, p->wall_s);
}

static int64_t stored_modified_s(const struct stored_parts *p)
{
	const struct http_field *f = http_head_get(p->reply, HTTP_LAST_MODIFIED, NULL);
	int64_t s;

	return f && !http_date_parse(&f->value, p->wall_s, &s) ? s : -1;
}

int stored_make(const struct stored_parts *parts, void **out, size_t *length)
{
	const struct http_field *etag = http_head_get(parts->reply, HTTP_ETAG, NULL);
	size_t room = sizeof(struct stored) + 2 * STORED_HEAD, etag_at = 0;
	char *bytes = malloc(room + parts->body.length);
	struct rewrite text = { .at = bytes, .size = room, .length = sizeof(struct stored) };
	struct stored s = { .kind = STORED_REPLY,
			    .status = parts->reply->status,
			    .modified_s = stored_modified_s(parts),
			    .times = parts->times };

	if (!bytes)
		return -ENOMEM;
	stored_put_head(&text, parts, &etag_at);
	s.head = (uint32_t)(text.length - sizeof(s));
	stored_put_short_head(&text, parts);
	if (rewrite_result(&text)) {
		free(bytes);
		return -EFBIG;
	}
	s.short_head = (uint32_t)(text.length - sizeof(s) - s.head);
	if (etag_at) {
		s.etag_at = (uint32_t)(etag_at - sizeof(s));
		s.etag = (uint32_t)etag->value.length;
	}
	memcpy(bytes, &s, sizeof(s));
	if (parts->chunked)
		http_body_unchunk(parts->body.at, parts->body.length, bytes + text.length);
	else if (parts->body.length)
		memcpy(bytes + text.length, parts->body.at, parts->body.length);
	*out = bytes;
	*length = text.length + parts->length;
	return 0;
}

int stored_mark(enum stored_kind kind, const struct http_text *vary, void **out, size_t *length)
{
	struct stored s = { .kind = kind, .vary = vary ? (uint32_t)vary->length : 0 };
	char *bytes = malloc(sizeof(s) + s.vary);

	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, &s, sizeof(s));
	if (s.vary)
		memcpy(bytes + sizeof(s), vary->at, s.vary);
	*out = bytes;
	*length = sizeof(s) + s.vary;
	return 0;
}

int stored_read(const void *bytes, size_t length, struct stored_view *out)
{
	const char *at = (const char *)bytes + sizeof(struct stored);
	size_t left = length - sizeof(struct stored);
	const struct stored *s = &out->is;

	if (length < sizeof(struct stored))
		return -EBADMSG;
	memcpy(&out->is, bytes, sizeof(out->is));
	if (s->kind < STORED_REPLY || s->kind > STORED_PASS ||
	    (uint64_t)s->head + s->short_head + s->vary > left ||
	    (uint64_t)s->etag_at + s->etag > s->head)
		return -EBADMSG;
	out->head = (struct http_text){ at, s->head };
	out->short_head = (struct http_text){ at + s->head, s->short_head };
	out->vary = (struct http_text){ at + s->head + s->short_head, s->vary };
	at += s->head + s->short_head + s->vary;
	left -= s->head + s->short_head + s->vary;
	out->body = (struct http_text){ at, left };
	return 0;
}

int stored_vary(const struct http_head *reply, struct rewrite *out)
{
	const struct http_field *f = NULL;

	while ((f = http_head_get(reply, HTTP_VARY, f))) {
		if (out->length)
			rewrite_put(out, ",", 1);
		rewrite_put(out, f->value.at, f->value.length);
	}
	return rewrite_result(out);
}

/* Visible bytes but the comma, as the cache takes them. */
static bool stored_is_tag_byte(char c)
{
	return c > 0x20 && c < 0x7f && c != ',';
}

/* Surrogate-Key parts its tags by blanks, Cache-Tag by commas: no tag has either. */
static int stored_tags_of(const struct http_text *value, struct cache_bytes *out, size_t *count)
{
	const char *at = value->at, *end = at + value->length;

	while (at < end) {
		const char *from = at;

		while (at < end && stored_is_tag_byte(*at))
			at++;
		if (at - from > (long)CACHE_TAG || (at > from && *count == STORED_TAGS))
			return -EFBIG;
		if (at > from)
			out[(*count)++] = (struct cache_bytes){ from, (size_t)(at - from) };
		at += at < end;
	}
	return 0;
}

int stored_tags(const struct http_head *reply, struct cache_bytes out[STORED_TAGS], size_t *count)
{
	static const enum http_name names[] = { HTTP_SURROGATE_KEY, HTTP_CACHE_TAG };

	*count = 0;
	for (size_t i = 0; i < 2; i++) {
		const struct http_field *f = NULL;

		while ((f = http_head_get(reply, names[i], f)))
			if (stored_tags_of(&f->value, out, count))
				return -EFBIG;
	}
	return 0;
}

/* A tag without its W/: compared weakly. */
static struct http_text stored_opaque(struct http_text tag)
{
	if (tag.length > 2 && !memcmp(tag.at, "W/", 2)) {
		tag.at += 2;
		tag.length -= 2;
	}
	return tag;
}

/* The next of a list of tags; one may hold a comma in its quotes. */
static bool stored_next(struct http_text *rest, struct http_text *out)
{
	bool quoted = false;
	size_t n = 0;

	if (!rest->length)
		return false;
	for (; n < rest->length && (quoted || rest->at[n] != ','); n++)
		quoted ^= rest->at[n] == '"';
	*out = (struct http_text){ rest->at, n };
	n += n < rest->length;
	rest->at += n;
	rest->length -= n;
	http_text_trim(out);
	return true;
}

static bool stored_lists(const struct http_text *list, const struct http_text *etag)
{
	struct http_text rest = *list, is = stored_opaque(*etag), one;

	while (stored_next(&rest, &one)) {
		if (one.length == 1 && *one.at == '*')
			return true;
		one = stored_opaque(one);
		if (is.length && one.length == is.length && !memcmp(one.at, is.at, is.length))
			return true;
	}
	return false;
}

bool stored_is_known(const struct stored_view *v, const struct http_head *request, int64_t wall_s)
{
	const struct http_field *f = http_head_get(request, HTTP_IF_NONE_MATCH, NULL);
	const struct http_text etag = { v->head.at + v->is.etag_at, v->is.etag };
	int64_t since_s;

	if (v->is.status != 200)
		return false;
	if (f) {
		for (; f; f = http_head_get(request, HTTP_IF_NONE_MATCH, f))
			if (stored_lists(&f->value, &etag))
				return true;
		return false;
	}
	f = http_head_get(request, HTTP_IF_MODIFIED_SINCE, NULL);
	return f && v->is.modified_s >= 0 && !http_date_parse(&f->value, wall_s, &since_s) &&
	       v->is.modified_s <= since_s;
}
