#include "fields.h"

#include "hot.h"

#define FIELDS_LENGTH_NAME 16   /* "Content-Length: " */
#define FIELDS_LENGTH_DIGITS 18 /* whatever they are, no overflow */

static void fields_length(struct http1 *p, const uint8_t *at, const uint8_t *end)
{
	uint64_t length = 0;
	const uint8_t *digits;

	while (at < end && line_is_blank(*at))
		at++;
	for (digits = at; at < end && (uint8_t)(*at - '0') <= 9; at++) {
		length = length * 10 + (uint64_t)(*at - '0');
		if (length > LINE_NUMBER_MOST)
			break;
	}
	if (at == digits)
		p->fields |= FIELDS_AMBIGUOUS;
	while (at < end && line_is_blank(*at))
		at++;
	if (at < end || ((p->fields & FIELDS_HAS_LENGTH) && p->length != length))
		p->fields |= FIELDS_AMBIGUOUS;
	p->fields |= FIELDS_HAS_LENGTH;
	p->length = length;
}

/* A response may say twice that it is chunked, once by its program and once by its server: to every
 * client that is once. In a request it is how servers are played off against each other. */
static void fields_coding(struct http1 *p, const uint8_t *at, const uint8_t *end)
{
	bool again = p->fields & FIELDS_HAS_CODING;
	bool chunked;

	while (at < end && line_is_blank(end[-1]))
		end--;
	chunked = end - at >= 7 && ((line_word(end - 8) | LINE_LOWER) >> 8) ==
					   LINE_WORD('c', 'h', 'u', 'n', 'k', 'e', 'd', 0);
	if (chunked) {
		end -= 7;
		chunked = at == end || line_is_blank(end[-1]) || end[-1] == ',';
	}
	if (again && !(p->status && chunked && (p->fields & FIELDS_CHUNKED)))
		p->fields |= FIELDS_AMBIGUOUS;
	p->fields |= FIELDS_HAS_CODING;
	if (chunked)
		p->fields |= FIELDS_CHUNKED;
}

/* The name is ours: is it the whole name, and is the whole line there? */
static const uint8_t *fields_value(struct http1 *p, const struct line *line, size_t name)
{
	p->fields |= FIELDS_LAST_MATTERS;
	if (line->text[name] == ':' && line->kept == line->length)
		return line->text + name + 1;
	if (line->text[name] == ':' || line_is_blank(line->text[name]))
		p->fields |= FIELDS_AMBIGUOUS;
	else
		p->fields &= (uint8_t)~FIELDS_LAST_MATTERS;
	return NULL;
}

static HOT __attribute__((noinline)) void fields_field(struct http1 *p, const struct line *line)
{
	const uint8_t *t = line->text;
	const uint8_t *value;

	if (line_is_blank(t[0])) {
		if (p->fields & FIELDS_LAST_MATTERS)
			p->fields |= FIELDS_AMBIGUOUS;
		return;
	}
	p->fields &= (uint8_t)~FIELDS_LAST_MATTERS;
	if (line->kept > 14 &&
	    (line_word(t) | LINE_LOWER) == (LINE_WORD('c', 'o', 'n', 't', 'e', 'n', 't', '-')) &&
	    (line_word(t + 6) | LINE_LOWER) ==
		    (LINE_WORD('t', '-', 'l', 'e', 'n', 'g', 't', 'h'))) {
		value = fields_value(p, line, 14);
		if (value)
			fields_length(p, value, t + line->length);
	} else if (line->kept > 17 &&
		   (line_word(t) | LINE_LOWER) ==
			   LINE_WORD('t', 'r', 'a', 'n', 's', 'f', 'e', 'r') &&
		   (line_word(t + 8) | LINE_LOWER) ==
			   LINE_WORD('-', 'e', 'n', 'c', 'o', 'd', 'i', 'n') &&
		   (t[16] | 0x20) == 'g') {
		value = fields_value(p, line, 17);
		if (value)
			fields_coding(p, value, t + line->length);
	}
}

/* true: the line is empty, the head is complete. */
static bool fields_one(struct http1 *p, const struct line *line)
{
	uint8_t first;

	if (!line->length)
		return true;
	first = line->text[0] | 0x20; /* a tab becomes ')' */
	if (first == 'c' || first == 't' || first == ' ' || first == ')')
		fields_field(p, line);
	else
		p->fields &= (uint8_t)~FIELDS_LAST_MATTERS;
	return false;
}

#if defined(__SSE2__)
static inline __attribute__((always_inline)) uint64_t fields_ends_in_16(const uint8_t *at)
{
	__m128i block = _mm_loadu_si128((const __m128i *)(const void *)at);

	return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(block, _mm_set1_epi8('\n')));
}

static inline __attribute__((always_inline)) uint64_t fields_ends_in_64(const uint8_t *at)
{
	return fields_ends_in_16(at) | fields_ends_in_16(at + 16) << 16 |
	       fields_ends_in_16(at + 32) << 32 | fields_ends_in_16(at + 48) << 48;
}

/* A bit for each line end in the next 64 bytes from at to end, of a text of 16 and more. */
static inline __attribute__((always_inline)) uint64_t
fields_ends(const uint8_t *text, const uint8_t *at, const uint8_t *end)
{
	size_t n = (size_t)(end - at);
	uint64_t ends;

	if (n >= 64)
		return fields_ends_in_64(at);
	if (end - text >= 64)
		return fields_ends_in_64(end - 64) >> (64 - n);
	ends = fields_ends_in_16(end - 16) << (n - 16);
	for (size_t i = 0; i + 16 < n; i += 16)
		ends |= fields_ends_in_16(at + i) << i;
	return ends;
}

