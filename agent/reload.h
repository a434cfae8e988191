/*
 * reload - the configuration that is in force, the rules, and the Redis's password: read again by
 *          who may, checked, and handed on to the worker and, with the secrets of channels, to the
 *          courier. What is bad changes nothing.
 *
 * Threads:  one.
 * Memory:   a descriptor of the last good text, and a password, until the end of the process; the
 *           rest is borrowed.
 * Errors:   logged, with file and line. A worker that is behind is told each second until it is
 *           not.
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
	bool password_owed;        /* the worker has not been told of it */
	int good;                  /* the text of the last one that was read again; -1: none was */
	bool owed;                 /* the worker has not been told of that */
	const int *kept;           /* a link on whose second end that lies for workers to come */
	struct rulefiles rules;
};

void reload_now(struct reload *r);

/* To a worker that is new: it began with what was kept, which may not be the last. */
void reload_again(struct reload *r);

void reload_second(struct reload *r); /* what is owed, and rules that changed */

#endif
