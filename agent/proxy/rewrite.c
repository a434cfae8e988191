#include "rewrite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void rewrite_put(struct rewrite *out, const char *at, size_t length)
{
	if (out->length > out->size)
		return;
	if (out->size - out->length >= length)
		memcpy(out->at + out->length, at, length);
	else
		length = out->size - out->length + 1; /* beyond its end from here on */
	out->length += length;
}

void rewrite_put_text(struct rewrite *out, const char *text)
{
	rewrite_put(out, text, strlen(text));
}

int rewrite_result(const struct rewrite *out)
{
	return out->length <= out->size ? 0 : -EFBIG;
}

static void rewrite_put_span(struct rewrite *out, const struct http_text *text)
{
	rewrite_put(out, text->at, text->length);
}

/* As it came but for blanks at its end. */
void rewrite_put_field(struct rewrite *out, const struct http_field *f)
{
	rewrite_put(out, f->name.at, (size_t)(f->value.at + f->value.length - f->name.at));
	rewrite_put(out, "\r\n", 2);
}

static void rewrite_put_line(struct rewrite *out, const char *name, const char *value)
{
	rewrite_put_text(out, name);
	rewrite_put(out, ": ", 2);
	rewrite_put_text(out, value);
	rewrite_put(out, "\r\n", 2);
}

/* The next field of that name, hop or not. */
static const struct http_field *rewrite_any(const struct http_head *h, enum http_name id,
					    const struct http_field *behind)
{
	const struct http_field *end = h->fields + h->count;

	for (const struct http_field *f = behind ? behind + 1 : h->fields; f < end; f++)
		if (f->id == id)
			return f;
	return NULL;
}

/* Is this word in a list of that name? Up to a semicolon: "trailers;q=1" is one. */
static bool rewrite_lists(const struct http_head *h, enum http_name id, const char *word)
{
	const struct http_field *f = NULL;
	struct http_text one;

	while ((f = rewrite_any(h, id, f))) {
		struct http_text rest = f->value;

		while (http_text_next(&rest, &one)) {
			const char *end = memchr(one.at, ';', one.length);

			if (end)
				one.length = (size_t)(end - one.at);
			if (http_text_is(&one, word))
				return true;
		}
	}
	return false;
}

bool rewrite_upgrades(const struct http_head *h)
{
	return h->upgrade && h->minor && !rewrite_lists(h, HTTP_UPGRADE, "h2c");
}

static void rewrite_put_upgrade(struct rewrite *out, const struct http_head *h)
{
	const struct http_field *f = NULL;

	while ((f = rewrite_any(h, HTTP_UPGRADE, f)))
		rewrite_put_field(out, f);
}

/* What this connection says of itself. */
static void rewrite_put_hops(struct rewrite *out, const struct http_head *h)
{
	bool upgrades = rewrite_upgrades(h), trailers = rewrite_lists(h, HTTP_TE, "trailers");

	if (upgrades)
		rewrite_put_upgrade(out, h);
	if (trailers)
		rewrite_put_line(out, "TE", "trailers");
	if (upgrades || trailers)
		rewrite_put_line(out, "Connection",
				 !trailers  ? "Upgrade"
				 : upgrades ? "Upgrade, TE"
					    : "TE");
}

static void rewrite_put_forwarded(struct rewrite *out, const struct rewrite_request *how)
{
	char value[96];

	if (how->forwarded == PROXY_FORWARDED_NONE || !how->from)
		return;
	if (how->forwarded == PROXY_FORWARDED_X) {
		rewrite_put_line(out, "X-Forwarded-For", how->from);
		return;
	}
	snprintf(value, sizeof(value), strchr(how->from, ':') ? "for=\"[%s]\"" : "for=%s",
		 how->from);
	rewrite_put_line(out, "Forwarded", value);
}

static void rewrite_put_via(struct rewrite *out, const struct http_head *h, const char *via)
{
	char value[96];

	if (!via)
		return;
	snprintf(value, sizeof(value), "1.%u %s", h->minor, via);
	rewrite_put_line(out, "Via", value);
}

static bool rewrite_leaves_out(const struct http_field *f, const struct rewrite_request *how)
{
	if (f->hop || (how->without_cookies && f->id == HTTP_COOKIE))
		return true;
	return how->fetch && (f->id == HTTP_IF_NONE_MATCH || f->id == HTTP_IF_MODIFIED_SINCE);
}

int rewrite_request(struct rewrite *out, const struct http_head *h,
		    const struct rewrite_request *how)
{
	out->length = 0;
	rewrite_put_span(out, &h->method);
	rewrite_put(out, " ", 1);
	rewrite_put_span(out, &h->target);
	rewrite_put_text(out, h->minor || how->fetch ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n");
	for (uint32_t i = 0; i < h->count; i++)
		if (!rewrite_leaves_out(&h->fields[i], how))
			rewrite_put_field(out, &h->fields[i]);
	rewrite_put_hops(out, h);
	rewrite_put_forwarded(out, how);
	rewrite_put_via(out, h, how->via);
	rewrite_put(out, "\r\n", 2);
	return rewrite_result(out);
}

void rewrite_put_status(struct rewrite *out, const struct http_head *h)
{
	char line[16];

	snprintf(line, sizeof(line), "HTTP/1.1 %03u ", h->status);
	rewrite_put_text(out, line);
	rewrite_put_span(out, &h->reason);
	rewrite_put(out, "\r\n", 2);
}

static bool rewrite_keeps(const struct http_field *f, const struct rewrite_reply *how)
{
	if (f->hop)
		return false;
	if (how->unframed && (f->id == HTTP_CONTENT_LENGTH || f->id == HTTP_TRANSFER_ENCODING))
		return false;
	return !how->cache || f->id != HTTP_X_CACHE;
}

int rewrite_reply(struct rewrite *out, const struct http_head *h, const struct rewrite_reply *how)
{
	rewrite_put_status(out, h);
	for (uint32_t i = 0; i < h->count; i++)
		if (rewrite_keeps(&h->fields[i], how))
			rewrite_put_field(out, &h->fields[i]);
	if (how->tunnel || h->status == 426)
		rewrite_put_upgrade(out, h);
	if (how->tunnel)
		rewrite_put_line(out, "Connection", "Upgrade");
	else if (how->close)
		rewrite_put_line(out, "Connection", "close");
	else if (how->keep_alive)
		rewrite_put_line(out, "Connection", "keep-alive");
	if (how->cache)
		rewrite_put_line(out, "X-Cache", how->cache);
	rewrite_put_via(out, h, how->via);
	rewrite_put(out, "\r\n", 2);
	return rewrite_result(out);
}
