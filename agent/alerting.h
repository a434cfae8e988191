/*
 * alerting - alerts as the configuration wants them: opened with their channels, or not at all.
 *
 * Threads:  the worker's main thread, and the scribe's, which alone touches the folder of state
 *           once it is open: alerts and dispatch give it what is to be written.
 * Memory:   alerting_close gives all back.
 * Errors:   0 or -errno.
 */
#ifndef AGENT_ALERTING_H
#define AGENT_ALERTING_H

#include "alerts.h"
#include "caching.h"
#include "dispatch.h"

struct config;
struct parts;

struct alerting {
	struct scribe *scribe;     /* NULL: turned off */
	struct alerts *alerts;     /* with the scribe */
	struct dispatch *dispatch; /* the same */
	struct config_alerts *channels;
	struct cache *cache;   /* NULL: there is none */
	int wipe[2];           /* orders to clear it: our end, its owner's; -1: there is none */
	double redis_failures; /* put here each second, as struct source_agent has it */
	char base[160];
};

struct alerting_config {
	const struct config *config; /* … that the agent was started with */
	const struct config *now;    /* its channels and levels, as they were read last */
	struct metrics *metrics;
	struct health *health;
	struct cache *cache; /* NULL: turned off */
	const char *folder;  /* of state */
	int runner;          /* -1: no channel needs one */
	int actions;         /* the runner of actions; -1: none is configured */
};

int alerting_open(struct alerting *a, const struct alerting_config *config);
void alerting_close(struct alerting *a);
/* The configuration was read again: its channels and levels are in force. */
void alerting_reload(struct alerting *a, const struct config *next);
void alerting_rules(const struct alerting *a, int fd);

/* The runner's process; 0: there is none. */
pid_t alerting_second(const struct alerting *a, const struct parts *parts);
int alerting_fd(const struct alerting *a); /* readable: the scribe went on; -1: there is none */
void alerting_written(const struct alerting *a);
bool alerting_hear(const struct alerting *a); /* false: there is no runner any more */
bool alerting_hear_actions(const struct alerting *a);
void alerting_hear_cache(const struct alerting *a);

pid_t alerting_actor(const struct alerting *a); /* the process of the runner of actions, or 0 */

#endif
