/*
 * broker - the process that keeps a few capabilities: finds targets and hands them to the worker.
 *
 * Threads:  one.
 * Memory:   all its own until broker_run returns.
 * Errors:   the exit code of the program.
 */
#ifndef AGENT_BROKER_H
#define AGENT_BROKER_H

#include "config.h"
#include "options.h"

#include <sys/types.h>

struct board;

struct broker_config {
	const struct options *options;
	const struct config *config;
	const char *run_dir;
	int link;    /* to the worker; broker_run's to close */
	int kept[2]; /* where a configuration that is read again lies for workers to come */
	int wake;    /* of wake.h; borrowed */
	int alive;   /* the nursery ends when it is closed; broker_run's to close */
	pid_t nursery;
	struct board *board; /* the courier's; NULL: there is none */
};

int broker_run(const struct broker_config *config);

#endif
