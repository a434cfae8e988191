/*
 * findings - what is wrong with files that somebody wrote: a bounded list of sentences.
 *
 * Threads:  one owner.
 * Memory:   a value; findings_init empties it.
 * Errors:   none: what does not fit is counted.
 */
#ifndef RULES_FINDINGS_H
#define RULES_FINDINGS_H

#include <stddef.h>

#define FINDINGS_ROWS 32
#define FINDINGS_TEXT 1024 /* an unknown metric lists them all */

struct findings {
	char rows[FINDINGS_ROWS][FINDINGS_TEXT];
	size_t count, beyond;
};

void findings_init(struct findings *f);
void findings_add(struct findings *f, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
