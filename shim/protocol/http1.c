#include "http1.h"

#include "fields.h"
#include "hot.h"
#include "upgrade.h"

#include <ringside/abi.h>

#define HTTP1_VERSION_BYTES 8u /* HTTP/1.1 */
#define HTTP1_METHOD_MOST 16u

void http1_init(struct http1 *p)
{
	memset(p, 0, offsetof(struct http1, tail));
}

static RARE enum http1_event http1_bad(struct http1 *p, enum rs_unparsed why)
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
} http1_methods[] HOT_TABLE = {
	{ LINE_WORD('G', 'E', 'T', 0, 0, 0, 0, 0), 3, RS_METHOD_GET },
	{ LINE_WORD('P', 'O', 'S', 'T', 0, 0, 0, 0), 4, RS_METHOD_POST },
	{ LINE_WORD('H', 'E', 'A', 'D', 0, 0, 0, 0), 4, RS_METHOD_HEAD },
	{ LINE_WORD('P', 'U', 'T', 0, 0, 0, 0, 0), 3, RS_METHOD_PUT },
	{ LINE_WORD('D', 'E', 'L', 'E', 'T', 'E', 0, 0), 6, RS_METHOD_DELETE },
	{ LINE_WORD('P', 'A', 'T', 'C', 'H', 0, 0, 0), 5, RS_METHOD_PATCH },
	{ LINE_WORD('O', 'P', 'T', 'I', 'O', 'N', 'S', 0), 7, RS_METHOD_OPTIONS },
	{ LINE_WORD('C', 'O', 'N', 'N', 'E', 'C', 'T', 0), 7, RS_METHOD_CONNECT },
	{ LINE_WORD('T', 'R', 'A', 'C', 'E', 0, 0, 0), 5, RS_METHOD_TRACE },
};

static bool http1_is_token(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || (c >= 'a' && c <= 'z');
}

