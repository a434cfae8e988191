/*
 * worker - the process without privileges that does the work: drain, aggregates, API.
 *
 * Threads:  its own three: main (worker_run), drain, web; and two that wait for disks in their
 *           place: the store's and the scribe's.
 * Memory:   its own until worker_run returns; what worker_config points at is borrowed.
 * Errors:   the exit code of the process; NURSERY_CANNOT where another try would not help.
 */
#ifndef AGENT_WORKER_H
#define AGENT_WORKER_H

#include "fetching.h"
#include "options.h"
#include "proxying.h"
#include "secret.h"

#include <stdint.h>
#include <sys/types.h>

#define WORKER_SOCKETS 16 /* as many as web takes */

struct worker_config {
	const struct options *options;
	const struct config *config;
	const int *sockets; /* listening */
	unsigned int socket_count;
	struct proxying_sockets proxies;
	const char *token;
	gid_t group;
	int link;
	int kept;     /* where the configuration lies that was read again; -1: nowhere */
	int runner;   /* the link to who carries notices; -1: nobody does */
	int actions;  /* … and to who does actions */
	int kallsyms; /* -1: not readable */
	pid_t broker;
	struct secret redis; /* its password: read by who may, before there is a worker, as … */
	struct origin_settings *origins; /* … those of origins; NULL: there are none */
	uint64_t started_ns;             /* CLOCK_MONOTONIC: the agent's start, not this worker's */
	char state_dir[128];             /* the worker's own part of it */
};

/* Runs until the link ends, which it does when the broker does. */
int worker_run(void *worker_config);

#endif
