/*
 * origin_settings - the origins of a configuration, with the secrets that they are asked with.
 *
 * Threads:  one.
 * Memory:   origin_settings_open allocates, origin_settings_close wipes and frees. It is for who
 *           may read the secrets' files, and is handed on by fork to who may not.
 * Errors:   -ENOMEM; a secret that cannot be read is a fault of its origin alone, and is logged.
 */
#ifndef ORIGIN_SETTINGS_H
#define ORIGIN_SETTINGS_H

#include "config.h"
#include "origin_rule.h"

#define ORIGIN_SETTINGS_FAULT 256

struct origin_setting {
	struct origin_rule rule;           /* its headers with their values */
	char fault[ORIGIN_SETTINGS_FAULT]; /* why it cannot be asked; "": it can */
};

struct origin_settings {
	struct origin_setting at[ORIGIN_MAX];
	uint32_t count;
};

/* The configuration was checked. *out NULL: there are none. */
int origin_settings_open(struct origin_settings **out, const struct config *c);
void origin_settings_close(struct origin_settings *s); /* NULL is allowed */

#endif
