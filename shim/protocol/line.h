/*
 * line - the lines of a message head, from input that is cut anywhere.
 *
 * Threads:  any; pure.
 * Memory:   a line in one piece is looked at in place; of one in several pieces its beginning and
 *           its end are kept in struct http1.
 * Errors:   none.
 * Cost:     16 bytes a step.
 */
#ifndef PROTOCOL_LINE_H
#define PROTOCOL_LINE_H

#include "http1.h"

#include <stdbool.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define LINE_NUMBER_MOST (UINT64_C(1) << 60) /* of a length: no sum of a few overflows */

struct line {
	const uint8_t *text; /* the line's first bytes, kept of them */
	const uint8_t *end;  /* behind its last byte; HTTP1_TAIL - 1 bytes before it can be read */
	uint32_t kept;
	uint32_t length;
};

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are compared as text");

static inline uint64_t line_word(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

#define LINE_WORD(a, b, c, d, e, f, g, h)                                                          \
	((uint64_t)(a) | (uint64_t)(b) << 8 | (uint64_t)(c) << 16 | (uint64_t)(d) << 24 |          \
	 (uint64_t)(e) << 32 | (uint64_t)(f) << 40 | (uint64_t)(g) << 48 | (uint64_t)(h) << 56)
#define LINE_LOWER UINT64_C(0x2020202020202020)

void line_keep(struct http1 *p, const uint8_t *at, size_t n); /* of a line that goes on */

static inline bool line_is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* 0x80 in each byte of the word that is c; above the first one it may say so of others too. */
static inline uint64_t line_same(uint64_t word, uint8_t c)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t other = word ^ c * ones;

	return (other - ones) & ~other & ones << 7;
}

/* As line_find, of less than 16 bytes: what is no whole word is looked at with bytes before it. */
static inline __attribute__((always_inline)) const uint8_t *
line_find_short(const uint8_t *at, const uint8_t *end, uint8_t a, uint8_t b)
{
	for (; end - at >= 8; at = end - at > 8 && end - at < 16 ? end - 8 : at + 8) {
		uint64_t word = line_word(at);
		uint64_t same = line_same(word, a) | line_same(word, b);

		if (same)
			return at + __builtin_ctzll(same) / 8;
	}
	while (at < end && *at != a && *at != b)
		at++;
	return at;
}

/* The first byte equal to a or b, end if there is none. */
static inline __attribute__((always_inline)) const uint8_t *
line_find(const uint8_t *at, const uint8_t *end, uint8_t a, uint8_t b)
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
	return line_find_short(at, end, a, b);
}

/* The line from *at to the line end at stop, its end left out. */
static inline __attribute__((always_inline)) void line_cut(struct http1 *p, const uint8_t **at,
							   const uint8_t *stop, struct line *line)
{
	size_t more = (size_t)(stop - *at);

	p->head += (uint32_t)(more < HTTP1_HEAD_MOST ? more : HTTP1_HEAD_MOST) + 1;
	line->text = *at;
	line->end = stop;
	line->length = (uint32_t)more;
	if (__builtin_expect(p->line != 0, 0)) {
		line_keep(p, *at, more);
		line->text = p->text;
		line->end = p->tail + HTTP1_TAIL;
		line->length = p->line;
		p->line = 0;
	}
	*at = stop + 1;
	if (line->length && line->end[-1] == '\r') {
		line->end--;
		line->length--;
	}
	line->kept = line->length < HTTP1_KEPT ? line->length : HTTP1_KEPT;
}

/* The next whole line; false: the input ends first, and what there is of it is kept. */
static inline __attribute__((always_inline)) bool line_next(struct http1 *p, const uint8_t **at,
							    const uint8_t *end, struct line *line)
{
	const uint8_t *stop = line_find(*at, end, '\n', '\n');
	size_t more = (size_t)(stop - *at);

	if (__builtin_expect(stop == end, 0)) {
		p->head += (uint32_t)(more < HTTP1_HEAD_MOST ? more : HTTP1_HEAD_MOST + 1);
		line_keep(p, *at, more);
		*at = end;
		return false;
	}
	line_cut(p, at, stop, line);
	return true;
}

#endif