/* A line that may matter, from *next on; its end is looked for here. false: it has none yet. */
static inline bool fields_candidate(struct http1 *p, const uint8_t **next, const uint8_t *end,
				    bool *complete)
{
	struct line line = { .text = *next };
	const uint8_t *stop = line_find(*next, end, '\n', '\n');

	if (stop == end)
		return false;
	line.length = (uint32_t)(stop - *next);
	line.length -= line.length && stop[-1] == '\r';
	line.kept = line.length < HTTP1_KEPT ? line.length : HTTP1_KEPT;
	*next = stop + 1;
	*complete = fields_one(p, &line);
	return true;
}

/* By its low five bits: c, t, blanks and line ends, and few others. */
static inline bool fields_may_matter(uint8_t first)
{
	const uint32_t firsts = 1u << ('c' & 31) | 1u << ('t' & 31) | 1u << '\r' | 1u << '\n' |
				1u << '\t' | 1u << (' ' & 31);

	return (firsts & 1u << (first & 31)) != 0;
}

/* Many fields begin with the letters of ours; 8 bytes on they differ. */
static inline bool fields_is_other(const uint8_t *at, const uint8_t *end)
{
	uint8_t first = *at | 0x20;

	if (*at <= ' ')
		return false;
	return (first != 'c' && first != 't') ||
	       (end - at > 8 && (at[8] | 0x20) != (first == 'c' ? 'l' : '-'));
}

/* The usual form of Content-Length, the first of its head, its line and what follows it there. */
static bool fields_plain_length(struct http1 *p, const uint8_t *text, const uint8_t *end)
{
	const uint8_t *digits = text + FIELDS_LENGTH_NAME;
	const uint8_t *most = end - 3; /* a line end and what follows it */
	const uint8_t *at = digits;
	uint64_t length = 0;

	if (end - text < FIELDS_LENGTH_NAME + 1 + 3 || (p->fields & FIELDS_HAS_LENGTH) ||
	    (line_word(text) | LINE_LOWER) != LINE_WORD('c', 'o', 'n', 't', 'e', 'n', 't', '-') ||
	    (line_word(text + 8) | LINE_LOWER >> 16) !=
		    LINE_WORD('l', 'e', 'n', 'g', 't', 'h', ':', ' '))
		return false;
	if (most - digits > FIELDS_LENGTH_DIGITS)
		most = digits + FIELDS_LENGTH_DIGITS;
	for (; at < most && (uint8_t)(*at - '0') <= 9; at++)
		length = length * 10 + (uint64_t)(*at - '0');
	if (at == digits || at[0] != '\r' || at[1] != '\n' || line_is_blank(at[2]))
		return false;
	p->fields |= FIELDS_HAS_LENGTH;
	p->length = length;
	return true;
}

static inline const uint8_t *fields_behind_empty(const uint8_t *at, const uint8_t *end)
{
	at += *at == '\r' && end - at > 1;
	return *at == '\n' ? at + 1 : NULL;
}

/* One line that begins at next. behind: where a folded continuation of one of ours would be. */
static HOT bool fields_line(struct http1 *p, const uint8_t *next, const uint8_t *end,
			    const uint8_t **behind)
{
	const uint8_t *empty = fields_behind_empty(next, end);
	bool complete = false;

	if (empty) {
		*behind = empty;
		return true;
	}
	if (fields_plain_length(p, next, end))
		return false;
	if (next != *behind)
		p->fields &= (uint8_t)~FIELDS_LAST_MATTERS;
	if (!fields_candidate(p, &next, end, &complete))
		return false;
	*behind = complete || (p->fields & FIELDS_LAST_MATTERS) ? next : NULL;
	return complete;
}

/*
 * Whole lines from *at on; *at is left at the last one that has no end. true: the head is complete.
 */
static bool fields_whole(struct http1 *p, const uint8_t **at, const uint8_t *end)
{
	const uint8_t *behind = p->fields & FIELDS_LAST_MATTERS ? *at : NULL;
	const uint8_t *from = *at;
	const uint8_t *last = end - 1; /* no line begins behind it */
	const uint8_t *next = from;

	if (end - from <= 16)
		return false;
	if (fields_may_matter(*next) && !fields_is_other(next, end) &&
	    fields_line(p, next, end, &behind))
		goto complete;
	for (const uint8_t *block = from; block < last; block += 64) {
		for (uint64_t ends = fields_ends(from, block, last); ends; ends &= ends - 1) {
			next = block + 1 + __builtin_ctzll(ends);
			if (fields_may_matter(*next) && !fields_is_other(next, end) &&
			    fields_line(p, next, end, &behind))
				goto complete;
		}
	}
	next = *last == '\n' ? end : next;
	if (next != behind)
		p->fields &= (uint8_t)~FIELDS_LAST_MATTERS;
	p->head += (uint32_t)(next - from < HTTP1_HEAD_MOST ? next - from : HTTP1_HEAD_MOST);
	*at = next;
	return false;
complete:
	*at = behind;
	return true;
}
#else
static bool fields_whole(struct http1 *p, const uint8_t **at, const uint8_t *end)
{
	(void)p, (void)at, (void)end;
	return false;
}
#endif

/* The lines of a head up to the empty one. */
HOT bool fields_read(struct http1 *p, const uint8_t **at, const uint8_t *end)
{
	struct line line;

	if (p->line) {
		if (!line_next(p, at, end, &line))
			return false;
		if (fields_one(p, &line))
			return true;
	}
	if (fields_whole(p, at, end))
		return true;
	while (line_next(p, at, end, &line)) {
		if (fields_one(p, &line))
			return true;
	}
	return false;
}
