/*
 * reload - the configuration that is in force, the rules, and the Redis's password: read again by
 *          who may, checked, and handed on to the worker and, with the secrets of channels, to the
 *          courier. What is bad changes nothing.
 *
 * Threads:  one.
 * Memory:   a descriptor of the last good text, and a password, until the end of the process.
 * Errors:   logged, with file and line.
 */
#ifndef AGENT_RELOAD_H
#define AGENT_RELOAD_H

#include "options.h"
#include "rulefiles.h"
#include "secret.h"

struct board;

struct reload {
	const struct options *options;
	struct board *board;       /* NULL: there is no courier */
	int link;                  /* to the worker */
	const char *password_file; /* of the Redis; NULL or "": none */
	struct secret password;    /* as it was read again; "": it was not */
	int good;                  /* the text of the last one that was read again; -1: none was */
	struct rulefiles rules;
};

void reload_now(struct reload *r);

/* To a worker that is new, and began with what the agent did. */
void reload_again(struct reload *r);

#endif
