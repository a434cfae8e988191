#include "http_head.h"

#include <string.h>
#include <strings.h>

#define HEAD_TOKEN 1u
#define HEAD_VALUE 2u
#define HEAD_TARGET 4u
#define HEAD_NAME (HEAD_TOKEN | HEAD_VALUE | HEAD_TARGET)
#define HEAD_PLAIN (HEAD_VALUE | HEAD_TARGET)

#define HEAD_BAD (-400)
#define HEAD_LARGE (-431)
#define HEAD_VERSION (-505)

_Static_assert(HTTP_NAMES <= 64, "a bit for each known name");

/* What a byte may be part of. A fragment's # is no part of a target. */
static const uint8_t head_bytes[256] = {
	['\t'] = HEAD_VALUE,
	[' '] = HEAD_VALUE,
	['!'] = HEAD_NAME,
	['"'] = HEAD_PLAIN,
	['#'] = HEAD_TOKEN | HEAD_VALUE,
	['$' ... '\''] = HEAD_NAME,
	['('] = HEAD_PLAIN,
	[')'] = HEAD_PLAIN,
	['*'] = HEAD_NAME,
	['+'] = HEAD_NAME,
	[','] = HEAD_PLAIN,
	['-'] = HEAD_NAME,
	['.'] = HEAD_NAME,
	['/'] = HEAD_PLAIN,
	['0' ... '9'] = HEAD_NAME,
	[':' ... '@'] = HEAD_PLAIN,
	['A' ... 'Z'] = HEAD_NAME,
	['['] = HEAD_PLAIN,
	['\\'] = HEAD_PLAIN,
	[']'] = HEAD_PLAIN,
	['^' ... 'z'] = HEAD_NAME,
	['{'] = HEAD_PLAIN,
	['|'] = HEAD_NAME,
	['}'] = HEAD_PLAIN,
	['~'] = HEAD_NAME,
	[0x80 ... 0xff] = HEAD_PLAIN,
};

static const char *const head_names[HTTP_NAMES] = {
	[HTTP_AGE] = "age",
	[HTTP_AUTHORIZATION] = "authorization",
	[HTTP_CACHE_CONTROL] = "cache-control",
	[HTTP_CACHE_TAG] = "cache-tag",
	[HTTP_CONNECTION] = "connection",
	[HTTP_CONTENT_LENGTH] = "content-length",
	[HTTP_CONTENT_LOCATION] = "content-location",
	[HTTP_COOKIE] = "cookie",
	[HTTP_DATE] = "date",
	[HTTP_ETAG] = "etag",
	[HTTP_EXPECT] = "expect",
	[HTTP_EXPIRES] = "expires",
	[HTTP_HOST] = "host",
	[HTTP_HTTP2_SETTINGS] = "http2-settings",
	[HTTP_IF_MATCH] = "if-match",
	[HTTP_IF_MODIFIED_SINCE] = "if-modified-since",
	[HTTP_IF_NONE_MATCH] = "if-none-match",
	[HTTP_IF_RANGE] = "if-range",
	[HTTP_IF_UNMODIFIED_SINCE] = "if-unmodified-since",
	[HTTP_KEEP_ALIVE] = "keep-alive",
	[HTTP_LAST_MODIFIED] = "last-modified",
	[HTTP_PRAGMA] = "pragma",
	[HTTP_PROXY_CONNECTION] = "proxy-connection",
	[HTTP_RANGE] = "range",
	[HTTP_SET_COOKIE] = "set-cookie",
	[HTTP_SURROGATE_KEY] = "surrogate-key",
	[HTTP_TE] = "te",
	[HTTP_TRANSFER_ENCODING] = "transfer-encoding",
	[HTTP_UPGRADE] = "upgrade",
	[HTTP_VARY] = "vary",
	[HTTP_X_CACHE] = "x-cache",
	[HTTP_FORWARDED] = "forwarded",
	[HTTP_X_FORWARDED_HOST] = "x-forwarded-host",
	[HTTP_X_FORWARDED_PORT] = "x-forwarded-port",
	[HTTP_X_FORWARDED_PREFIX] = "x-forwarded-prefix",
	[HTTP_X_FORWARDED_PROTO] = "x-forwarded-proto",
	[HTTP_X_FORWARDED_SCHEME] = "x-forwarded-scheme",
	[HTTP_X_FORWARDED_SERVER] = "x-forwarded-server",
	[HTTP_X_HOST] = "x-host",
	[HTTP_X_HTTP_METHOD_OVERRIDE] = "x-http-method-override",
	[HTTP_X_METHOD_OVERRIDE] = "x-method-override",
	[HTTP_X_ORIGINAL_URL] = "x-original-url",
	[HTTP_X_REWRITE_URL] = "x-rewrite-url",
};

