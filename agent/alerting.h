/*
 * alerting - alerts as the configuration wants them: opened with their channels, or not at all.
 *
 * Threads:  the worker's main thread.
 * Memory:   alerting_close gives all back.
 * Errors:   0 or -errno.
 */
#ifndef AGENT_ALERTING_H
#define AGENT_ALERTING_H

#include "alerts.h"

struct config;
struct parts;

struct alerting {
	struct alerts *alerts; /* NULL: turned off */
	char base[160];
};

int alerting_open(struct alerting *a, const struct config *config, struct metrics *metrics,
		  struct health *health, const char *folder);
void alerting_close(struct alerting *a);
void alerting_rules(const struct alerting *a, int fd);
void alerting_second(const struct alerting *a, const struct parts *parts);

#endif
