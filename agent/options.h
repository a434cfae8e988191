/*
 * options - the command line of ringsided, and the configuration that it, the environment and the
 *           file make together.
 *
 * Threads:  one.
 * Memory:   borrows argv and environ for good.
 * Errors:   0 or -errno with a sentence in config_error.
 */
#ifndef AGENT_OPTIONS_H
#define AGENT_OPTIONS_H

#include "config.h"

#include <stdbool.h>
#include <stdio.h>

#define OPTIONS_FILE "/etc/ringside/ringside.json"

struct options {
	int argc;
	char **argv;
	const char *file; /* of the configuration */
	bool file_named;  /* by flag or environment: it has to exist */
	bool help, version, check;
};

/* -EINVAL: an unknown option, a missing value. */
int options_read(struct options *o, int argc, char **argv, struct config_error *error);

/* Opens the file, which may be absent unless it was named: *fd is -1 then. */
int options_file_open(const struct options *o, int *fd, struct config_error *error);

/* Can nobody have written it but root, or who runs the agent? Of -1 that is so. */
bool options_file_is_ours(int fd);

/* Defaults, file (fd, -1: none), environment, flags; checked. */
int options_config(const struct options *o, int fd, struct config **out,
		   struct config_error *error);

void options_help(FILE *out);

#endif