bool http_byte_is_value(char byte)
{
	return head_bytes[(uint8_t)byte] & HEAD_VALUE;
}

bool http_byte_is_token(char byte)
{
	return head_bytes[(uint8_t)byte] & HEAD_TOKEN;
}

/* How many of the bytes at the begin are of this kind. */
static size_t head_span(const char *at, const char *end, unsigned int kind)
{
	const char *from = at;

	while (at < end && head_bytes[(uint8_t)*at] & kind)
		at++;
	return (size_t)(at - from);
}

long http_head_find(const char *bytes, size_t length, size_t *seen)
{
	const char *end = bytes + length, *at = bytes + *seen, *line;

	while ((line = memchr(at, '\n', (size_t)(end - at)))) {
		size_t n = (size_t)(line - bytes);

		if (!n || line[-1] != '\r')
			return HEAD_BAD;
		at = line + 1;
		if (n >= 3 && line[-2] == '\n')
			return at - bytes;
	}
	*seen = length;
	return 0;
}

bool http_text_is(const struct http_text *text, const char *word)
{
	return text->length == strlen(word) && !strncasecmp(text->at, word, text->length);
}

static uint8_t head_name_find(const struct http_text *name)
{
	/* a look at the first byte leaves a few to compare */
	for (int i = 1; i < HTTP_NAMES; i++) {
		if (head_names[i][0] == (name->at[0] | 0x20) && http_text_is(name, head_names[i]))
			return (uint8_t)i;
	}
	return HTTP_OTHER;
}

static bool head_is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

void http_text_trim(struct http_text *text)
{
	while (text->length && head_is_blank(*text->at)) {
		text->at++;
		text->length--;
	}
	while (text->length && head_is_blank(text->at[text->length - 1]))
		text->length--;
}

/* "name: value", its line ending cut off already. */
static int head_field(struct http_head *h, const char *at, const char *end)
{
	struct http_field *f = &h->fields[h->count];
	size_t n = head_span(at, end, HEAD_TOKEN);

	if (!n || at + n == end || at[n] != ':')
		return HEAD_BAD;
	if (h->count == HTTP_HEAD_FIELDS)
		return HEAD_LARGE;
	*f = (struct http_field){ .name = { at, n } };
	f->id = head_name_find(&f->name);
	at += n + 1;
	if (head_span(at, end, HEAD_VALUE) != (size_t)(end - at))
		return HEAD_BAD;
	f->value = (struct http_text){ at, (size_t)(end - at) };
	http_text_trim(&f->value);
	h->known |= UINT64_C(1) << f->id;
	h->count++;
	return 0;
}

/* *out: up to the line's end; the next line's begin, or NULL. The end of a head is there. */
static const char *head_line(const char *at, const char *end, struct http_text *out)
{
	const char *line = memchr(at, '\n', (size_t)(end - at));

	if (!line || line == at || line[-1] != '\r')
		return NULL;
	*out = (struct http_text){ at, (size_t)(line - 1 - at) };
	return line + 1;
}

static int head_fields(struct http_head *h, const char *at, const char *end)
{
	struct http_text line;

	while ((at = head_line(at, end, &line))) {
		int ret;

		if (!line.length)
			return at == end ? 0 : HEAD_BAD;
		ret = head_field(h, line.at, line.at + line.length);
		if (ret)
			return ret;
	}
	return HEAD_BAD;
}

bool http_text_next(struct http_text *rest, struct http_text *out)
{
	while (rest->length) {
		const char *comma = memchr(rest->at, ',', rest->length);
		size_t n = comma ? (size_t)(comma - rest->at) : rest->length;

		*out = (struct http_text){ rest->at, n };
		rest->at += comma ? n + 1 : n;
		rest->length -= comma ? n + 1 : n;
		http_text_trim(out);
		if (out->length)
			return true;
	}
	return false;
}

/* One name of Connection. What says where a message ends, and for whom it is, must not go. */
static int head_connection_name(struct http_head *h, const struct http_text *name)
{
	static const uint8_t kept[] = { HTTP_HOST, HTTP_CONTENT_LENGTH, HTTP_TRANSFER_ENCODING };

	h->close |= http_text_is(name, "close");
	h->keep_alive |= http_text_is(name, "keep-alive");
	h->upgrade |= http_text_is(name, "upgrade") && h->known >> HTTP_UPGRADE & 1;
	for (size_t i = 0; i < sizeof(kept); i++)
		if (http_text_is(name, head_names[kept[i]]))
			return HEAD_BAD;
	for (uint32_t i = 0; i < h->count; i++) {
		struct http_field *f = &h->fields[i];

		if (f->name.length == name->length &&
		    !strncasecmp(f->name.at, name->at, name->length))
			f->hop = true;
	}
	return 0;
}

