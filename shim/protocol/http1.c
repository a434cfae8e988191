#include "http1.h"

#include <ringside/abi.h>

#include <stdbool.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define HTTP1_LENGTH_MOST (UINT64_C(1) << 60)
#define HTTP1_VERSION_BYTES 8u /* HTTP/1.1 */
#define HTTP1_METHOD_MOST 16u

/* http1.fields */
#define HTTP1_HAS_LENGTH 1u
#define HTTP1_HAS_CODING 2u
#define HTTP1_CHUNKED 4u
#define HTTP1_AMBIGUOUS 8u
#define HTTP1_LAST_MATTERS 16u /* the line before was one of ours: a folded one would change it */

struct http1_view {
	const uint8_t *text; /* the line's first bytes, kept of them */
	const uint8_t *end;  /* behind its last byte; HTTP1_TAIL - 1 bytes before it can be read */
	uint32_t kept;
	uint32_t length;
};

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are compared as text");

static inline uint64_t http1_word(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

#define HTTP1_WORD(a, b, c, d, e, f, g, h)                                                         \
	((uint64_t)(a) | (uint64_t)(b) << 8 | (uint64_t)(c) << 16 | (uint64_t)(d) << 24 |          \
	 (uint64_t)(e) << 32 | (uint64_t)(f) << 40 | (uint64_t)(g) << 48 | (uint64_t)(h) << 56)
#define HTTP1_LOWER UINT64_C(0x2020202020202020)

void http1_init(struct http1 *p)
{
	memset(p, 0, offsetof(struct http1, tail));
}

/* The first byte equal to a or b, end if there is none. */
static inline __attribute__((always_inline)) const uint8_t *
http1_find(const uint8_t *at, const uint8_t *end, uint8_t a, uint8_t b)
{
#if defined(__SSE2__)
	const __m128i first = _mm_set1_epi8((char)a);
	const __m128i second = _mm_set1_epi8((char)b);

	for (; end - at >= 16; at += 16) {
		__m128i block = _mm_loadu_si128((const __m128i *)(const void *)at);
		__m128i same = _mm_cmpeq_epi8(block, first);
		int found;

		if (a != b)
			same = _mm_or_si128(same, _mm_cmpeq_epi8(block, second));
		found = _mm_movemask_epi8(same);
		if (found)
			return at + __builtin_ctz((unsigned int)found);
	}
#endif
	while (at < end && *at != a && *at != b)
		at++;
	return at;
}

static __attribute__((noinline)) void http1_keep(struct http1 *p, const uint8_t *at, size_t n)
{
	size_t room = p->line < HTTP1_KEPT ? HTTP1_KEPT - p->line : 0;

	memcpy(p->text + (HTTP1_KEPT - room), at, n < room ? n : room);
	if (n >= HTTP1_TAIL) {
		memcpy(p->tail, at + n - HTTP1_TAIL, HTTP1_TAIL);
	} else {
		memmove(p->tail, p->tail + n, HTTP1_TAIL - n);
		memcpy(p->tail + HTTP1_TAIL - n, at, n);
	}
	p->line += (uint32_t)(n < HTTP1_HEAD_MOST ? n : HTTP1_HEAD_MOST);
}

/* The next whole line without its end; false: the input ends first, or the head is too long. */
static inline __attribute__((always_inline)) bool
http1_line(struct http1 *p, const uint8_t **at, const uint8_t *end, struct http1_view *line)
{
	const uint8_t *from = *at;
	const uint8_t *stop = http1_find(from, end, '\n', '\n');
	size_t more = (size_t)(stop - from);

	p->head += (uint32_t)(more < HTTP1_HEAD_MOST ? more + 1 : HTTP1_HEAD_MOST + 1);
	if (__builtin_expect(stop == end, 0)) {
		http1_keep(p, from, more);
		*at = end;
		return false;
	}
	*at = stop + 1;
	line->text = from;
	line->end = stop;
	line->length = (uint32_t)more;
	if (__builtin_expect(p->line != 0, 0)) {
		http1_keep(p, from, more);
		line->text = p->text;
		line->end = p->tail + HTTP1_TAIL;
		line->length = p->line;
		p->line = 0;
	}
	if (line->length && line->end[-1] == '\r') {
		line->end--;
		line->length--;
	}
	line->kept = line->length < HTTP1_KEPT ? line->length : HTTP1_KEPT;
	return true;
}

static enum http1_event http1_bad(struct http1 *p, enum rs_unparsed why)
{
	p->step = HTTP1_AT_BAD;
	p->why = (uint8_t)why;
	return HTTP1_BAD;
}

/* No whole line: is there more to come, or has it been too much? */
static enum http1_event http1_unfinished(struct http1 *p)
{
	return p->head > HTTP1_HEAD_MOST ? http1_bad(p, RS_UNPARSED_HEAD_LIMIT) : HTTP1_MORE;
}

static const struct {
	uint64_t text;
	uint8_t length;
	uint8_t method;
} http1_methods[] = {
	{ HTTP1_WORD('G', 'E', 'T', 0, 0, 0, 0, 0), 3, RS_METHOD_GET },
	{ HTTP1_WORD('P', 'O', 'S', 'T', 0, 0, 0, 0), 4, RS_METHOD_POST },
	{ HTTP1_WORD('H', 'E', 'A', 'D', 0, 0, 0, 0), 4, RS_METHOD_HEAD },
	{ HTTP1_WORD('P', 'U', 'T', 0, 0, 0, 0, 0), 3, RS_METHOD_PUT },
	{ HTTP1_WORD('D', 'E', 'L', 'E', 'T', 'E', 0, 0), 6, RS_METHOD_DELETE },
	{ HTTP1_WORD('P', 'A', 'T', 'C', 'H', 0, 0, 0), 5, RS_METHOD_PATCH },
	{ HTTP1_WORD('O', 'P', 'T', 'I', 'O', 'N', 'S', 0), 7, RS_METHOD_OPTIONS },
	{ HTTP1_WORD('C', 'O', 'N', 'N', 'E', 'C', 'T', 0), 7, RS_METHOD_CONNECT },
	{ HTTP1_WORD('T', 'R', 'A', 'C', 'E', 0, 0, 0), 5, RS_METHOD_TRACE },
};

static bool http1_is_token(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || (c >= 'a' && c <= 'z');
}

/* Of a line of 12 bytes and more. */
static uint8_t http1_method_of(const uint8_t *text, size_t length)
{
	uint64_t word = http1_word(text);

	if (length >= 8)
		return RS_METHOD_OTHER;
	word &= (UINT64_C(1) << length * 8) - 1;
	for (size_t i = 0; i < sizeof(http1_methods) / sizeof(http1_methods[0]); i++) {
		if (word == http1_methods[i].text)
			return http1_methods[i].method;
	}
	return RS_METHOD_OTHER;
}

/* scheme://authority/path: on to the path. "/" where there is none. */
static const uint8_t *http1_behind_authority(const uint8_t *at, const uint8_t **end)
{
	const uint8_t *colon = http1_find(at, *end, ':', '/');

	if (*end - colon < 3 || memcmp(colon, "://", 3) != 0)
		return at; /* "*", or the authority of a CONNECT */
	for (colon += 3; colon < *end; colon++) {
		if (*colon == '/')
			return colon;
		if (*colon == '?' || *colon == '#')
			break;
	}
	*end = (const uint8_t *)"/" + 1;
	return *end - 1;
}

static enum http1_event http1_request_line(struct http1 *p, const struct http1_view *line)
{
	const uint8_t *text = line->text;
	const uint8_t *end = text + line->kept;
	const uint8_t *at = text;
	const uint8_t *version = line->end - HTTP1_VERSION_BYTES;

	if (line->length < 12 || version[-1] != ' ' ||
	    (http1_word(version) & UINT64_C(0xffffffffffffff)) !=
		    HTTP1_WORD('H', 'T', 'T', 'P', '/', '1', '.', 0) ||
	    (uint8_t)(version[7] - '0') > 9)
		return http1_bad(p, RS_UNPARSED_GARBAGE);
	p->method = RS_METHOD_GET;
	if ((uint32_t)http1_word(text) == (uint32_t)HTTP1_WORD('G', 'E', 'T', ' ', 0, 0, 0, 0)) {
		at += 3;
	} else {
		while (at < text + HTTP1_METHOD_MOST && http1_is_token(*at))
			at++;
		p->method = http1_method_of(text, (size_t)(at - text));
	}
	if (*at != ' ' || at == text)
		return http1_bad(p, RS_UNPARSED_GARBAGE);
	p->minor = (uint8_t)(version[7] - '0');
	at++;
	if (line->length - line->kept < HTTP1_VERSION_BYTES + 1)
		end = text + line->length - (HTTP1_VERSION_BYTES + 1);
	if (at >= end)
		return http1_bad(p, RS_UNPARSED_GARBAGE);
	if (*at != '/')
		at = http1_behind_authority(at, &end);
	end = http1_find(at, end, '?', '#');
	p->path = at;
	p->path_length = (uint8_t)(end - at < RS_PATH_BYTES ? end - at : RS_PATH_BYTES);
	p->step = HTTP1_AT_FIELDS;
	return HTTP1_TARGET;
}

static enum http1_event http1_status_line(struct http1 *p, const struct http1_view *line)
{
	const uint8_t *t = line->text;

	if (line->length < 12 ||
	    (http1_word(t) & UINT64_C(0xffffffffffffff)) !=
		    HTTP1_WORD('H', 'T', 'T', 'P', '/', '1', '.', 0) ||
	    (uint8_t)(t[7] - '0') > 9 || t[8] != ' ' || (uint8_t)(t[9] - '1') > 8 ||
	    (uint8_t)(t[10] - '0') > 9 || (uint8_t)(t[11] - '0') > 9 ||
	    (line->length > 12 && t[12] != ' '))
		return http1_bad(p, RS_UNPARSED_GARBAGE);
	p->minor = (uint8_t)(t[7] - '0');
	p->status = (uint16_t)((t[9] - '0') * 100 + (t[10] - '0') * 10 + (t[11] - '0'));
	p->step = HTTP1_AT_FIELDS;
	return HTTP1_STATUS;
}

static bool http1_is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static void http1_content_length(struct http1 *p, const uint8_t *at, const uint8_t *end)
{
	uint64_t length = 0;
	const uint8_t *digits;

	while (at < end && http1_is_blank(*at))
		at++;
	for (digits = at; at < end && (uint8_t)(*at - '0') <= 9; at++) {
		length = length * 10 + (uint64_t)(*at - '0');
		if (length > HTTP1_LENGTH_MOST)
			break;
	}
	if (at == digits)
		p->fields |= HTTP1_AMBIGUOUS;
	while (at < end && http1_is_blank(*at))
		at++;
	if (at < end || ((p->fields & HTTP1_HAS_LENGTH) && p->length != length))
		p->fields |= HTTP1_AMBIGUOUS;
	p->fields |= HTTP1_HAS_LENGTH;
	p->length = length;
}

static void http1_transfer_encoding(struct http1 *p, const uint8_t *at, const uint8_t *end)
{
	while (at < end && http1_is_blank(end[-1]))
		end--;
	if (p->fields & HTTP1_HAS_CODING)
		p->fields |= HTTP1_AMBIGUOUS;
	p->fields |= HTTP1_HAS_CODING;
	if (end - at < 7 || ((http1_word(end - 8) | HTTP1_LOWER) >> 8) !=
				    HTTP1_WORD('c', 'h', 'u', 'n', 'k', 'e', 'd', 0))
		return;
	end -= 7;
	if (at == end || http1_is_blank(end[-1]) || end[-1] == ',')
		p->fields |= HTTP1_CHUNKED;
}

/* The name is ours: is it the whole name, and is the whole line there? */
static const uint8_t *http1_value(struct http1 *p, const struct http1_view *line, size_t name)
{
	p->fields |= HTTP1_LAST_MATTERS;
	if (line->text[name] == ':' && line->kept == line->length)
		return line->text + name + 1;
	if (line->text[name] == ':' || http1_is_blank(line->text[name]))
		p->fields |= HTTP1_AMBIGUOUS;
	else
		p->fields &= (uint8_t)~HTTP1_LAST_MATTERS;
	return NULL;
}

static __attribute__((noinline)) void http1_field(struct http1 *p, const struct http1_view *line)
{
	const uint8_t *t = line->text;
	const uint8_t *value;

	if (http1_is_blank(t[0])) {
		if (p->fields & HTTP1_LAST_MATTERS)
			p->fields |= HTTP1_AMBIGUOUS;
		return;
	}
	p->fields &= (uint8_t)~HTTP1_LAST_MATTERS;
	if (line->kept > 14 &&
	    (http1_word(t) | HTTP1_LOWER) == (HTTP1_WORD('c', 'o', 'n', 't', 'e', 'n', 't', '-')) &&
	    (http1_word(t + 6) | HTTP1_LOWER) ==
		    (HTTP1_WORD('t', '-', 'l', 'e', 'n', 'g', 't', 'h'))) {
		value = http1_value(p, line, 14);
		if (value)
			http1_content_length(p, value, t + line->length);
	} else if (line->kept > 17 &&
		   (http1_word(t) | HTTP1_LOWER) ==
			   HTTP1_WORD('t', 'r', 'a', 'n', 's', 'f', 'e', 'r') &&
		   (http1_word(t + 8) | HTTP1_LOWER) ==
			   HTTP1_WORD('-', 'e', 'n', 'c', 'o', 'd', 'i', 'n') &&
		   (t[16] | 0x20) == 'g') {
		value = http1_value(p, line, 17);
		if (value)
			http1_transfer_encoding(p, value, t + line->length);
	}
}

/* true: the line is empty, the head is complete. */
static bool http1_one_field(struct http1 *p, const struct http1_view *line)
{
	uint8_t first;

	if (!line->length)
		return true;
	first = line->text[0] | 0x20; /* a tab becomes ')' */
	if (first == 'c' || first == 't' || first == ' ' || first == ')')
		http1_field(p, line);
	else
		p->fields &= (uint8_t)~HTTP1_LAST_MATTERS;
	return false;
}

#if defined(__SSE2__)
static inline uint64_t http1_ends_in_16(const uint8_t *at)
{
	__m128i block = _mm_loadu_si128((const __m128i *)(const void *)at);

	return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(block, _mm_set1_epi8('\n')));
}