uint8_t http1_method(const uint8_t *text, size_t length)
{
	uint64_t word = line_word(text);

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
static RARE const uint8_t *http1_behind_authority(const uint8_t *at, const uint8_t **end)
{
	const uint8_t *colon = line_find(at, *end, ':', '/');

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

/* What stands between method and version; nginx takes any number of blanks on both sides. */
static inline bool http1_target(struct http1 *p, const uint8_t *at, const uint8_t *end)
{
	while (at < end && end[-1] == ' ')
		end--;
	while (at < end && *at == ' ')
		at++;
	if (at >= end)
		return false;
	if (*at != '/')
		at = http1_behind_authority(at, &end);
	end = line_find(at, end, '?', '#');
	p->path = at;
	p->path_length = (uint8_t)(end - at < RS_PATH_BYTES ? end - at : RS_PATH_BYTES);
	return true;
}

/* Its first bytes are kept, as of a line in pieces: who sent it shows in them. */
static RARE enum http1_event http1_no_request(struct http1 *p, const struct line *line)
{
	memmove(p->text, line->text, line->kept);
	p->line = line->length;
	return http1_bad(p, RS_UNPARSED_GARBAGE);
}

static HOT enum http1_event http1_request_line(struct http1 *p, const struct line *line)
{
	const uint8_t *text = line->text;
	const uint8_t *end = text + line->kept;
	const uint8_t *at = text;
	const uint8_t *version = line->end - HTTP1_VERSION_BYTES;

	if (line->length < 12 || version[-1] != ' ' ||
	    (line_word(version) & UINT64_C(0xffffffffffffff)) !=
		    LINE_WORD('H', 'T', 'T', 'P', '/', '1', '.', 0) ||
	    (uint8_t)(version[7] - '0') > 9)
		return http1_no_request(p, line);
	p->method = RS_METHOD_GET;
	if ((uint32_t)line_word(text) == (uint32_t)LINE_WORD('G', 'E', 'T', ' ', 0, 0, 0, 0)) {
		at += 3;
	} else {
		while (at < text + HTTP1_METHOD_MOST && http1_is_token(*at))
			at++;
		p->method = http1_method(text, (size_t)(at - text));
	}
	if (*at != ' ' || at == text)
		return http1_no_request(p, line);
	p->minor = (uint8_t)(version[7] - '0');
	at++;
	if (line->length - line->kept < HTTP1_VERSION_BYTES + 1)
		end = text + line->length - (HTTP1_VERSION_BYTES + 1);
	if (!http1_target(p, at, end))
		return http1_no_request(p, line);
	p->step = HTTP1_AT_FIELDS;
	return HTTP1_TARGET;
}

static enum http1_event http1_status_line(struct http1 *p, const struct line *line)
{
	const uint8_t *t = line->text;

	if (line->length < 12 ||
	    (line_word(t) & UINT64_C(0xffffffffffffff)) !=
		    LINE_WORD('H', 'T', 'T', 'P', '/', '1', '.', 0) ||
	    (uint8_t)(t[7] - '0') > 9 || t[8] != ' ' || (uint8_t)(t[9] - '1') > 8 ||
	    (uint8_t)(t[10] - '0') > 9 || (uint8_t)(t[11] - '0') > 9 ||
	    (line->length > 12 && t[12] != ' '))
		return http1_bad(p, RS_UNPARSED_GARBAGE);
	p->minor = (uint8_t)(t[7] - '0');
	p->status = (uint16_t)((t[9] - '0') * 100 + (t[10] - '0') * 10 + (t[11] - '0'));
	p->step = HTTP1_AT_FIELDS;
	return HTTP1_STATUS;
}

/* HTTP1_MORE: a body follows. */
static enum http1_event http1_body(struct http1 *p)
{
	if (p->fields & FIELDS_CHUNKED) {
		p->step = HTTP1_AT_CHUNK_SIZE;
		p->head = 0;
		return HTTP1_MORE;
	}
	p->left = p->fields & FIELDS_HAS_LENGTH ? p->length : 0;
	p->step = HTTP1_AT_BODY;
	if (p->left)
		return HTTP1_MORE;
	p->step = HTTP1_AT_START;
	return HTTP1_END;
}

static bool http1_is_ambiguous(const struct http1 *p)
{
	if (p->fields & FIELDS_AMBIGUOUS)
		return true;
	return (p->fields & FIELDS_HAS_CODING) && ((p->fields & FIELDS_HAS_LENGTH) || !p->minor);
}

static enum http1_event http1_request_head(struct http1 *p)
{
	if (http1_is_ambiguous(p) ||
	    (p->fields & (FIELDS_HAS_CODING | FIELDS_CHUNKED)) == FIELDS_HAS_CODING)
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
	if (p->fields & (FIELDS_HAS_LENGTH | FIELDS_CHUNKED))
		return http1_body(p);
	p->step = HTTP1_AT_CLOSE;
	return HTTP1_MORE;
}

/* Size and extensions; size 0 is the last. */
static RARE enum http1_event http1_chunk_size(struct http1 *p, const struct line *line)
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
		if (size >= LINE_NUMBER_MOST) /* one digit more would wrap to a last chunk */
			return http1_bad(p, RS_UNPARSED_AMBIGUOUS);
	}
	if (!i || i == HTTP1_KEPT ||
	    (i < line->kept && line->text[i] != ';' && !line_is_blank(line->text[i])))
		return http1_bad(p, RS_UNPARSED_GARBAGE);
	p->head = 0;
	p->left = size;
	p->step = size ? HTTP1_AT_CHUNK : HTTP1_AT_TRAILERS;
	return HTTP1_MORE;
}

static RARE enum http1_event http1_chunk_line(struct http1 *p, const struct line *line)
{
	if (p->step == HTTP1_AT_CHUNK_SIZE)
		return http1_chunk_size(p, line);
	if (p->step == HTTP1_AT_CHUNK_END) {
		if (line->length)
			return http1_bad(p, RS_UNPARSED_GARBAGE);
		p->step = HTTP1_AT_CHUNK_SIZE;
	} else if (!line->length) {
		p->step = HTTP1_AT_START;
		return HTTP1_END;
	}
	return HTTP1_MORE;
}

static enum http1_event http1_chunked(struct http1 *p, const uint8_t **at, const uint8_t *end)
{
	enum http1_event event;
	struct line line;

	while (*at < end) {
		if (p->step == HTTP1_AT_CHUNK) {
			*at += http1_skip(p, (uint64_t)(end - *at));
			continue;
		}
		if (!line_next(p, at, end, &line))
			return http1_unfinished(p);
		event = http1_chunk_line(p, &line);
		if (event != HTTP1_MORE)
			return event;
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
			p->step = p->step == HTTP1_AT_BODY ? HTTP1_AT_END : HTTP1_AT_CHUNK_END;
		return n;
	default:
		return 0;
	}
}

