/*
 * words - a line of words between blanks, from input that is cut anywhere.
 *
 * Threads:  any; pure.
 * Memory:   the first WORDS_KEPT bytes of the word in progress.
 * Errors:   none.
 * Cost:     a compare a byte.
 */
#ifndef PROTOCOL_WORDS_H
#define PROTOCOL_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORDS_KEPT 20u /* a number of 64 bits fits */

enum words_event {
	WORDS_MORE, /* all input is consumed */
	WORDS_WORD, /* a word is complete: number, word, length */
	WORDS_LINE, /* the line is: number is that of its words */
};

struct words {
	uint32_t bytes;  /* of the line so far, its end included */
	uint32_t number; /* of words begun; the first one is 1 */
	uint32_t length; /* of this one */
	bool open;       /* in a word */
	uint8_t word[WORDS_KEPT];
};

void words_init(struct words *w); /* at the start of a line */
enum words_event words_next(struct words *w, const uint8_t **at, const uint8_t *end);

bool words_are(const struct words *w, const char *text); /* is it this one? */
bool words_count(const struct words *w, uint64_t *out);  /* is it a number? */

#endif
