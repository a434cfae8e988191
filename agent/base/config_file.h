/*
 * config_file - a JSON document taken apart into the keys it sets. The only user of jansson.
 *
 * Threads:  any.
 * Memory:   nothing outlives the call; what the callback gets is borrowed.
 * Errors:   -EINVAL with "name:line: path: reason" in error; -ENOMEM.
 */
#ifndef BASE_CONFIG_FILE_H
#define BASE_CONFIG_FILE_H

#include "config_key.h"

struct config_file_sink {
	void *ctx;
	/* A key and its items; where: "name:line". */
	int (*put)(void *ctx, enum config_key key, const char *const *items, const char *where);
};

struct config_text {
	const char *name; /* for messages */
	const char *bytes;
	size_t length;
};

int config_file_read(const struct config_text *text, const struct config_file_sink *sink,
		     struct config_error *error);

/* The line on which the member with this path ("http.listen") stands; 1: not found. */
unsigned int config_file_line(const struct config_text *text, const char *path);

#endif