/* Marks what is of this connection alone. */
static int head_hops(struct http_head *h)
{
	const uint64_t always = UINT64_C(1) << HTTP_CONNECTION | UINT64_C(1) << HTTP_KEEP_ALIVE |
				UINT64_C(1) << HTTP_PROXY_CONNECTION | UINT64_C(1) << HTTP_TE |
				UINT64_C(1) << HTTP_UPGRADE | UINT64_C(1) << HTTP_HTTP2_SETTINGS;

	if (!(h->known & always))
		return 0;
	for (uint32_t i = 0; i < h->count; i++) {
		struct http_text rest = h->fields[i].value, name;

		h->fields[i].hop |= always >> h->fields[i].id & 1;
		if (h->fields[i].id != HTTP_CONNECTION)
			continue;
		while (http_text_next(&rest, &name))
			if (head_connection_name(h, &name))
				return HEAD_BAD;
	}
	return 0;
}

/* "HTTP/1.1" */
static int head_version(struct http_head *h, const char *at, size_t length)
{
	if (length != 8 || memcmp(at, "HTTP/", 5) != 0 || at[6] != '.' || at[5] < '0' ||
	    at[5] > '9' || at[7] < '0' || at[7] > '9')
		return HEAD_BAD;
	if (at[5] != '1' || at[7] > '1')
		return HEAD_VERSION;
	h->minor = (uint8_t)(at[7] - '0');
	return 0;
}

static int head_request_line(struct http_head *h, const struct http_text *line)
{
	const char *at = line->at, *end = at + line->length;

	h->method = (struct http_text){ at, head_span(at, end, HEAD_TOKEN) };
	at += h->method.length;
	if (!h->method.length || at == end || *at++ != ' ')
		return HEAD_BAD;
	h->target = (struct http_text){ at, head_span(at, end, HEAD_TARGET) };
	at += h->target.length;
	if (!h->target.length || at == end || *at++ != ' ')
		return HEAD_BAD;
	return head_version(h, at, (size_t)(end - at));
}

static int head_status_line(struct http_head *h, const struct http_text *line)
{
	const char *at = line->at, *end = at + line->length;
	int ret;

	if (line->length < 12 || at[8] != ' ')
		return HEAD_BAD;
	ret = head_version(h, at, 8);
	if (ret)
		return ret;
	for (int i = 9; i < 12; i++) {
		if (at[i] < '0' || at[i] > '9')
			return HEAD_BAD;
		h->status = (uint16_t)(h->status * 10 + (at[i] - '0'));
	}
	at += 12;
	if (h->status < 100 || h->status > 599 || (at < end && *at != ' '))
		return HEAD_BAD;
	at += at < end;
	h->reason = (struct http_text){ at, (size_t)(end - at) };
	return head_span(at, end, HEAD_VALUE) == h->reason.length ? 0 : HEAD_BAD;
}

/* The fields are set as they come: a hundred of them are not cleared for the three there are. */
static int head_read(struct http_head *h, const char *bytes, size_t length, bool request)
{
	struct http_text line;
	const char *rest = head_line(bytes, bytes + length, &line);
	int ret;

	memset(h, 0, offsetof(struct http_head, fields));
	if (!rest)
		return HEAD_BAD;
	ret = request ? head_request_line(h, &line) : head_status_line(h, &line);
	if (!ret)
		ret = head_fields(h, rest, bytes + length);
	return ret ? ret : head_hops(h);
}

int http_head_request(struct http_head *h, const char *bytes, size_t length)
{
	return head_read(h, bytes, length, true);
}

int http_head_response(struct http_head *h, const char *bytes, size_t length)
{
	return head_read(h, bytes, length, false);
}

const struct http_field *http_head_get(const struct http_head *h, enum http_name id,
				       const struct http_field *behind)
{
	const struct http_field *end = h->fields + h->count;

	if (!(h->known >> id & 1))
		return NULL;
	for (const struct http_field *f = behind ? behind + 1 : h->fields; f < end; f++)
		if (f->id == id && !f->hop)
			return f;
	return NULL;
}

const struct http_field *http_head_named(const struct http_head *h, const char *name,
					 const struct http_field *behind)
{
	const struct http_field *end = h->fields + h->count;

	for (const struct http_field *f = behind ? behind + 1 : h->fields; f < end; f++)
		if (!f->hop && http_text_is(&f->name, name))
			return f;
	return NULL;
}

bool http_head_has(const struct http_head *h, enum http_name id)
{
	return http_head_get(h, id, NULL) != NULL;
}
