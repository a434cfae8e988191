/*
 * sql_run - the usual bytes of a statement in one loop: sql.c knows all of them, one by one.
 *
 * Threads:  see sql.h.
 * Memory:   see sql.h.
 * Errors:   see sql.h.
 * Cost:     see sql.h.
 */
#include "sql.h"

#include "hot.h"

#define SQL_A 0x01u /* begins a word */
#define SQL_W 0x02u /* is within one */
#define SQL_D 0x04u /* a digit */
#define SQL_N 0x08u /* within a number: its digits, its exponent, 0xff and 1_000 */
#define SQL_B 0x10u /* a blank; not 0, which ends a text */
#define SQL_M 0x20u /* a mark that means nothing but itself in any flavour */
#define SQL_O 0x40u /* and ends an operand */
#define SQL_S 0x80u /* one, unless in a comment that MySQL executes */

#define SQL_LETTER (SQL_A | SQL_W | SQL_N)

static const HOT_TABLE uint8_t sql_class[256] = {
	[1 ... ' '] = SQL_B,
	['0' ... '9'] = SQL_W | SQL_D | SQL_N,
	['A' ... 'Z'] = SQL_LETTER,
	['a' ... 'z'] = SQL_LETTER,
	['_'] = SQL_LETTER,
	[0x80 ... 0xff] = SQL_LETTER,
	['$'] = SQL_W,
	['.'] = SQL_M | SQL_N,
	['!'] = SQL_M,
	['%'] = SQL_M,
	['&'] = SQL_M,
	['('] = SQL_M,
	['+'] = SQL_M,
	[','] = SQL_M,
	[':'] = SQL_M,
	['<' ... '>'] = SQL_M,
	['@'] = SQL_M,
	['['] = SQL_M,
	['^'] = SQL_M,
	['{' ... 0x7f] = SQL_M,
	[')'] = SQL_M | SQL_O,
	['?'] = SQL_M | SQL_O,
	[']'] = SQL_M | SQL_O,
	['*'] = SQL_S,
};

/* Where text goes to; at the end of the room it only moves on in what is read. */
struct sql_out {
	uint8_t *to;
	uint8_t *end;
};

static inline __attribute__((always_inline)) void sql_out_begin(struct sql *s, struct sql_out *out)
{
	s->begun = true;
	if (s->blank && out->to > s->text && out->to < out->end)
		*out->to++ = ' ';
	s->blank = false;
}

static inline __attribute__((always_inline)) void sql_out_put(struct sql_out *out, uint8_t c)
{
	if (out->to < out->end)
		*out->to++ = c;
}

/* The bytes of a word; up to end any can be read. Behind what is put any may be written. */
static inline __attribute__((always_inline)) void
sql_out_word(struct sql_out *out, const uint8_t *word, const uint8_t *behind, const uint8_t *end)
{
	size_t room = (size_t)(out->end - out->to), n = (size_t)(behind - word);

	if (__builtin_expect(room < n + 7 || (size_t)(end - word) < n + 7, 0)) {
		while (word < behind)
			sql_out_put(out, *word++);
		return;
	}
	for (size_t i = 0; i < n; i += 8)
		__builtin_memcpy(out->to + i, word + i, 8);
	out->to += n;
}

static inline __attribute__((always_inline)) const uint8_t *
sql_run_word(struct sql *s, struct sql_out *out, const uint8_t *at, const uint8_t *end)
{
	const uint8_t *begin = at;
	size_t word;

	while (at < end && sql_class[*at] & SQL_W)
		at++;
	if (at == begin)
		return at;
	sql_out_word(out, begin, at, end);
	word = s->word + (size_t)(at - begin);
	s->word = (uint8_t)(word < UINT8_MAX ? word : UINT8_MAX);
	s->last = at[-1];
	s->operand = s->last != '$';
	return at;
}

static inline __attribute__((always_inline)) const uint8_t *sql_run_number(const uint8_t *at,
									   const uint8_t *end)
{
	while (at < end && sql_class[*at] & SQL_N)
		at++;
	return at;
}

static HOT_IN(dialogue_postgres) const uint8_t *sql_run_string(struct sql *s, const uint8_t *at,
							       const uint8_t *end)
{
	const uint8_t *begin = at;

	while (!s->slash && at < end && *at != s->quote && *at != '\\')
		at++;
	if (at > begin)
		s->wide = at[-1] >= 0x80;
	return at;
}

/* A token that begins, or a blank; at: neither. */
static inline __attribute__((always_inline)) const uint8_t *
sql_run_token(struct sql *s, struct sql_out *out, const uint8_t *at, const uint8_t *end)
{
	uint8_t class = sql_class[*at];

	if (class == SQL_S && !s->run)
		class = SQL_M;
	if (!(class & (SQL_A | SQL_D | SQL_B | SQL_M)))
		return at;
	s->word = 0;
	s->step = SQL_BETWEEN;
	if (class & SQL_B) {
		s->blank = true;
		return at + 1;
	}
	sql_out_begin(s, out);
	if (class & SQL_A) {
		s->step = SQL_WORD;
		return sql_run_word(s, out, at, end);
	}
	sql_out_put(out, class & SQL_D ? '?' : *at);
	s->operand = (class & (SQL_D | SQL_O)) != 0;
	if (!(class & SQL_D))
		return at + 1;
	s->step = SQL_NUMBER;
	s->escapes = false;
	s->slash = false;
	return sql_run_number(at, end);
}

HOT_IN(dialogue_postgres) size_t sql_run(struct sql *s, const uint8_t *at, size_t n)
{
	struct sql_out out = { s->text + s->length,
			       s->text + (s->cut ? s->length : RS_PATH_BYTES) };
	const uint8_t *begin = at, *end = at + n, *next = at;

	if (s->step == SQL_STRING)
		return (size_t)(sql_run_string(s, at, end) - begin);
	if (s->step > SQL_NUMBER)
		return 0;
	if (s->step == SQL_WORD)
		next = sql_run_word(s, &out, at, end);
	else if (s->step == SQL_NUMBER)
		next = sql_run_number(at, end);
	for (at = next; at < end; at = next) {
		next = sql_run_token(s, &out, at, end);
		if (next == at)
			break;
	}
	s->length = (uint8_t)(out.to - s->text);
	return (size_t)(at - begin);
}
