#include "redis_url.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define REDIS_URL_DB_MAX 16383
#define REDIS_PREFIX_MAX 64

static int redis_url_number(const char *text, size_t length, uint32_t most, uint32_t *out)
{
	uint32_t value = 0;

	if (!length || length > 5)
		return -EINVAL;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		value = value * 10 + (uint32_t)(text[i] - '0');
	}
	*out = value;
	return value > most ? -EINVAL : 0;
}

static int redis_url_hex(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;

	return at ? (int)(at - digits) : -1;
}

static int redis_url_unescape(const char *text, size_t length, char out[REDIS_URL_SECRET])
{
	size_t n = 0;

	for (size_t i = 0; i < length; i++, n++) {
		int high, low;

		if (n >= REDIS_URL_SECRET - 1)
			return -EINVAL;
		out[n] = text[i];
		if (text[i] != '%')
			continue;
		high = i + 1 < length ? redis_url_hex(text[i + 1]) : -1;
		low = i + 2 < length ? redis_url_hex(text[i + 2]) : -1;
		if (high < 0 || low < 0 || (high == 0 && low == 0))
			return -EINVAL;
		out[n] = (char)(high << 4 | low);
		i += 2;
	}
	out[n] = '\0';
	return 0;
}

/* "user:password", ":password"; without a colon it is a user alone, who has no password. */
static int redis_url_who(struct redis_url *u, const char *text, size_t length, const char **reason)
{
	const char *colon = memchr(text, ':', length);
	size_t user = colon ? (size_t)(colon - text) : length;

	*reason = "must name user:password@, or :password@, escaped as %XX where needed";
	if (!colon || redis_url_unescape(text, user, u->user))
		return -EINVAL;
	return redis_url_unescape(colon + 1, length - user - 1, u->password);
}

/* Where the host ends, of which *text is the beginning then; NULL: it does not. */
static const char *redis_url_host(const char **text, size_t length)
{
	const char *end;

	if (!length || **text != '[') {
		end = memchr(*text, ':', length);
		return end ? end : *text + length;
	}
	end = memchr(*text, ']', length); /* IPv6, which has colons of its own */
	++*text;
	return end;
}

static bool redis_url_is_host(const char *text, size_t length)
{
	return length && length < sizeof(((struct redis_place *)0)->host) &&
	       !memchr(text, '%', length) && !memchr(text, ' ', length);
}

static int redis_url_where(struct redis_place *p, const char *text, size_t length,
			   const char **reason)
{
	const char *end = text + length, *host_end = redis_url_host(&text, length), *rest;
	uint32_t port = REDIS_URL_PORT;

	*reason = "must name a host, and a port from 1 to 65535 where it is not 6379";
	if (!host_end || !redis_url_is_host(text, (size_t)(host_end - text)))
		return -EINVAL;
	rest = host_end + (host_end < end && *host_end == ']');
	if (rest < end &&
	    (*rest != ':' || redis_url_number(rest + 1, (size_t)(end - rest - 1), 65535, &port) ||
	     !port))
		return -EINVAL;
	memcpy(p->host, text, (size_t)(host_end - text));
	p->port = (uint16_t)port;
	return 0;
}

static int redis_url_db(struct redis_url *u, const char *text, const char **reason)
{
	*reason = "must name its database by a number from 0 to 16383";
	return redis_url_number(text, strlen(text), REDIS_URL_DB_MAX, &u->db);
}

static int redis_url_tcp(struct redis_url *one, const char *text, const char **reason)
{
	size_t length = strcspn(text, "/?#");
	const char *at = memrchr(text, '@', length), *rest = text + length;
	int ret = at ? redis_url_who(one, text, (size_t)(at - text), reason) : 0;

	if (ret)
		return ret;
	at = at ? at + 1 : text;
	ret = redis_url_where(&one->places[0], at, (size_t)(rest - at), reason);
	if (ret || !*rest || !strcmp(rest, "/"))
		return ret;
	*reason = "must end with its host and port, or with /db";
	return *rest == '/' ? redis_url_db(one, rest + 1, reason) : -EINVAL;
}

static int redis_url_unix(struct redis_url *one, const char *text, const char **reason)
{
	size_t length = strcspn(text, "?");

	*reason = "must name the absolute path of a socket, of up to 107 bytes";
	if (*text != '/' || length >= REDIS_URL_PATH)
		return -EINVAL;
	memcpy(one->places[0].path, text, length);
	if (!text[length])
		return 0;
	*reason = "must end with the path, or with ?db=n";
	return strncmp(text + length, "?db=", 4) ? -EINVAL
						 : redis_url_db(one, text + length + 4, reason);
}

static int redis_url_parse(struct redis_url *one, const char *text, const char **reason)
{
	if (!strncmp(text, "redis://", 8))
		return redis_url_tcp(one, text + 8, reason);
	if (!strncmp(text, "unix://", 7))
		return redis_url_unix(one, text + 7, reason);
	*reason = "must be redis://host:port/db or unix://path";
	if (!strncmp(text, "rediss://", 9))
		*reason = "must be redis://, or unix:// to a tunnel: TLS is unavailable with "
			  "this hiredis";
	return -EINVAL;
}

/* What the second says must be what the first said; "" says nothing. */
static bool redis_url_joins(char *to, const char *from)
{
	if (!*to)
		memcpy(to, from, REDIS_URL_SECRET);
	return !*from || !strcmp(to, from);
}

int redis_url_add(struct redis_url *out, const char *text, const char **reason)
{
	struct redis_url one = { .count = 1 };
	int ret = redis_url_parse(&one, text, reason);

	if (!ret && out->count == REDIS_URL_NODES) {
		*reason = "must be 16 nodes at most: they name the rest of their cluster";
		ret = -EINVAL;
	}
	if (!ret && out->count &&
	    (one.places[0].path[0] || out->places[0].path[0] || one.db || out->db)) {
		*reason =
			"must be one, or nodes of a cluster, which has no databases and no sockets";
		ret = -EINVAL;
	}
	if (!ret && (!redis_url_joins(out->user, one.user) ||
		     !redis_url_joins(out->password, one.password))) {
		*reason = "must name the user and password that the others name, or none";
		ret = -EINVAL;
	}
	if (!ret) {
		out->db = one.db;
		out->places[out->count++] = one.places[0];
	}
	explicit_bzero(&one, sizeof(one));
	return ret;
}

void redis_place_show(const struct redis_place *p, char *out, size_t size)
{
	bool v6 = strchr(p->host, ':') != NULL;

	if (*p->path)
		snprintf(out, size, "unix://%s", p->path);
	else
		snprintf(out, size, "redis://%s%s%s:%u", v6 ? "[" : "", p->host, v6 ? "]" : "",
			 p->port);
}

int redis_prefix_check(const char *text, const char **reason)
{
	static const char taken[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:";
	size_t length = strlen(text);

	*reason = "must be 2 to 64 letters, digits, dots, underscores, dashes and colons, the last "
		  "one a colon";
	if (length < 2 || length > REDIS_PREFIX_MAX || text[length - 1] != ':')
		return -EINVAL;
	return text[strspn(text, taken)] ? -EINVAL : 0;
}
