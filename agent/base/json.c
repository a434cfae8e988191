#include "json.h"

#include "moment.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON_FIRST 4096

static bool json_room(struct json *j, size_t more)
{
	size_t size = j->size ? j->size : JSON_FIRST;
	char *bytes;

	if (j->failed)
		return false;
	while (size - j->length < more) {
		if (size > SIZE_MAX / 4) {
			j->failed = true;
			return false;
		}
		size *= 2;
	}
	if (size == j->size)
		return true;
	bytes = realloc(j->bytes, size);
	if (!bytes) {
		j->failed = true;
		return false;
	}
	j->bytes = bytes;
	j->size = size;
	return true;
}

static void json_put(struct json *j, const char *bytes, size_t length)
{
	if (!json_room(j, length))
		return;
	memcpy(j->bytes + j->length, bytes, length);
	j->length += length;
}

static void json_put_byte(struct json *j, char byte)
{
	json_put(j, &byte, 1);
}

/* Bytes that a UTF-8 sequence has by its first one; 0: none begins so. */
static size_t json_sequence_length(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc0 || first > 0xf4)
		return 0;
	if (first < 0xe0)
		return 2;
	return first < 0xf0 ? 3 : 4;
}

/* Bytes of the UTF-8 sequence at s, 0: it is none (overlong, surrogate, cut, too large). */
static size_t json_sequence(const unsigned char *s, size_t left)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = json_sequence_length(s[0]);
	uint32_t value;

	if (n == 1)
		return 1;
	if (!n || n > left)
		return 0;
	value = s[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (s[i] & 0x3f);
	}
	if (value < least[n] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 0;
	return n;
}

static void json_put_escaped(struct json *j, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char out[] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

	if (c == '"' || c == '\\') {
		out[1] = (char)c;
		json_put(j, out, 2);
	} else if (c == '\n') {
		json_put(j, "\\n", 2);
	} else {
		json_put(j, out, sizeof(out));
	}
}

static bool json_is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

static void json_put_text(struct json *j, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t left = strlen(text);

	json_put_byte(j, '"');
	while (left) {
		size_t n = 0;

		while (n < left && json_is_plain(s[n]))
			n++;
		json_put(j, (const char *)s, n);
		s += n;
		left -= n;
		if (!left)
			break;
		n = json_sequence(s, left);
		if (n > 1)
			json_put(j, (const char *)s, n);
		else if (!n)
			json_put(j, "\xef\xbf\xbd", 3);
		else
			json_put_escaped(j, *s);
		s += n ? n : 1;
		left -= n ? n : 1;
	}
	json_put_byte(j, '"');
}

static void json_begin(struct json *j, const char *key)
{
	if (j->comma)
		json_put_byte(j, ',');
	if (key) {
		json_put_text(j, key);
		json_put_byte(j, ':');
	}
	j->comma = true;
}

void json_init(struct json *j)
{
	memset(j, 0, sizeof(*j));
}

void json_fini(struct json *j)
{
	free(j->bytes);
	memset(j, 0, sizeof(*j));
}

int json_finish(struct json *j)
{
	json_put_byte(j, '\0');
	if (j->failed)
		return -ENOMEM;
	j->length--;
	return 0;
}

void json_object_begin(struct json *j, const char *key)
{
	json_begin(j, key);
	json_put_byte(j, '{');
	j->comma = false;
}

void json_object_end(struct json *j)
{
	json_put_byte(j, '}');
	j->comma = true;
}

void json_array_begin(struct json *j, const char *key)
{
	json_begin(j, key);
	json_put_byte(j, '[');
	j->comma = false;
}

void json_array_end(struct json *j)
{
	json_put_byte(j, ']');
	j->comma = true;
}

void json_raw(struct json *j, const char *key, const char *text, size_t length)
{
	json_begin(j, key);
	json_put(j, text, length);
}

void json_null(struct json *j, const char *key)
{
	json_raw(j, key, "null", 4);
}

void json_bool(struct json *j, const char *key, bool value)
{
	json_raw(j, key, value ? "true" : "false", value ? 4 : 5);
}

void json_string(struct json *j, const char *key, const char *value)
{
	if (!value) {
		json_null(j, key);
		return;
	}
	json_begin(j, key);
	json_put_text(j, value);
}

void json_uint(struct json *j, const char *key, uint64_t value)
{
	char text[24];

	json_raw(j, key, text, (size_t)snprintf(text, sizeof(text), "%" PRIu64, value));
}

void json_int(struct json *j, const char *key, int64_t value)
{
	char text[24];

	json_raw(j, key, text, (size_t)snprintf(text, sizeof(text), "%" PRId64, value));
}

static int json_decimals(double magnitude)
{
	if (magnitude < 1)
		return magnitude < 0.01 ? 8 : 6;
	return magnitude < 10 ? 4 : 3;
}

void json_double(struct json *j, const char *key, double value)
{
	char text[64];
	int n;

	if (!isfinite(value)) {
		json_null(j, key);
		return;
	}
	if (fabs(value) >= 1e15)
		n = snprintf(text, sizeof(text), "%.17g", value);
	else
		n = snprintf(text, sizeof(text), "%.*f", json_decimals(fabs(value)), value);
	if (memchr(text, '.', (size_t)n) && !memchr(text, 'e', (size_t)n)) {
		while (text[n - 1] == '0')
			n--;
		if (text[n - 1] == '.')
			n--;
	}
	if (n == 2 && text[0] == '-' && text[1] == '0')
		json_raw(j, key, "0", 1);
	else
		json_raw(j, key, text, (size_t)n);
}

void json_measure(struct json *j, const char *key, double value)
{
	if (value < 0)
		json_null(j, key);
	else
		json_double(j, key, value);
}

void json_time(struct json *j, const char *key, int64_t wall_ms)
{
	char text[MOMENT_TEXT];

	moment_format(wall_ms, text);
	json_string(j, key, text);
}
