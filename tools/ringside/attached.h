/*
 * attached - the file `attach` of the run directory, as the verbs change it.
 *
 * Threads:  one; two commands at once: the later one wins.
 * Memory:   none is kept.
 * Errors:   0 or -errno.
 */
#ifndef RINGSIDE_ATTACHED_H
#define RINGSIDE_ATTACHED_H

#include <stddef.h>

#define ATTACHED_LINE 256

/* The line of a word: of a pid with its start time. -ESRCH: no such process; -EINVAL: no word. */
int attached_line(const char *word, char *out, size_t size);

/* Lines of processes that are over go by the way. -EFBIG: the list is full. */
int attached_add(const char *path, const char *line);
int attached_remove(const char *path, const char *line); /* -ENOENT: it is not there */
int attached_clear(const char *path);                    /* -ENOENT: there is no such file */

#endif
