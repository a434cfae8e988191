/*
 * split - the processes that the agent is made of, forked while it is root: the worker's nursery,
 *         and a runner's each where a channel of alerts speaks with the network or does something.
 *
 * Threads:  one.
 * Memory:   what it points at is borrowed for the life of the process.
 * Errors:   0 or -errno, with the reason in error.
 */
#ifndef AGENT_SPLIT_H
#define AGENT_SPLIT_H

#include "broker.h"
#include "config.h"
#include "folders.h"
#include "privilege.h"
#include "worker.h"

#include <sys/resource.h>

struct split {
	const struct config *config;
	const struct privilege_user *user; /* of the worker */
	bool trusted;                      /* nobody but root can have written the configuration */
	const struct rlimit *files;        /* of descriptors, as the agent was started */
	struct folders *folders;
	struct broker_config *broker;
	struct worker_config *worker; /* with its sockets open */
	struct config_error *error;
};

/* Comes back in the broker alone, with its ends of pipes and links, and nothing of the others. */
int split_agent(const struct split *s);

#endif