/* At the start of a message. HTTP1_TARGET: its first line is there as a whole. */
static inline enum http1_event http1_begin(struct http1 *p, const uint8_t **at, const uint8_t *end,
					   struct line *line)
{
	const uint8_t *from = *at;
	const uint8_t *stop;

	while (*at < end && (**at == '\r' || **at == '\n'))
		(*at)++;
	if (*at == end)
		return HTTP1_MORE;
	p->head = 0;
	p->fields = 0;
	p->status = 0;
	p->method = RS_METHOD_OTHER;
	p->step = HTTP1_AT_FIRST_LINE;
	stop = line_find(from, end, '\n', '\n');
	if (*at > from || stop == end)
		return HTTP1_BEGIN;
	line_cut(p, at, stop, line);
	return HTTP1_TARGET;
}

/* Everything behind a head, the same for both directions. */
static HOT enum http1_event http1_rest(struct http1 *p, const uint8_t **at, const uint8_t *end)
{
	if (p->step >= HTTP1_AT_CHUNK_SIZE && p->step <= HTTP1_AT_TRAILERS)
		return http1_chunked(p, at, end);
	*at += http1_skip(p, (uint64_t)(end - *at));
	if (p->step != HTTP1_AT_END)
		return HTTP1_MORE;
	p->step = HTTP1_AT_START;
	return HTTP1_END;
}

HOT enum http1_event http1_request(struct http1 *p, const uint8_t **at, const uint8_t *end)
{
	enum http1_event event;
	struct line line;

	if (p->step == HTTP1_AT_FIELDS) {
		if (!fields_read(p, at, end))
			return http1_unfinished(p);
		p->behind = *at;
		event = http1_request_head(p);
		return event == HTTP1_MORE ? http1_rest(p, at, end) : event;
	}
	if (p->step > HTTP1_AT_FIRST_LINE)
		return http1_rest(p, at, end);
	if (p->step == HTTP1_AT_START) {
		event = http1_begin(p, at, end, &line);
		return event == HTTP1_TARGET ? http1_request_line(p, &line) : event;
	}
	return line_next(p, at, end, &line) ? http1_request_line(p, &line) : http1_unfinished(p);
}

HOT enum http1_event http1_response(struct http1 *p, const uint8_t **at, const uint8_t *end)
{
	enum http1_event event;
	struct line line;

	if (p->step == HTTP1_AT_FIELDS) {
		if (!(p->status == 101 ? upgrade_read : fields_read)(p, at, end))
			return http1_unfinished(p);
		p->behind = *at;
		event = http1_response_head(p);
		return event == HTTP1_MORE ? http1_rest(p, at, end) : event;
	}
	if (p->step > HTTP1_AT_FIRST_LINE)
		return http1_rest(p, at, end);
	if (p->step == HTTP1_AT_START) {
		event = http1_begin(p, at, end, &line);
		return event == HTTP1_TARGET ? http1_status_line(p, &line) : event;
	}
	return line_next(p, at, end, &line) ? http1_status_line(p, &line) : http1_unfinished(p);
}

/* With WebDAV and what caches know: any word of capitals may also be the rest of a body. */
static const char http1_words[][12] = {
	"GET ",       "POST ",    "HEAD ",     "PUT ",    "DELETE ", "PATCH ",      "OPTIONS ",
	"CONNECT ",   "TRACE ",   "PROPFIND ", "MKCOL ",  "COPY ",   "MOVE ",       "LOCK ",
	"PROPPATCH ", "UNLOCK ",  "REPORT ",   "SEARCH ", "ACL ",    "MKCALENDAR ", "PURGE ",
	"BAN ",       "REFRESH ", "PRI ",      "PROXY ",  "LINK ",   "UNLINK ",     "QUERY ",
	"SUBSCRIBE ", "NOTIFY ",  "CHECKOUT ", "REBIND ",
};

int http1_is_request(const uint8_t *bytes, size_t n)
{
	size_t i = 0;

	while (i < n && (bytes[i] == '\r' || bytes[i] == '\n'))
		i++;
	bytes += i;
	n -= i;
	for (i = 0; i < sizeof(http1_words) / sizeof(http1_words[0]); i++) {
		const char *word = http1_words[i];
		size_t at = 0;

		while (at < n && at < sizeof(http1_words[0]) && word[at] &&
		       bytes[at] == (uint8_t)word[at])
			at++;
		if (at == n)
			return 1;
		if (at == sizeof(http1_words[0]) || !word[at])
			return bytes[at] > ' ' && bytes[at] < 0x7f;
	}
	return 0;
}