/* A bit for each line end in the next 64 of n bytes; 16 bytes before their end can be read. */
static inline __attribute__((always_inline)) uint64_t http1_ends(const uint8_t *at, size_t n)
{
	uint64_t ends = 0;
	size_t i = 0;

	if (n >= 64)
		return http1_ends_in_16(at) | http1_ends_in_16(at + 16) << 16 |
		       http1_ends_in_16(at + 32) << 32 | http1_ends_in_16(at + 48) << 48;
	for (; i + 16 <= n; i += 16)
		ends |= http1_ends_in_16(at + i) << i;
	if (i < n)
		ends |= http1_ends_in_16(at + n - 16) >> (16 - (n - i)) << i;
	return ends;
}

/* A line that may matter, from *next on; its end is looked for here. false: it has none yet. */
static inline bool http1_candidate(struct http1 *p, const uint8_t **next, const uint8_t *end,
				   bool *complete)
{
	struct http1_view line = { .text = *next };
	const uint8_t *stop = http1_find(*next, end, '\n', '\n');

	if (stop == end)
		return false;
	line.length = (uint32_t)(stop - *next);
	line.length -= line.length && stop[-1] == '\r';
	line.kept = line.length < HTTP1_KEPT ? line.length : HTTP1_KEPT;
	*next = stop + 1;
	*complete = http1_one_field(p, &line);
	return true;
}

