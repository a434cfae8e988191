/*
 * incidents - what happened to services beside their requests: starts, ends, restarts, kills.
 *
 * Threads:  none of its own; under the lock of metrics.
 * Memory:   incidents_fini frees; all zero is empty. 4 KB for each kind that a service ever had.
 * Errors:   no memory: not counted.
 */
#ifndef METRICS_INCIDENTS_H
#define METRICS_INCIDENTS_H

#include "occasions.h"
#include "restarts.h"

struct incidents_service {
	struct incidents_service *next;
	bool told; /* of forks and ends by the kernel: else restarts cannot be told from daemons */
	struct occasions *of[METRICS_INCIDENTS]; /* NULL: none yet */
	char service[72];
	char environment[40];
};

struct incidents {
	struct restarts restarts;
	struct incidents_service *services;
	uint32_t count; /* of them */
};

/* Of whom a question is; NULL: any. */
struct incidents_scope {
	const char *service, *environment;
	uint32_t from, to; /* seconds [from, to) */
};

void incidents_fini(struct incidents *in);
void incidents_start(struct incidents *in, const struct capture_target *target, uint32_t second);
void incidents_end(struct incidents *in, uint64_t key, uint64_t end_ticks, uint32_t second);
void incidents_kill(struct incidents *in, uint64_t key, uint32_t second);

/* In the window, and in all. METRICS_UNKNOWN: nobody tells. Kills: as if all were told. */
void incidents_count(const struct incidents *in, const struct incidents_scope *scope,
		     struct metrics_incidents *out);

#endif
