/*
 * config_line - where in a JSON document a member stands, which its parser does not tell.
 *
 * Threads:  any.
 * Memory:   none.
 * Errors:   1 where it is not found: the document's first line.
 */
#ifndef BASE_CONFIG_LINE_H
#define BASE_CONFIG_LINE_H

#include <stddef.h>

struct config_text {
	const char *name; /* for messages */
	const char *bytes;
	size_t length;
};

/* The line on which the member with this path ("http.listen", "targets.names[2]") stands. */
unsigned int config_line(const struct config_text *text, const char *path);

#endif