/* How a line begins that may matter: 8 bytes on, ours have this. 1: whatever follows. */
static const uint8_t http1_ninth[256] = {
	['c'] = 'l', ['C'] = 'l', ['t'] = '-', ['T'] = '-',
	['\r'] = 1,  ['\n'] = 1,  [' '] = 1,   ['\t'] = 1,
};

/* The others that begin with the letters of ours are many. */
static inline bool http1_may_matter(const uint8_t *at, const uint8_t *end)
{
	uint8_t ninth = http1_ninth[*at];

	return ninth && (ninth == 1 || end - at < 9 || (at[8] | 0x20) == ninth);
}

/* One line that begins at *next. behind: where a folded continuation of one of ours would be. */
static bool http1_line_begins(struct http1 *p, const uint8_t *next, const uint8_t *end,
			      const uint8_t **behind)
{
	bool complete = false;

	if (next != *behind)
		p->fields &= (uint8_t)~HTTP1_LAST_MATTERS;
	if (!http1_candidate(p, &next, end, &complete))
		return false;
	*behind = complete || (p->fields & HTTP1_LAST_MATTERS) ? next : NULL;
	return complete;
}

/*
 * Whole lines from *at on; *at is left at the last one that has no end. true: the head is complete.
 */
static bool http1_whole_fields(struct http1 *p, const uint8_t **at, const uint8_t *end)
{
	const uint8_t *behind = p->fields & HTTP1_LAST_MATTERS ? *at : NULL;
	const uint8_t *from = *at;
	const uint8_t *next = from;

	if (end - from < 16)
		return false;
	if (http1_may_matter(next, end) && http1_line_begins(p, next, end, &behind))
		goto complete;
	for (const uint8_t *block = from; block < end; block += 64) {
		uint64_t ends = http1_ends(block, (size_t)(end - block));

		for (; ends; ends &= ends - 1) {
			next = block + __builtin_ctzll(ends) + 1;
			if (next < end && http1_may_matter(next, end) &&
			    http1_line_begins(p, next, end, &behind))
				goto complete;
		}
	}
	if (next != behind)
		p->fields &= (uint8_t)~HTTP1_LAST_MATTERS;
	p->head += (uint32_t)(next - from < HTTP1_HEAD_MOST ? next - from : HTTP1_HEAD_MOST);
	*at = next;
	return false;
complete:
	*at = behind;
	return true;
}
#else
static bool http1_whole_fields(struct http1 *p, const uint8_t **at, const uint8_t *end)
{
	(void)p, (void)at, (void)end;
	return false;
}
#endif

