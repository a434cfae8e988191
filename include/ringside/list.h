/*
 * list - the files that name processes, one pattern a line: <run_dir>/off and preload.allow.
 *
 * Includers: shim/refuse.c, agent/ and tools/ringside.
 * Format:    a line is the name of a service, or where it has a '/' the path of an executable too,
 *            as it is or in canonical form (canonical.h), which those that it is held against have;
 *            '*' stands for any bytes of that, '?' for one. Blanks around a line do not count, nor
 *            do lines that are empty or begin with '#'.
 * Bounds:    a file longer than RS_LIST_BYTES is not read any further: it is no list.
 * It runs in a constructor ahead of any libc: no calls, no memory of its own.
 */
#ifndef RINGSIDE_LIST_H
#define RINGSIDE_LIST_H

#include "canonical.h"

#include <stdbool.h>
#include <stddef.h>

#define RS_LIST_BYTES 4096u
#define RS_LIST_OFF "off"                           /* in the run directory; no line: everything */
#define RS_LIST_ALLOW "/etc/ringside/preload.allow" /* no line: nothing */

/* How many bytes of text this one of a pattern stands for; 0: it does not. */
static inline size_t rs_list_takes(char c, const char *text)
{
	char one[4];
	size_t length;

	if (c == '?' || c == *text)
		return 1;
	length = rs_canonical(&c, 1, false, one, sizeof(one));
	for (size_t i = 0; i < length; i++)
		if (text[i] != one[i])
			return 0;
	return length;
}

/* Is text, whole, of this pattern? One place to return to is enough: the last '*'. */
static inline bool rs_list_fits(const char *pattern, size_t length, const char *text)
{
	size_t p = 0, star = length, again = 0, t = 0, n;

	while (text[t]) {
		if (p < length && pattern[p] == '*') {
			star = p++;
			again = t;
		} else if (p < length && (n = rs_list_takes(pattern[p], text + t))) {
			p++;
			t += n;
		} else if (star < length) {
			p = star + 1;
			t = ++again;
		} else {
			return false;
		}
	}
	while (p < length && pattern[p] == '*')
		p++;
	return p == length;
}

static inline bool rs_list_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The next line that counts, from *at on, which moves behind it; NULL: there is none. */
static inline const char *rs_list_next(const char *text, size_t bytes, size_t *at, size_t *length)
{
	while (*at < bytes) {
		size_t begin = *at, end;

		while (begin < bytes && rs_list_blank(text[begin]))
			begin++;
		end = begin;
		while (end < bytes && text[end] != '\n')
			end++;
		*at = end;
		while (end > begin && rs_list_blank(text[end - 1]))
			end--;
		*length = end - begin;
		if (*length && text[begin] != '#')
			return text + begin;
	}
	return NULL;
}

static inline bool rs_list_empty(const char *text, size_t bytes)
{
	size_t at = 0, length;

	return !rs_list_next(text, bytes, &at, &length);
}

static inline bool rs_list_is_path(const char *line, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (line[i] == '/')
			return true;
	return false;
}

/* Does a line name this service, or this executable? Either may be "". */
static inline bool rs_list_names(const char *text, size_t bytes, const char *service,
				 const char *exe)
{
	size_t at = 0, length;
	const char *line;

	while ((line = rs_list_next(text, bytes, &at, &length))) {
		if (service[0] && rs_list_fits(line, length, service))
			return true;
		if (exe[0] && rs_list_is_path(line, length) && rs_list_fits(line, length, exe))
			return true;
	}
	return false;
}

#endif
