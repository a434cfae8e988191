/*
 * sql - the text of statements without its literals: ? for strings and numbers, no comments, single
 * blanks.
 *
 * Threads:  one at a time per struct sql; pure.
 * Memory:   the struct: the first RS_PATH_BYTES bytes of a statement.
 * Errors:   none. Where it is not certain what is a literal (a backslash ahead of a quote, which
 *           a setting of the server decides), nothing more of the text is taken.
 * Cost:     a byte at a time; within a word, a number or a string some instructions each.
 */
#ifndef PROTOCOL_SQL_H
#define PROTOCOL_SQL_H

#include <ringside/abi.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SQL_TAG_BYTES 32u /* of a dollar quote; a longer one cuts */

struct sql {
	uint8_t step;   /* private */
	uint8_t length; /* of text */
	bool blank;     /* one is due */
	bool begun;     /* something other than blanks and comments was there */
	bool cut;       /* nothing more is taken */
	bool escapes;   /* the string in progress knows \ */
	bool operand;   /* what was put last is one: a minus behind it is no sign */
	bool slash;     /* the last byte of the string in progress was \ */
	uint8_t word;   /* bytes of the word in progress */
	uint8_t last;   /* byte of it */
	uint8_t tag_length;
	uint8_t match;  /* bytes of the tag that are there again */
	uint32_t depth; /* of comments */
	uint8_t tag[SQL_TAG_BYTES];
	uint8_t text[RS_PATH_BYTES];
};

void sql_init(struct sql *s);

/* The next byte; true: the statement before it is over, and sql_next goes on. */
bool sql_byte(struct sql *s, uint8_t c);
void sql_next(struct sql *s);

/* Takes as many of the next bytes as belong to the word, number or string in progress. */
size_t sql_run(struct sql *s, const uint8_t *at, size_t n);
void sql_end(struct sql *s); /* of the text */

#endif