/* The lines of a head up to the empty one. */
static bool http1_fields(struct http1 *p, const uint8_t **at, const uint8_t *end)
{
	struct http1_view line;

	if (p->line) {
		if (!http1_line(p, at, end, &line))
			return false;
		if (http1_one_field(p, &line))
			return true;
	}
	if (http1_whole_fields(p, at, end))
		return true;
	while (http1_line(p, at, end, &line)) {
		if (http1_one_field(p, &line))
			return true;
	}
	return false;
}

static enum http1_event http1_body(struct http1 *p)
{
	if (p->fields & HTTP1_CHUNKED) {
		p->step = HTTP1_AT_CHUNK_SIZE;
		p->head = 0;
		return HTTP1_HEAD;
	}
	p->left = p->fields & HTTP1_HAS_LENGTH ? p->length : 0;
	p->step = HTTP1_AT_BODY;
	if (p->left)
		return HTTP1_HEAD;
	p->step = HTTP1_AT_START;
	return HTTP1_END;
}

static bool http1_is_ambiguous(const struct http1 *p)
{
	if (p->fields & HTTP1_AMBIGUOUS)
		return true;
	return (p->fields & HTTP1_HAS_CODING) && ((p->fields & HTTP1_HAS_LENGTH) || !p->minor);
}

