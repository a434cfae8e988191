/*
 * sql - the text of statements without its literals: ? for strings and numbers, no comments, single
 * blanks.
 *
 * Threads:  one at a time per struct sql; pure.
 * Memory:   the struct: the first RS_PATH_BYTES bytes of a statement.
 * Errors:   none. Where it is not certain what is a literal (a backslash ahead of a quote, which
 *           a setting of the server decides), nothing more of the text is taken.
 * Cost:     what sql_run takes some instructions a byte; a call for each byte of the rest.
 */
#ifndef PROTOCOL_SQL_H
#define PROTOCOL_SQL_H

#include <ringside/abi.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SQL_TAG_BYTES 32u /* of a dollar quote; a longer one cuts */

/* Whose text it is. */
enum sql_flavour {
	SQL_STANDARD,  /* PostgreSQL's */
	SQL_MYSQL,     /* "" are strings, `` names, # begins a comment, no $$ */
	SQL_MYSQL_ODD, /* the same, and what a backslash means is not known */
};

/* Private. */
enum sql_step {
	SQL_BETWEEN, /* tokens */
	SQL_WORD,
	SQL_NUMBER,
	SQL_STRING,
	SQL_STRING_END, /* or a quote in it, by two */
	SQL_NAME,       /* in quotes */
	SQL_DASH,
	SQL_DASHES,
	SQL_LINE, /* a comment to its end */
	SQL_SLASH,
	SQL_COMMENT,
	SQL_COMMENT_FIRST,
	SQL_COMMENT_M,
	SQL_VERSION,  /* of a comment that MySQL executes */
	SQL_RUN_STAR, /* the end of one? */
	SQL_COMMENT_STAR,
	SQL_COMMENT_SLASH,
	SQL_DOLLAR,
	SQL_PARAMETER,
	SQL_BODY, /* of a dollar quote */
};

struct sql {
	uint8_t step; /* enum sql_step */
	uint8_t flavour;
	uint8_t length; /* of text */
	bool blank;     /* one is due */
	bool begun;     /* something other than blanks and comments was there */
	bool cut;       /* nothing more is taken */
	bool escapes;   /* the string in progress knows \ */
	bool operand;   /* what was put last is one: a minus behind it is no sign */
	bool slash;     /* the last byte of the string in progress was \ */
	bool wide;      /* the byte ahead of it may have another for its second half */
	bool run;       /* in a comment that MySQL executes */
	uint8_t quote;  /* that ends the string or name in progress */
	uint8_t word;   /* bytes of the word in progress */
	uint8_t last;   /* byte of it */
	uint8_t tag_length;
	uint8_t match;  /* bytes of the tag that are there again */
	uint32_t depth; /* of comments */
	uint8_t tag[SQL_TAG_BYTES];
	uint8_t text[RS_PATH_BYTES];
};

void sql_init(struct sql *s, enum sql_flavour flavour);

/* The next byte; true: the statement before it is over, and sql_next goes on. */
bool sql_byte(struct sql *s, uint8_t c);
void sql_next(struct sql *s);

/*
 * Takes as many of the next bytes as are words, numbers, blanks and plain marks, or of the string
 * in progress, as sql_byte would one by one. At what it leaves sql_byte goes on.
 */
size_t sql_run(struct sql *s, const uint8_t *at, size_t n);
void sql_end(struct sql *s); /* of the text */

#endif
