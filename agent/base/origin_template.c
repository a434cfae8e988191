#include "origin_template.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORIGIN_TEMPLATE_NAME 64 /* of a placeholder, with its NUL */

static const char origin_letters[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

struct origin_writer {
	char *out;
	size_t length, size;
};

static void origin_put(struct origin_writer *w, char c)
{
	if (w->length < w->size)
		w->out[w->length] = c;
	w->length++;
}

static int origin_hex(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Does %XX stand here? at: some bytes, left of them. */
static bool origin_is_escape(const unsigned char *at, size_t left)
{
	return left > 2 && *at == '%' && origin_hex(at[1]) >= 0 && origin_hex(at[2]) >= 0;
}

static void origin_put_escaped(struct origin_writer *w, const void *bytes, size_t length, bool kept)
{
	static const char digits[] = "0123456789ABCDEF";
	const unsigned char *at = bytes;

	for (size_t i = 0; i < length; i++) {
		bool plain = at[i] && strchr("-._~", at[i]);

		if (plain || (at[i] && strchr(origin_letters, at[i])) ||
		    (kept && origin_is_escape(at + i, length - i))) {
			origin_put(w, (char)at[i]);
			continue;
		}
		origin_put(w, '%');
		origin_put(w, digits[at[i] >> 4]);
		origin_put(w, digits[at[i] & 15]);
	}
}

static int origin_end(struct origin_writer *w)
{
	if (w->length >= w->size)
		return -ENAMETOOLONG;
	w->out[w->length] = '\0';
	return (int)w->length;
}

/* The name in the braces that begin here; NULL: there is none. *end: behind them. */
static const char *origin_placeholder(const char *at, char name[ORIGIN_TEMPLATE_NAME],
				      const char **end)
{
	size_t length = strcspn(at + 1, "{}");

	if (at[length + 1] != '}' || length >= ORIGIN_TEMPLATE_NAME)
		return NULL;
	memcpy(name, at + 1, length);
	name[length] = '\0';
	*end = at + length + 2;
	return name;
}

/* Behind an address in brackets; NULL: it is none. */
static const char *origin_address_end(const char *host)
{
	size_t length = strcspn(host, "]");

	if (length < 3 || host[length] != ']' ||
	    strspn(host + 1, "0123456789abcdefABCDEF:.") != length - 1)
		return NULL;
	return host + length + 1;
}

/* Behind a name; NULL: it is none. */
static const char *origin_name_end(const char *host)
{
	size_t length = strspn(host, origin_letters);
	const char *at = host + length;

	while (length && (*at == '.' || *at == '-' || strspn(at, origin_letters)))
		at++;
	return length ? at : NULL;
}

/* Behind "http://": where the host and port end. NULL: they are none. */
static const char *origin_host_end(const char *host)
{
	const char *at = *host == '[' ? origin_address_end(host) : origin_name_end(host);
	char *end;

	if (!at || *at != ':')
		return at;
	if (at[1] < '0' || at[1] > '9')
		return NULL;
	return strtoul(at + 1, &end, 10) - 1 < 65535 ? end : NULL;
}

static const char *origin_path(const char *url)
{
	const char *host = strstr(url, "://");
	const char *end = host ? origin_host_end(host + 3) : NULL;

	return end && *end == '/' ? end : NULL;
}

/* A byte of a path as a server may read it; *at moves on. */
static unsigned char origin_path_byte(const char **at, const char *end)
{
	const unsigned char *byte = (const unsigned char *)*at;
	bool escape = origin_is_escape(byte, (size_t)(end - *at));

	*at += escape ? 3 : 1;
	return (unsigned char)(escape ? origin_hex(byte[1]) * 16 + origin_hex(byte[2]) : *byte);
}

static bool origin_climbs(const char *path)
{
	const char *end = path + strcspn(path, "?");
	size_t length = 0, dots = 0; /* of this part, up to a ; or NUL */
	bool over = false;

	while (path < end) {
		unsigned char c = origin_path_byte(&path, end);
		bool slash = c == '/' || c == '\\';

		if (slash && length && length <= 2 && length == dots)
			return true;
		over = !slash && (over || c == ';' || !c);
		length = slash ? 0 : length + !over;
		dots = slash ? 0 : dots + (!over && c == '.');
	}
	return length && length <= 2 && length == dots;
}

static int origin_url_check_bytes(const char *template)
{
	char name[ORIGIN_TEMPLATE_NAME];
	const char *end;

	for (const char *at = template; *at; at = end) {
		end = at + 1;
		if (*at <= ' ' || *at >= 0x7f || strchr("\"<>\\^`|}#", *at))
			return -EINVAL;
		if (*at == '%' && !origin_is_escape((const unsigned char *)at, strlen(at)))
			return -EINVAL;
		if (*at != '{') /* none stands in the host, which is of letters alone */
			continue;
		if (!origin_placeholder(at, name, &end) ||
		    (strcmp(name, "key") != 0 && strcmp(name, "rest") != 0))
			return -EINVAL;
	}
	return 0;
}

int origin_url_check(const char *template, const char **reason)
{
	static const struct origin_name any = { "x", 1, 0, false };
	char url[ORIGIN_TEMPLATE_URL];

	*reason = "must be http:// or https:// with a host, perhaps a port, and a path, without a "
		  "user name";
	if (strncmp(template, "http://", 7) != 0 && strncmp(template, "https://", 8) != 0)
		return -EINVAL;
	if (!origin_path(template))
		return -EINVAL;
	*reason = "must be made of what a URL may have, {key} and {rest}, without a fragment";
	if (origin_url_check_bytes(template))
		return -EINVAL;
	*reason = "must be shorter, and not have . or .. in its path";
	return origin_url_make(template, &any, url, sizeof(url)) < 0 ? -EINVAL : 0;
}

int origin_url_make(const char *template, const struct origin_name *name, char *out, size_t size)
{
	struct origin_writer w = { .out = out, .size = size };
	char placeholder[ORIGIN_TEMPLATE_NAME];
	const char *end;
	int ret;

	for (const char *at = template; *at; at = end) {
		size_t skipped;

		end = at + 1;
		if (*at != '{' || !origin_placeholder(at, placeholder, &end)) {
			origin_put(&w, *at);
			continue;
		}
		skipped = strcmp(placeholder, "rest") ? 0 : name->prefix;
		origin_put_escaped(&w, (const char *)name->key + skipped, name->length - skipped,
				   name->escaped);
	}
	ret = origin_end(&w);
	return ret >= 0 && origin_climbs(origin_path(out)) ? -EINVAL : ret;
}

/* "query.page" is what "query." wants: its name. NULL: it is something else. */
static const char *origin_part_name(const char *placeholder, const char *kind)
{
	size_t n = strlen(kind), length = strlen(placeholder);
	const char *name = placeholder + n;

	if (length <= n || strncmp(placeholder, kind, n) != 0)
		return NULL;
	for (const char *at = name; *at; at++)
		if (!strchr("-_.", *at) && !strchr(origin_letters, *at))
			return NULL;
	return name;
}

int origin_key_check(const char *template, const char *prefix, const char **reason)
{
	char name[ORIGIN_TEMPLATE_NAME];
	const char *end;

	*reason = "must begin with the prefix, and be made of visible characters, {rest}, "
		  "{query.NAME} and {header.NAME}";
	if (strncmp(template, prefix, strlen(prefix)) != 0)
		return -EINVAL;
	for (const char *at = template; *at; at = end) {
		end = at + 1;
		if (*at <= ' ' || *at >= 0x7f || *at == '}' || *at == '%')
			return -EINVAL;
		if (*at != '{')
			continue;
		if (!origin_placeholder(at, name, &end) ||
		    (strcmp(name, "rest") != 0 && !origin_part_name(name, "query.") &&
		     !origin_part_name(name, "header.")))
			return -EINVAL;
	}
	return 0;
}

int origin_key_make(const char *template, const struct origin_name *name,
		    const struct origin_parts *parts, char *out, size_t size)
{
	struct origin_writer w = { .out = out, .size = size };
	char placeholder[ORIGIN_TEMPLATE_NAME];
	const char *end, *part, *value;

	for (const char *at = template; *at; at = end) {
		end = at + 1;
		if (*at != '{' || !origin_placeholder(at, placeholder, &end)) {
			origin_put(&w, *at);
			continue;
		}
		if (!strcmp(placeholder, "rest")) {
			origin_put_escaped(&w, (const char *)name->key + name->prefix,
					   name->length - name->prefix, false);
			continue;
		}
		part = origin_part_name(placeholder, "query.");
		value = part ? parts->query(parts->ctx, part)
			     : parts->header(parts->ctx, origin_part_name(placeholder, "header."));
		if (value)
			origin_put_escaped(&w, value, strlen(value), false);
	}
	return origin_end(&w);
}
