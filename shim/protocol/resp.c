#include "resp.h"

#include <ringside/abi.h>
#include <string.h>

#define RESP_NUMBER_DIGITS 10u              /* of 2^31 - 1 */
#define RESP_ITEMS_MOST (UINT64_C(1) << 40) /* of a reply, nested ones included */

#define RESP_IS(p, text) resp_same((p)->name, (p)->name_length, text, sizeof(text) - 1)

static bool resp_same(const uint8_t *name, size_t n, const char *text, size_t length)
{
	return n == length && !memcmp(name, text, length);
}

static bool resp_is_one_of(const uint8_t *name, size_t n, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (resp_same(name, n, list[i], strlen(list[i])))
			return true;
	return false;
}

static enum resp_event resp_bad(struct resp *p, uint8_t why)
{
	p->step = RESP_AT_BAD;
	p->why = why;
	return RESP_BAD;
}

void resp_init(struct resp *p)
{
	memset(p, 0, sizeof(*p));
}

static uint8_t resp_upper(uint8_t c)
{
	return c >= 'a' && c <= 'z' ? (uint8_t)(c - 'a' + 'A') : c;
}

static bool resp_in_name(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

static void resp_name_byte(struct resp *p, uint8_t c)
{
	c = resp_upper(c);
	if (p->nameless || !resp_in_name(c) || p->name_length == RESP_NAME_BYTES) {
		p->nameless = true;
		p->name_length = 0;
		return;
	}
	p->name[p->name_length++] = c;
}

/* The first word is complete: does the second belong to the name? */
static void resp_name_word(struct resp *p)
{
	static const char *const containers[] = {
		"ACL",      "CLIENT",   "CLUSTER", "COMMAND", "CONFIG", "DEBUG",
		"FUNCTION", "LATENCY",  "MEMORY",  "MODULE",  "OBJECT", "PUBSUB",
		"SCRIPT",   "SENTINEL", "SLOWLOG", "XGROUP",  "XINFO",
	};

	p->two = !p->nameless && resp_is_one_of(p->name, p->name_length, containers,
						sizeof(containers) / sizeof(*containers));
}

/* The bytes of a request's word, or of a reply's line: the beginning is looked at. */
static void resp_word_bytes(struct resp *p, const uint8_t *at, size_t n)
{
	if (p->word > 1 || (p->word == 1 && !p->two))
		return;
	if (n && p->word == 1 && p->two && !p->number) {
		p->number = 1; /* the second word has begun */
		if (p->name_length < RESP_NAME_BYTES)
			p->name[p->name_length++] = '|';
	}
	for (size_t i = 0; i < n && !p->nameless; i++)
		resp_name_byte(p, at[i]);
}

static void resp_word_end(struct resp *p)
{
	if (!p->word)
		resp_name_word(p);
	p->word++;
	p->number = 0;
}

static enum resp_event resp_begin(struct resp *p)
{
	uint8_t step = p->step;

	resp_init(p);
	p->step = (uint8_t)(step == RESP_AT_START ? RESP_AT_TYPE : step);
	p->first = true;
	return RESP_BEGIN;
}

static enum resp_event resp_end(struct resp *p, enum resp_event event)
{
	p->step = RESP_AT_START;
	return event;
}

/* One byte of a length; true: its line is over. */
static bool resp_number(struct resp *p, uint8_t c)
{
	if (c >= '0' && c <= '9' && !p->line) {
		p->number = p->number * 10 + (c - '0');
		if (p->digits++ < RESP_NUMBER_DIGITS && p->number <= RESP_LENGTH_MOST)
			return false;
		resp_bad(p, RS_UNPARSED_HEAD_LIMIT);
	} else if (c == '-' && !p->digits && !p->minus) {
		p->minus = true;
	} else if (c == '\r' && p->digits && !p->line) {
		p->line = 1;
	} else if (c == '\n' && p->line) {
		return true;
	} else {
		resp_bad(p, RS_UNPARSED_GARBAGE);
	}
	return false;
}

static void resp_number_begin(struct resp *p, uint8_t type)
{
	p->type = type;
	p->step = RESP_AT_NUMBER;
	p->number = 0;
	p->digits = 0;
	p->line = 0;
	p->minus = false;
}

/* A request's length is complete. */
static enum resp_event resp_request_number(struct resp *p)
{
	if (p->type == '*') {
		if (p->minus || !p->number)
			return resp_end(p, RESP_EMPTY);
		p->items = p->number;
		p->step = RESP_AT_TYPE;
		p->number = 0;
		return RESP_MORE;
	}
	if (p->minus)
		return resp_bad(p, RS_UNPARSED_GARBAGE);
	p->left = p->number;
	p->number = 0;
	p->step = RESP_AT_VALUE;
	return RESP_MORE;
}

static enum resp_event resp_request_type(struct resp *p, const uint8_t **at)
{
	uint8_t c = **at;

	if (p->items && c != '$')
		return resp_bad(p, RS_UNPARSED_GARBAGE);
	if (!p->items && c != '*') { /* the byte is the line's own */
		p->step = RESP_AT_INLINE;
		return RESP_MORE;
	}
	(*at)++;
	resp_number_begin(p, c);
	return RESP_MORE;
}

/* One byte of an inline command. */
static enum resp_event resp_inline(struct resp *p, uint8_t c)
{
	bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';

	if (++p->line > RESP_INLINE_MOST)
		return resp_bad(p, RS_UNPARSED_HEAD_LIMIT);
	if (!blank) {
		p->first = false; /* in a word */
		resp_word_bytes(p, &c, 1);
	} else if (!p->first) {
		p->first = true;
		resp_word_end(p);
	}
	if (c != '\n')
		return RESP_MORE;
	return resp_end(p, p->word ? RESP_END : RESP_EMPTY);
}

/* The bytes of a value, as far as they are there; true: there are no more. */
static bool resp_value(struct resp *p, const uint8_t **at, const uint8_t *end, size_t *n)
{
	*n = (size_t)(end - *at);
	if (*n > p->left)
		*n = (size_t)p->left;
	p->left -= *n;
	*at += *n;
	return !p->left;
}

/* The line end behind a value; false: it is none. */
static bool resp_value_end(struct resp *p, uint8_t c)
{
	if (c != (p->step == RESP_AT_RETURN ? '\r' : '\n')) {
		resp_bad(p, RS_UNPARSED_GARBAGE);
		return false;
	}
	p->step = (uint8_t)(p->step == RESP_AT_RETURN ? RESP_AT_NEWLINE : RESP_AT_TYPE);
	return true;
}

static enum resp_event resp_request_value(struct resp *p, const uint8_t **at, const uint8_t *end)
{
	const uint8_t *from = *at;
	size_t n;

	if (resp_value(p, at, end, &n))
		p->step = RESP_AT_RETURN;
	resp_word_bytes(p, from, n);
	return RESP_MORE;
}

static enum resp_event resp_request_step(struct resp *p, const uint8_t **at, const uint8_t *end)
{
	switch (p->step) {
	case RESP_AT_START:
		return resp_begin(p);
	case RESP_AT_TYPE:
		return resp_request_type(p, at);
	case RESP_AT_NUMBER:
		if (resp_number(p, *(*at)++))
			return resp_request_number(p);
		break;
	case RESP_AT_INLINE:
		return resp_inline(p, *(*at)++);
	case RESP_AT_VALUE:
		return resp_request_value(p, at, end);
	default:
		if (!resp_value_end(p, *(*at)++) || p->step != RESP_AT_TYPE)
			break;
		resp_word_end(p);
		if (!--p->items)
			return resp_end(p, RESP_END);
	}
	return p->step == RESP_AT_BAD ? RESP_BAD : RESP_MORE;
}

enum resp_event resp_request(struct resp *p, const uint8_t **at, const uint8_t *end)
{
	enum resp_event event = RESP_MORE;

	if (p->step == RESP_AT_BAD)
		return RESP_BAD;
	while (*at < end && event == RESP_MORE)
		event = resp_request_step(p, at, end);
	return event;
}

/* A value is complete, its values included: is the message? */
static enum resp_event resp_item_end(struct resp *p)
{
	p->step = RESP_AT_TYPE;
	p->first = false;
	if (--p->items && p->items + 1 != p->floor)
		return RESP_MORE;
	p->floor -= p->floor != 0;
	p->item = true;
	if (p->items)
		return RESP_ITEM;
	return resp_end(p, p->push ? RESP_PUSH : RESP_END);
}

/* The outermost array begins: it ends itself with its last value. */
static enum resp_event resp_list(struct resp *p)
{
	p->listed = true;
	p->item = true;
	p->first = false;
	p->step = RESP_AT_TYPE;
	p->floor = p->number;
	p->items--;
	return RESP_MORE;
}

/* A reply's length is complete. */
static enum resp_event resp_reply_number(struct resp *p)
{
	bool pairs = p->type == '%' || p->type == '|';

	if (p->minus && (p->number != 1 || (p->type != '$' && p->type != '*')))
		return resp_bad(p, RS_UNPARSED_GARBAGE);
	if (p->minus)
		return resp_item_end(p);
	if (p->type == '$' || p->type == '=' || p->type == '!') {
		p->left = p->number;
		p->step = RESP_AT_VALUE;
		return RESP_MORE;
	}
	p->items += pairs ? p->number * 2 : p->number;
	if (p->items > RESP_ITEMS_MOST)
		return resp_bad(p, RS_UNPARSED_HEAD_LIMIT);
	if (p->type == '|') /* what it describes follows: one value more */
		p->items++;
	if (p->told && p->first && p->type == '*' && p->number)
		return resp_list(p);
	return resp_item_end(p);
}

static uint8_t *resp_verdict(struct resp *p)
{
	return p->first ? &p->error : &p->item_error;
}

static enum resp_event resp_reply_type(struct resp *p, uint8_t c)
{
	if (!p->items) {
		p->items = 1;
		p->push = c == '>';
	}
	switch (c) {
	case '$':
	case '=':
	case '!':
	case '*':
	case '%':
	case '~':
	case '>':
	case '|':
		resp_number_begin(p, c);
		break;
	case '+':
	case '-':
	case ':':
	case '_':
	case '#':
	case ',':
	case '(':
		p->type = c;
		p->step = RESP_AT_LINE;
		p->line = 0;
		break;
	default:
		return resp_bad(p, RS_UNPARSED_GARBAGE);
	}
	p->heard = p->first || p->item;
	p->item = false;
	if (p->heard)
		*resp_verdict(p) = c == '-' || c == '!' ? RESP_ERROR : RESP_OK;
	return RESP_MORE;
}

/* The first bytes of a line. Of an error one or two words say what it is. */
static void resp_reply_text(struct resp *p, uint8_t c)
{
	if (p->heard && p->name_length < RESP_ERROR_BYTES)
		p->name[p->name_length++] = resp_upper(c);
}

static uint8_t resp_error_of(const struct resp *p)
{
	static const struct {
		const char *text;
		uint8_t error;
	} words[] = {
		{ "ERR UNKNOWN ", RESP_ERROR_UNKNOWN }, { "MOVED ", RESP_ERROR_MOVED },
		{ "ASK ", RESP_ERROR_MOVED },           { "OOM ", RESP_ERROR_SERVER },
		{ "LOADING ", RESP_ERROR_SERVER },      { "BUSY ", RESP_ERROR_SERVER },
		{ "MISCONF ", RESP_ERROR_SERVER },      { "CLUSTERDOWN ", RESP_ERROR_SERVER },
		{ "MASTERDOWN ", RESP_ERROR_SERVER },   { "NOREPLICAS ", RESP_ERROR_SERVER },
		{ "TRYAGAIN ", RESP_ERROR_SERVER },     { "IOERR ", RESP_ERROR_SERVER },
		{ "UNBLOCKED ", RESP_ERROR_SERVER },    { "NOMASTERLINK", RESP_ERROR_SERVER },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		size_t n = strlen(words[i].text);

		if (p->name_length >= n && !memcmp(p->name, words[i].text, n))
			return words[i].error;
	}
	return RESP_ERROR;
}

static void resp_reply_judge(struct resp *p)
{
	uint8_t *verdict = resp_verdict(p);

	if (p->heard && *verdict)
		*verdict = resp_error_of(p);
	if (p->first && p->type == '+')
		p->queued = RESP_IS(p, "QUEUED");
	p->name_length = 0;
}

static enum resp_event resp_reply_line(struct resp *p, uint8_t c)
{
	if (c == '\n') {
		resp_reply_judge(p);
		return resp_item_end(p);
	}
	if (++p->line > RESP_INLINE_MOST)
		return resp_bad(p, RS_UNPARSED_HEAD_LIMIT);
	if (c != '\r')
		resp_reply_text(p, c);
	return RESP_MORE;
}

static enum resp_event resp_reply_value(struct resp *p, const uint8_t **at, const uint8_t *end)
{
	const uint8_t *from = *at;
	size_t n;

	if (resp_value(p, at, end, &n))
		p->step = RESP_AT_RETURN;
	for (size_t i = 0; p->type == '!' && i < n && p->name_length < RESP_ERROR_BYTES; i++)
		resp_reply_text(p, from[i]);
	return RESP_MORE;
}

static enum resp_event resp_reply_step(struct resp *p, const uint8_t **at, const uint8_t *end)
{
	switch (p->step) {
	case RESP_AT_START:
		return resp_begin(p);
	case RESP_AT_TYPE:
		return resp_reply_type(p, *(*at)++);
	case RESP_AT_NUMBER:
		if (resp_number(p, *(*at)++))
			return resp_reply_number(p);
		break;
	case RESP_AT_LINE:
		return resp_reply_line(p, *(*at)++);
	case RESP_AT_VALUE:
		return resp_reply_value(p, at, end);
	default:
		if (!resp_value_end(p, *(*at)++) || p->step != RESP_AT_TYPE)
			break;
		resp_reply_judge(p);
		return resp_item_end(p);
	}
	return p->step == RESP_AT_BAD ? RESP_BAD : RESP_MORE;
}

enum resp_event resp_reply(struct resp *p, const uint8_t **at, const uint8_t *end)
{
	enum resp_event event = RESP_MORE;

	if (p->step == RESP_AT_BAD)
		return RESP_BAD;
	while (*at < end && event == RESP_MORE)
		event = resp_reply_step(p, at, end);
	return event;
}

bool resp_breaks_pairs(const uint8_t *name, size_t n)
{
	static const char *const breaking[] = {
		"SUBSCRIBE",    "PSUBSCRIBE",   "SSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE",
		"SUNSUBSCRIBE", "CLIENT|REPLY", "MONITOR",    "SYNC",        "PSYNC",
	};

	return resp_is_one_of(name, n, breaking, sizeof(breaking) / sizeof(*breaking));
}

bool resp_is_request(const uint8_t *bytes, size_t n)
{
	if (n && bytes[0] != '*')
		return false;
	for (size_t i = 1; i < n; i++) {
		if (bytes[i] == '\r')
			return i > 1;
		if (bytes[i] < '0' || bytes[i] > '9' || i > RESP_NUMBER_DIGITS)
			return false;
	}
	return true;
}