static enum http1_event http1_request_head(struct http1 *p)
{
	if (http1_is_ambiguous(p) ||
	    (p->fields & (HTTP1_HAS_CODING | HTTP1_CHUNKED)) == HTTP1_HAS_CODING)
		return http1_bad(p, RS_UNPARSED_AMBIGUOUS);
	if (p->method != RS_METHOD_CONNECT)
		return http1_body(p);
	p->step = HTTP1_AT_CONNECT;
	return HTTP1_END;
}

static enum http1_event http1_response_head(struct http1 *p)
{
	if (p->status == 101 ||
	    (p->method == RS_METHOD_CONNECT && p->status >= 200 && p->status < 300)) {
		p->step = HTTP1_AT_TUNNEL;
		return HTTP1_TUNNEL;
	}
	p->step = HTTP1_AT_START;
	if (p->status < 200)
		return HTTP1_INTERIM;
	if (p->method == RS_METHOD_HEAD || p->status == 204 || p->status == 304)
		return HTTP1_END;
	if (http1_is_ambiguous(p))
		return http1_bad(p, RS_UNPARSED_AMBIGUOUS);
	if (p->fields & (HTTP1_HAS_LENGTH | HTTP1_CHUNKED))
		return http1_body(p);
	p->step = HTTP1_AT_CLOSE;
	return HTTP1_HEAD;
}

/* Size and extensions: a chunk is its bytes and the line end behind them; size 0 is the last. */
static enum http1_event http1_chunk_size(struct http1 *p, const struct http1_view *line)
{
	uint64_t size = 0;
	uint32_t i;

	for (i = 0; i < line->kept; i++) {
		uint8_t c = line->text[i];
		uint8_t digit = (uint8_t)(c - '0') <= 9 ? (uint8_t)(c - '0')
							: (uint8_t)((c | 0x20) - 'a' + 10);

		if (digit > 15 || ((uint8_t)(c - '0') > 9 && digit < 10))
			break;
		size = size << 4 | digit;
		if (size > HTTP1_LENGTH_MOST)
			return http1_bad(p, RS_UNPARSED_AMBIGUOUS);
	}
	if (!i || (i < line->kept && line->text[i] != ';' && !http1_is_blank(line->text[i])))
		return http1_bad(p, RS_UNPARSED_GARBAGE);
	p->head = 0;
	p->left = size + 2;
	p->step = size ? HTTP1_AT_CHUNK : HTTP1_AT_TRAILERS;
	return HTTP1_MORE;
}

