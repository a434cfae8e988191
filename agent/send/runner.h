/*
 * runner - does what actions say, in a process that stays root for that and does nothing else.
 *
 * Threads:  one, and a process for each that is under way.
 * Memory:   its own until runner_run returns; the configuration is borrowed.
 * Errors:   of an action: told to the worker, in a courier's word. It ends when the worker's side
 *           of the link does, with all that is under way.
 *
 * What can be done it read when the agent started, from a configuration that is root's alone. The
 * worker names one of these by its sum and adds values; there is nothing else in an order. One is
 * done by one process at a time and at most as often as it says, whoever asks how often.
 */
#ifndef SEND_RUNNER_H
#define SEND_RUNNER_H

#include "action.h"
#include "config_alerts.h"

#include <sys/resource.h>
#include <sys/types.h>

struct runner_order {
	uint32_t kind; /* said again in the word, as are … */
	uint64_t sum;  /* channel_sum of what is to be done */
	uint64_t sequence;
	int64_t at_ms;
	struct action_values values;
};

struct runner_user {
	int error; /* 0, or why it is nobody, -errno */
	uid_t uid;
	gid_t gid;
};

struct runner {
	const struct config_alerts *alerts;
	struct runner_user users[CHANNEL_MAX]; /* of commands */
	int (*become)(uid_t uid, gid_t gid);   /* for good, without any privilege; 0 or -errno */
	struct rlimit files; /* of descriptors, that commands have: ours is many times as high */
	int64_t *begun_ns;   /* of each, the last time; 0: never. It outlives the process */
	int link;
	bool trusted; /* the configuration is root's alone */
};

/* The rest of it is the caller's to fill in. */
int runner_init(struct runner *r, const struct config_alerts *alerts, int link);
int runner_run(void *runner); /* an exit code */

int runner_order(int link, const struct runner_order *order); /* -EAGAIN: it is behind */

#endif
