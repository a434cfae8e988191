#include "text.h"

#include <ringside/canonical.h>

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_NAME 64 /* names longer than this are far from everything */

size_t text_canonical(const void *bytes, size_t length, char *out, size_t size)
{
	return rs_canonical(bytes, length, false, out, size);
}

size_t text_words(const void *bytes, size_t length, char *out, size_t size)
{
	return rs_canonical(bytes, length, true, out, size);
}

/* RFC 3986, 2.3: what never means anything else. */
static bool text_is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("-._~", c));
}

size_t text_query(const char *text, char *out, size_t size)
{
	size_t at = 0;

	for (; *text; text++) {
		size_t need = text_is_unreserved(*text) ? 1 : 3;

		if (at + need >= size)
			break;
		snprintf(out + at, size - at, need == 1 ? "%c" : "%%%02X", (unsigned char)*text);
		at += need;
	}
	out[at] = '\0';
	return at;
}

int text_number(const char *text, double *out)
{
	char *end;

	/* strtod alone would also take blanks, hexadecimal, inf and nan. */
	if (!*text || strspn(text, "0123456789.eE+-") != strlen(text))
		return -EINVAL;
	*out = strtod(text, &end);
	return *end || !isfinite(*out) ? -EINVAL : 0;
}

struct text_unit {
	const char *name;
	double factor;
};

static int text_with_unit(const char *text, const struct text_unit *units, uint64_t *out)
{
	size_t digits = strspn(text, "0123456789.");
	char number[32];
	double value;

	if (!digits || digits >= sizeof(number))
		return -EINVAL;
	memcpy(number, text, digits);
	number[digits] = '\0';
	if (text_number(number, &value))
		return -EINVAL;
	for (; units->name; units++) {
		if (strcmp(units->name, text + digits) != 0)
			continue;
		value = value * units->factor + 0.5;
		if (value >= 9.2e18)
			return -ERANGE;
		*out = (uint64_t)value;
		return 0;
	}
	return -EINVAL;
}

int text_span_ns(const char *text, uint64_t *ns)
{
	static const struct text_unit units[] = {
		{ "ns", 1 },     { "us", 1e3 },   { "ms", 1e6 },    { "s", 1e9 }, { "m", 60e9 },
		{ "min", 60e9 }, { "h", 3600e9 }, { "d", 86400e9 }, { NULL, 0 },
	};

	return text_with_unit(text, units, ns);
}

int text_size_bytes(const char *text, uint64_t *bytes)
{
	static const struct text_unit units[] = {
		{ "", 1 },
		{ "B", 1 },
		{ "k", 1e3 },
		{ "kB", 1e3 },
		{ "KB", 1e3 },
		{ "MB", 1e6 },
		{ "GB", 1e9 },
		{ "TB", 1e12 },
		{ "KiB", 1024.0 },
		{ "MiB", 1024.0 * 1024 },
		{ "GiB", 1024.0 * 1024 * 1024 },
		{ "TiB", 1024.0 * 1024 * 1024 * 1024 },
		{ NULL, 0 },
	};

	return text_with_unit(text, units, bytes);
}

static size_t text_least(size_t a, size_t b, size_t c)
{
	size_t d = a < b ? a : b;

	return d < c ? d : c;
}

bool text_is_name(const char *name, const char *text)
{
	if (!strcmp(name, text))
		return true;
	for (; *name; name++, text++) {
		char wanted = *name;

		if (wanted == '_' && name[1] >= 'a' && name[1] <= 'z')
			wanted = (char)(*++name - 'a' + 'A');
		if (wanted != *text)
			return false;
	}
	return !*text;
}

size_t text_distance(const char *a, const char *b)
{
	size_t rows[3][TEXT_NAME + 1]; /* two rows back, for swapped neighbours */
	size_t *before = rows[0], *last = rows[1], *now = rows[2];
	size_t n = strlen(a), m = strlen(b);

	if (n > TEXT_NAME || m > TEXT_NAME)
		return n > m ? n : m;
	for (size_t k = 0; k <= m; k++)
		before[k] = last[k] = k;
	for (size_t i = 1; i <= n; i++) {
		size_t *free_row = before;

		now[0] = i;
		for (size_t k = 1; k <= m; k++) {
			now[k] = text_least(last[k] + 1, now[k - 1] + 1,
					    last[k - 1] + (a[i - 1] != b[k - 1]));
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
				now[k] = text_least(now[k], now[k], before[k - 2] + 1);
		}
		before = last;
		last = now;
		now = free_row;
	}
	return last[m];
}

/* Only the last star is gone back to: what one before it could take, this one can. */
bool text_glob(const char *pattern, const char *text)
{
	const char *star = NULL, *from = NULL;

	while (*text) {
		const char *literal = pattern[0] == '\\' && pattern[1] ? pattern + 1 : pattern;

		if (*pattern == '*') {
			star = ++pattern;
			from = text;
		} else if (*pattern == '?' || (*literal && *literal == *text)) {
			pattern = literal + 1;
			text++;
		} else if (star) {
			pattern = star;
			text = ++from;
		} else {
			return false;
		}
	}
	return pattern[strspn(pattern, "*")] == '\0';
}

static int text_port(const char *text, in_port_t *out)
{
	unsigned long value;
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	value = strtoul(text, &end, 10);
	if (*end || value > 65535)
		return -EINVAL;
	*out = htons((uint16_t)value);
	return 0;
}

int text_address(const char *text, struct sockaddr_storage *out, socklen_t *length)
{
	const char *colon = strrchr(text, ':');
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	char host[INET6_ADDRSTRLEN + 2];
	size_t n;

	if (!colon || (n = (size_t)(colon - text)) >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, n);
	host[n] = '\0';
	if (!strcmp(host, "localhost"))
		memcpy(host, "127.0.0.1", sizeof("127.0.0.1"));
	if (text_port(colon + 1, &v4.sin_port))
		return -EINVAL;
	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
		memcpy(out, &v4, sizeof(v4));
		*length = sizeof(v4);
		return 0;
	}
	if (n < 2 || host[0] != '[' || host[n - 1] != ']')
		return -EINVAL;
	host[n - 1] = '\0';
	if (inet_pton(AF_INET6, host + 1, &v6.sin6_addr) != 1)
		return -EINVAL;
	v6.sin6_port = v4.sin_port;
	memcpy(out, &v6, sizeof(v6));
	*length = sizeof(v6);
	return 0;
}
