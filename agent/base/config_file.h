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
#include "config_line.h"

struct config_file_sink {
	void *ctx;
	/* A key and its items; where: "name:line". */
	int (*put)(void *ctx, enum config_key key, const char *const *items, const char *where);
};

int config_file_read(const struct config_text *text, const struct config_file_sink *sink,
		     struct config_error *error);

#endif
