/*
 * vocabulary - what memcached's words and numbers mean: of commands, answers, opcodes and codes.
 *
 * Threads:  any; pure.
 * Memory:   none.
 * Errors:   none.
 * Cost:     a compare of a dozen bytes a word of the list.
 */
#ifndef PROTOCOL_VOCABULARY_H
#define PROTOCOL_VOCABULARY_H

#include "words.h"

/* Traits of a command. */
#define VOCABULARY_STORES 1u /* its line says how much follows */
#define VOCABULARY_META 2u
#define VOCABULARY_NOOP 4u    /* its answer comes behind those of all quiet ones */
#define VOCABULARY_CLOSE 8u   /* gets no answer: the connection ends */
#define VOCABULARY_STREAM 16u /* turns the connection into a stream */

#define VOCABULARY_STAT 0x10u /* the opcode that is answered many times, at last by an empty one */

struct vocabulary {
	char name[15];
	uint8_t traits;
	uint8_t size;  /* the word that says how much follows, from 1 on */
	uint8_t quiet; /* the first word that may ask for no answer; 0: none may */
};

/* What a line of an answer is. */
enum vocabulary_line {
	VOCABULARY_LAST,    /* an answer, or its end */
	VOCABULARY_ODD,     /* as LAST, of no kind that is known */
	VOCABULARY_UNKNOWN, /* as LAST: no such command */
	VOCABULARY_CLIENT_ERROR,
	VOCABULARY_SERVER_ERROR,
	VOCABULARY_MN,
	VOCABULARY_VALUE,      /* so many bytes follow, and further lines */
	VOCABULARY_META_VALUE, /* so many bytes follow */
	VOCABULARY_ONE_OF_MANY,
};

const struct vocabulary *vocabulary_command(const uint8_t *word, size_t n); /* NULL: none */
uint8_t vocabulary_line(const struct words *first);                         /* by its first word */

/* Of the binary protocol. */
const char *vocabulary_opcode(uint8_t opcode); /* "": none */
bool vocabulary_is_quiet(uint8_t opcode);
uint16_t vocabulary_status(uint16_t code); /* as pairs.h has it */

#endif
