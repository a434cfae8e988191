/*
 * lines - a list of patterns (<ringside/list.h>) gains and loses lines; the others stay.
 *
 * Threads:  one.
 * Memory:   what is returned is the caller's to free.
 * Errors:   NULL: out of memory.
 */
#ifndef RINGSIDE_LINES_H
#define RINGSIDE_LINES_H

#include <stdbool.h>

/* text may be NULL, an empty list. */
bool lines_have(const char *text, const char *line);
char *lines_with(const char *text, const char *line); /* at the end, where it is not there yet */
char *lines_without(const char *text, const char *line);

/* Could it be a line of such a file: 1 to 255 printable bytes, no blank at its ends, no comment? */
bool lines_good(const char *line);

#endif