static enum http1_event http1_chunked(struct http1 *p, const uint8_t **at, const uint8_t *end)
{
	struct http1_view line;

	while (*at < end) {
		if (p->step == HTTP1_AT_CHUNK) {
			*at += http1_skip(p, (uint64_t)(end - *at));
			continue;
		}
		if (!http1_line(p, at, end, &line))
			return http1_unfinished(p);
		if (p->step == HTTP1_AT_CHUNK_SIZE) {
			if (http1_chunk_size(p, &line) == HTTP1_BAD)
				return HTTP1_BAD;
		} else if (!line.length) {
			p->step = HTTP1_AT_START;
			return HTTP1_END;
		}
	}
	return HTTP1_MORE;
}

uint64_t http1_skip(struct http1 *p, uint64_t n)
{
	switch (p->step) {
	case HTTP1_AT_CLOSE:
	case HTTP1_AT_CONNECT:
	case HTTP1_AT_TUNNEL:
	case HTTP1_AT_BAD:
		return n;
	case HTTP1_AT_BODY:
	case HTTP1_AT_CHUNK:
		n = n < p->left ? n : p->left;
		p->left -= n;
		if (!p->left)
			p->step = p->step == HTTP1_AT_BODY ? HTTP1_AT_END : HTTP1_AT_CHUNK_SIZE;
		return n;
	default:
		return 0;
	}
}

static enum http1_event http1_begin(struct http1 *p, const uint8_t **at, const uint8_t *end)
{
	while (*at < end && (**at == '\r' || **at == '\n'))
		(*at)++;
	if (*at == end)
		return HTTP1_MORE;
	p->head = 0;
	p->fields = 0;
	p->status = 0;
	p->method = RS_METHOD_OTHER;
	p->step = HTTP1_AT_FIRST_LINE;
	return HTTP1_BEGIN;
}

/* Everything behind a head, the same for both directions. */
static enum http1_event http1_rest(struct http1 *p, const uint8_t **at, const uint8_t *end)
{
	switch (p->step) {
	case HTTP1_AT_START:
		return http1_begin(p, at, end);
	case HTTP1_AT_CHUNK_SIZE:
	case HTTP1_AT_CHUNK:
	case HTTP1_AT_TRAILERS:
		return http1_chunked(p, at, end);
	default:
		*at += http1_skip(p, (uint64_t)(end - *at));
		if (p->step != HTTP1_AT_END)
			return HTTP1_MORE;
		p->step = HTTP1_AT_START;
		return HTTP1_END;
	}
}

enum http1_event http1_request(struct http1 *p, const uint8_t **at, const uint8_t *end)
{
	struct http1_view line;

	if (p->step == HTTP1_AT_FIELDS)
		return http1_fields(p, at, end) ? http1_request_head(p) : http1_unfinished(p);
	if (p->step != HTTP1_AT_FIRST_LINE)
		return http1_rest(p, at, end);
	return http1_line(p, at, end, &line) ? http1_request_line(p, &line) : http1_unfinished(p);
}

enum http1_event http1_response(struct http1 *p, const uint8_t **at, const uint8_t *end)
{
	struct http1_view line;

	if (p->step == HTTP1_AT_FIELDS)
		return http1_fields(p, at, end) ? http1_response_head(p) : http1_unfinished(p);
	if (p->step != HTTP1_AT_FIRST_LINE)
		return http1_rest(p, at, end);
	return http1_line(p, at, end, &line) ? http1_status_line(p, &line) : http1_unfinished(p);
}

int http1_is_request(const uint8_t *bytes, size_t n)
{
	size_t i = 0;

	while (i < n && (bytes[i] == '\r' || bytes[i] == '\n'))
		i++;
	bytes += i;
	n -= i;
	for (i = 0; i < n && i <= HTTP1_METHOD_MOST && bytes[i] >= 'A' && bytes[i] <= 'Z';)
		i++;
	if (i == n)
		return 1;
	return i && bytes[i] == ' ' && (i + 1 == n || (bytes[i + 1] > ' ' && bytes[i + 1] < 0x7f));
}
