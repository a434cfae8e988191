#include "proxy_key.h"

#include "siphash.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct http_text proxy_key_path(const struct http_head *h)
{
	const char *query = memchr(h->target.at, '?', h->target.length);

	return (struct http_text){ h->target.at,
				   query ? (size_t)(query - h->target.at) : h->target.length };
}

/* What stands behind the question mark. */
static struct http_text key_query(const struct http_head *h)
{
	struct http_text path = proxy_key_path(h);
	size_t from = path.length < h->target.length ? path.length + 1 : path.length;

	return (struct http_text){ h->target.at + from, h->target.length - from };
}

bool proxy_key_fits(const char *pattern, const struct http_text *text)
{
	const char *at = text->at, *end = at + text->length, *star = NULL, *again = NULL;

	while (at < end || *pattern == '*') {
		bool quoted = *pattern == '\\' && pattern[1];

		if (*pattern == '*') {
			star = ++pattern;
			again = at;
		} else if (*pattern && (*pattern == '?' || pattern[quoted] == *at)) {
			pattern += 1 + quoted;
			at++;
		} else if (star) {
			pattern = star;
			at = ++again; /* the last star takes one more */
		} else {
			return false;
		}
	}
	return !*pattern;
}

const struct proxy_rule *proxy_key_rule(const struct proxy_site *s, const struct http_head *h)
{
	struct http_text path = proxy_key_path(h);

	for (uint32_t i = 0; i < s->rule_count; i++)
		if (proxy_key_fits(s->rules[i].match, &path))
			return &s->rules[i];
	return NULL;
}

/* The next "name=value" of a query; *name: its name. */
static bool key_parameter(struct http_text *rest, struct http_text *out, struct http_text *name)
{
	const char *end, *equals;

	if (!rest->length)
		return false;
	end = memchr(rest->at, '&', rest->length);
	*out = (struct http_text){ rest->at, end ? (size_t)(end - rest->at) : rest->length };
	rest->at += out->length + (end != NULL);
	rest->length -= out->length + (end != NULL);
	equals = memchr(out->at, '=', out->length);
	*name = (struct http_text){ out->at, equals ? (size_t)(equals - out->at) : out->length };
	return true;
}

static bool key_is_name(const struct http_text *name, const char *word)
{
	return name->length == strlen(word) && !memcmp(name->at, word, name->length);
}

static bool key_is_among(const struct proxy_names *names, const struct http_text *name)
{
	for (uint32_t i = 0; i < names->count; i++)
		if (key_is_name(name, names->at[i]))
			return true;
	return false;
}

/* Is a name written so that the application may read another one than we do? */
static bool key_is_veiled(const struct http_text *query)
{
	struct http_text rest = *query, one, name;

	if (memchr(query->at, ';', query->length))
		return true;
	while (key_parameter(&rest, &one, &name))
		if (memchr(name.at, '%', name.length) || memchr(name.at, '+', name.length))
			return true;
	return false;
}

static bool key_query_has(const struct proxy_names *names, const struct http_head *h)
{
	struct http_text query = key_query(h), one, name;

	if (!names->count)
		return false;
	if (key_is_veiled(&query))
		return true;
	while (key_parameter(&query, &one, &name))
		if (key_is_among(names, &name))
			return true;
	return false;
}

static bool key_has_cookie(const struct proxy_names *names, const struct http_text *cookies)
{
	const char *at = cookies->at, *end = at + cookies->length;

	while (at < end) {
		const char *last = memchr(at, ';', (size_t)(end - at)), *equals;
		struct http_text name;

		while (at < end && (*at == ' ' || *at == '\t'))
			at++;
		if (!last)
			last = end;
		equals = last > at ? memchr(at, '=', (size_t)(last - at)) : NULL;
		name = (struct http_text){ at, (size_t)((equals ? equals : last) - at) };
		if (at <= last && key_is_among(names, &name))
			return true;
		at = last + 1;
	}
	return false;
}

bool proxy_key_is_excluded(const struct proxy_rule *r, const struct http_head *h)
{
	const struct http_field *f = NULL;

	if (key_query_has(&r->unless_query, h))
		return true;
	for (uint32_t i = 0; i < r->unless_headers.count; i++)
		if (http_head_named(h, r->unless_headers.at[i], NULL))
			return true;
	while (r->unless_cookies.count && (f = http_head_get(h, HTTP_COOKIE, f)))
		if (key_has_cookie(&r->unless_cookies, &f->value))
			return true;
	return false;
}

