#include "sql.h"

#include "hot.h"

#include <string.h>

void sql_init(struct sql *s, enum sql_flavour flavour)
{
	memset(s, 0, offsetof(struct sql, tag)); /* what follows goes by its length */
	s->flavour = (uint8_t)flavour;
}

HOT_IN(dialogue_postgres) void sql_next(struct sql *s)
{
	bool cut = s->cut, run = s->run;

	/* The statement before may have set what a backslash means. */
	sql_init(s, s->flavour == SQL_STANDARD ? SQL_STANDARD : SQL_MYSQL_ODD);
	s->cut = cut;
	s->run = run;
}

static bool sql_is_mysql(const struct sql *s)
{
	return s->flavour != SQL_STANDARD;
}

static bool sql_is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool sql_is_word(uint8_t c)
{
	return (uint8_t)((c | 0x20) - 'a') < 26 || c == '_' || c >= 0x80;
}

static bool sql_is_in_word(uint8_t c)
{
	return sql_is_word(c) || sql_is_digit(c) || c == '$';
}

/* Its digits, its exponent, 0xff and 1_000. */
static bool sql_is_in_number(uint8_t c)
{
	return sql_is_digit(c) || sql_is_word(c) || c == '.';
}

static HOT_IN(dialogue_postgres) void sql_put(struct sql *s, uint8_t c)
{
	s->begun = true;
	s->operand = sql_is_word(c) || sql_is_digit(c) || c == '?' || c == ')' || c == '"' ||
		     c == '`' || c == ']';
	if (s->blank && s->length && s->length < RS_PATH_BYTES && !s->cut)
		s->text[s->length++] = ' ';
	s->blank = false;
	if (s->length < RS_PATH_BYTES && !s->cut)
		s->text[s->length++] = c;
}

/* E'', B'', X'' and N'': the letter goes with the string. */
static bool sql_is_prefix(const struct sql *s)
{
	uint8_t c = s->last | 0x20;

	return s->word == 1 && ((c == 'e' && !sql_is_mysql(s)) || c == 'b' || c == 'x' || c == 'n');
}

static HOT_IN(dialogue_postgres) void sql_literal(struct sql *s, uint8_t step)
{
	s->escapes = s->word == 1 && (s->last | 0x20) == 'e';
	if (sql_is_prefix(s) && !s->cut && s->length && s->length < RS_PATH_BYTES)
		s->length--;
	sql_put(s, '?');
	s->step = step;
	s->slash = false;
}

static void sql_quoted(struct sql *s, uint8_t c)
{
	/* A server of another version passes over such a comment, with other ends of strings. */
	s->cut = s->cut || s->run;
	s->quote = c;
	sql_literal(s, SQL_STRING);
	s->word = 0;
}

/* What the standard has not, between tokens. */
static bool sql_mysql_between(struct sql *s, uint8_t c)
{
	if (c == '#') {
		s->step = SQL_LINE;
	} else if (c == '`') {
		s->cut = s->cut || s->run;
		s->quote = c;
		sql_put(s, c);
		s->step = SQL_NAME;
	} else if (c == '*' && s->run) {
		s->step = SQL_RUN_STAR;
	} else if (c == '$') {
		s->step = SQL_WORD;
		sql_put(s, c);
	} else {
		return false;
	}
	return true;
}

static HOT_IN(dialogue_postgres) void sql_mark(struct sql *s, uint8_t c)
{
	sql_put(s, c);
	s->quote = c;
	if (c == '"')
		s->step = SQL_NAME;
}

