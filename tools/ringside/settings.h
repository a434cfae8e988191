/*
 * settings - where the agent is: the same file, environment and flags that the agent itself reads.
 *
 * Threads:  one.
 * Memory:   settings_open allocates, settings_close frees; texts live as long.
 * Errors:   a flag that is wrong: -EINVAL with a sentence. What is wrong with the file or the
 *           environment stands in problem, and the rest holds: a slip must not hide the agent.
 */
#ifndef RINGSIDE_SETTINGS_H
#define RINGSIDE_SETTINGS_H

#include "config.h"

struct settings_flags {
	const char *run_dir, *socket; /* NULL: not given */
};

struct settings {
	struct config *config;
	struct config_error problem; /* "": none */
	const char *file;            /* of the configuration, there or not */
	char socket[256];            /* "": the API has none */
	const char *tcp;             /* host:port to ask too; NULL: none */
};

int settings_open(struct settings *s, const struct settings_flags *flags,
		  struct config_error *error);
void settings_close(struct settings *s);

const char *settings_run_dir(const struct settings *s);

#endif