static void key_add(struct proxy_key *k, const char *at, size_t length)
{
	if (k->size - k->length >= length)
		memcpy(k->at + k->length, at, length);
	else
		length = k->size - k->length + 1; /* beyond its end from here on */
	k->length += length;
}

static void key_put(struct proxy_key *k, const char *at, size_t length)
{
	if (k->length <= k->size)
		key_add(k, at, length);
}

static void key_put_text(struct proxy_key *k, const struct http_text *text)
{
	key_put(k, text->at, text->length);
}

static int key_result(const struct proxy_key *k)
{
	return k->length <= k->size ? 0 : -EFBIG;
}

static void key_put_line(struct proxy_key *k, const char *name, size_t length,
			 const struct http_text *value)
{
	key_put(k, "\n", 1);
	for (size_t i = 0; i < length; i++) {
		char lower = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] | 0x20) : name[i];

		key_put(k, &lower, 1);
	}
	if (!value)
		return;
	key_put(k, "=", 1);
	key_put_text(k, value);
}

/* All fields of a name; one that is not there is told from one that is empty. */
static void key_put_header(struct proxy_key *k, const struct http_text *name,
			   const struct http_head *h)
{
	bool any = false;

	for (uint32_t i = 0; i < h->count; i++) {
		const struct http_field *f = &h->fields[i];

		if (f->hop || f->name.length != name->length ||
		    strncasecmp(f->name.at, name->at, name->length) != 0)
			continue;
		key_put_line(k, name->at, name->length, &f->value);
		any = true;
	}
	if (!any)
		key_put_line(k, name->at, name->length, NULL);
}

static void key_put_query(struct proxy_key *k, const struct proxy_rule *r,
			  const struct http_head *h)
{
	struct http_text query = key_query(h), rest, one, name;

	key_put(k, "?", 1);
	if (r->every_query) {
		key_put_text(k, &query);
		return;
	}
	if (r->query.count && key_is_veiled(&query)) {
		key_put(k, "?", 1);
		key_put_text(k, &query);
		return;
	}
	for (uint32_t i = 0; i < r->query.count; i++) {
		rest = query;
		while (key_parameter(&rest, &one, &name)) {
			if (!key_is_name(&name, r->query.at[i]))
				continue;
			key_put(k, "&", 1);
			key_put_text(k, &one);
		}
	}
}

int proxy_key_make(struct proxy_key *k, const struct proxy_rule *r, const struct http_head *h)
{
	const struct http_field *host = http_head_get(h, HTTP_HOST, NULL);
	struct http_text path = proxy_key_path(h);

	k->length = 0;
	key_put(k, r->name, strlen(r->name));
	key_put(k, ":", 1);
	if (host)
		key_put_text(k, &host->value);
	key_put_text(k, &path);
	key_put_query(k, r, h);
	for (uint32_t i = 0; i < r->headers.count; i++) {
		const struct http_text name = { r->headers.at[i], strlen(r->headers.at[i]) };

		key_put_header(k, &name, h);
	}
	if (!(h->known >> HTTP_KEYED_FIRST))
		return key_result(k);
	for (uint32_t i = 0; i < h->count; i++) {
		const struct http_field *f = &h->fields[i];

		if (f->id >= HTTP_KEYED_FIRST && !f->hop)
			key_put_line(k, f->name.at, f->name.length, &f->value);
	}
	return key_result(k);
}

int proxy_key_vary(struct proxy_key *k, const struct http_text *vary, const struct http_head *h)
{
	struct http_text rest = *vary, name;

	key_put(k, "\n~", 2);
	while (http_text_next(&rest, &name))
		key_put_header(k, &name, h);
	return key_result(k);
}

void proxy_key_tag(const struct http_head *h, char out[PROXY_KEY_TAG])
{
	static const uint64_t none[2] = { 0, 0 };
	const struct http_field *host = http_head_get(h, HTTP_HOST, NULL);
	struct http_text path = proxy_key_path(h);
	uint64_t of_host[2] = { 0, 0 };

	if (host)
		of_host[0] = siphash(none, host->value.at, host->value.length);
	snprintf(out, PROXY_KEY_TAG, "@%016llx",
		 (unsigned long long)siphash(of_host, path.at, path.length));
}