/* Between tokens; also where one has just ended at c. */
static HOT_IN(dialogue_postgres) bool sql_between(struct sql *s, uint8_t c)
{
	bool word = s->word != 0;

	s->step = SQL_BETWEEN;
	if (c == '\'' || (c == '"' && sql_is_mysql(s))) {
		sql_quoted(s, c);
		return false;
	}
	s->word = 0;
	if (sql_is_mysql(s) && sql_mysql_between(s, c))
		return false;
	if (c <= ' ') {
		s->blank = true;
	} else if (c == ';') {
		return true;
	} else if (sql_is_word(c)) {
		s->step = SQL_WORD;
		s->word = 1;
		s->last = c;
		sql_put(s, c);
	} else if (sql_is_digit(c)) {
		sql_literal(s, SQL_NUMBER);
	} else if (c == '-') {
		s->step = SQL_DASH;
	} else if (c == '/') {
		s->step = SQL_SLASH;
	} else if (c == '$' && !word) {
		s->step = SQL_DOLLAR;
		s->tag_length = 0;
	} else {
		sql_mark(s, c);
	}
	return false;
}

static HOT_IN(dialogue_postgres) bool sql_word(struct sql *s, uint8_t c)
{
	if (!sql_is_in_word(c))
		return sql_between(s, c);
	s->word = (uint8_t)(s->word < UINT8_MAX ? s->word + 1 : UINT8_MAX);
	s->last = c;
	sql_put(s, c);
	return false;
}

static HOT_IN(dialogue_postgres) bool sql_number(struct sql *s, uint8_t c)
{
	return !sql_is_in_number(c) && sql_between(s, c);
}

static void sql_string(struct sql *s, uint8_t c)
{
	bool slash = s->slash, wide = s->wide;

	s->slash = c == '\\' && !slash;
	s->wide = slash ? wide : c >= 0x80 || (s->slash && wide);
	if (c != s->quote)
		return;
	if (slash && s->escapes)
		return;
	if (slash && sql_is_mysql(s)) {
		/* Is it one at all? In some modes and character sets it is not. */
		s->cut = s->cut || s->flavour == SQL_MYSQL_ODD || wide || c == '"';
		return;
	}
	if (slash)
		s->cut = true;
	s->step = SQL_STRING_END;
}

static bool sql_string_end(struct sql *s, uint8_t c)
{
	if (c != s->quote)
		return sql_between(s, c);
	s->step = SQL_STRING;
	return false;
}

static bool sql_dash(struct sql *s, uint8_t c)
{
	if (c == '-') {
		s->step = sql_is_mysql(s) ? SQL_DASHES : SQL_LINE;
		return false;
	}
	if (s->operand || !sql_is_digit(c)) /* else it is the sign of a number */
		sql_put(s, '-');
	return sql_between(s, c);
}

/* A comment only where a blank follows. */
static bool sql_dashes(struct sql *s, uint8_t c)
{
	if (c <= ' ') {
		s->step = c == '\n' ? SQL_BETWEEN : SQL_LINE;
		s->blank = true;
		return false;
	}
	sql_put(s, '-');
	s->step = SQL_DASH;
	s->operand = false;
	return sql_dash(s, c);
}

static bool sql_line_ends(const struct sql *s, uint8_t c)
{
	return c == '\n' || (c == '\r' && !sql_is_mysql(s));
}

static bool sql_slash(struct sql *s, uint8_t c)
{
	if (c == '*') {
		s->step = sql_is_mysql(s) ? SQL_COMMENT_FIRST : SQL_COMMENT;
		s->depth = 1;
		return false;
	}
	sql_put(s, '/');
	return sql_between(s, c);
}

static void sql_comment(struct sql *s, uint8_t c)
{
	if (s->step == SQL_COMMENT_STAR && c == '/')
		s->depth--;
	else if (s->step == SQL_COMMENT_SLASH && c == '*' && !sql_is_mysql(s))
		s->depth++;
	else if (c == '*' || c == '/') {
		s->step = c == '*' ? SQL_COMMENT_STAR : SQL_COMMENT_SLASH;
		return;
	}
	s->step = SQL_COMMENT;
	if (s->depth)
		return;
	s->blank = true;
	s->step = SQL_BETWEEN;
}

/* Behind the beginning of one: that of MySQL and of MariaDB executes it from here on. */
static void sql_comment_first(struct sql *s, uint8_t c)
{
	if (c == '!') {
		s->run = true;
		s->step = SQL_VERSION;
	} else if (c == 'M' && s->step == SQL_COMMENT_FIRST) {
		s->step = SQL_COMMENT_M;
	} else {
		s->step = SQL_COMMENT;
		sql_comment(s, c);
	}
}

static bool sql_version(struct sql *s, uint8_t c)
{
	s->blank = true;
	return sql_is_digit(c) ? false : sql_between(s, c);
}

static bool sql_run_star(struct sql *s, uint8_t c)
{
	if (c == '/') {
		s->run = false;
		s->blank = true;
		s->step = SQL_BETWEEN;
		return false;
	}
	sql_put(s, '*');
	return sql_between(s, c);
}

/* $1, or the beginning of $tag$ … $tag$ */
static bool sql_dollar(struct sql *s, uint8_t c)
{
	if (!s->tag_length && sql_is_digit(c)) {
		sql_put(s, '$');
		sql_put(s, c);
		s->step = SQL_PARAMETER;
		return false;
	}
	if (c == '$') {
		sql_literal(s, SQL_BODY);
		s->match = UINT8_MAX;
		return false;
	}
	if (!sql_is_word(c) && !(s->tag_length && sql_is_digit(c))) {
		s->cut = s->cut || s->tag_length;
		sql_put(s, '$');
		return sql_between(s, c);
	}
	if (s->tag_length == SQL_TAG_BYTES)
		s->cut = true;
	else
		s->tag[s->tag_length++] = c;
	return false;
}

static bool sql_parameter(struct sql *s, uint8_t c)
{
	if (!sql_is_digit(c))
		return sql_between(s, c);
	sql_put(s, c);
	return false;
}

/* match: of the tag's bytes behind a dollar; all ones: no dollar. */
static void sql_body(struct sql *s, uint8_t c)
{
	if (c == '$' && s->match == s->tag_length)
		s->step = SQL_BETWEEN;
	else if (c == '$')
		s->match = 0;
	else if (s->match < s->tag_length && s->tag[s->match] == c)
		s->match++;
	else
		s->match = UINT8_MAX;
}

HOT_IN(dialogue_postgres) bool sql_byte(struct sql *s, uint8_t c)
{
	switch (s->step) {
	case SQL_WORD:
		return sql_word(s, c);
	case SQL_NUMBER:
		return sql_number(s, c);
	case SQL_STRING:
		sql_string(s, c);
		return false;
	case SQL_STRING_END:
		return sql_string_end(s, c);
	case SQL_NAME:
		sql_put(s, c > ' ' ? c : ' ');
		s->step = c == s->quote ? SQL_BETWEEN : SQL_NAME;
		return false;
	case SQL_DASH:
		return sql_dash(s, c);
	case SQL_DASHES:
		return sql_dashes(s, c);
	case SQL_LINE:
		s->blank = true;
		s->step = sql_line_ends(s, c) ? SQL_BETWEEN : SQL_LINE;
		return false;
	case SQL_SLASH:
		return sql_slash(s, c);
	case SQL_COMMENT:
	case SQL_COMMENT_STAR:
	case SQL_COMMENT_SLASH:
		sql_comment(s, c);
		return false;
	case SQL_COMMENT_FIRST:
	case SQL_COMMENT_M:
		sql_comment_first(s, c);
		return false;
	case SQL_VERSION:
		return sql_version(s, c);
	case SQL_RUN_STAR:
		return sql_run_star(s, c);
	case SQL_DOLLAR:
		return sql_dollar(s, c);
	case SQL_PARAMETER:
		return sql_parameter(s, c);
	case SQL_BODY:
		sql_body(s, c);
		return false;
	default:
		return sql_between(s, c);
	}
}

HOT_IN(dialogue_postgres) void sql_end(struct sql *s)
{
	if (s->step == SQL_DASH)
		sql_put(s, '-');
	if (s->step == SQL_RUN_STAR)
		sql_put(s, '*');
	if (s->step == SQL_SLASH)
		sql_put(s, '/');
	s->step = SQL_BETWEEN;
}
