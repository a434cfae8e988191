/*
 * folders - the run and state directories, one agent each, with a part that is the worker's.
 *
 * Threads:  one.
 * Memory:   two descriptors, closed by folders_close; the locks last as long as the process.
 * Errors:   0 or -errno with a sentence. -EBUSY: another agent runs there.
 */
#ifndef AGENT_FOLDERS_H
#define AGENT_FOLDERS_H

#include "config.h"

#include <sys/types.h>

#define FOLDERS_PATH 108
#define FOLDERS_WORKER "worker" /* sub-directory of either, owned by the worker's user */
#define FOLDERS_KNOCK "shim.sock"

struct folders {
	char run[FOLDERS_PATH];
	char state[FOLDERS_PATH];
	int run_fd, state_fd; /* locked */
};

int folders_open(struct folders *f, const struct config *c, uid_t uid, gid_t gid,
		 struct config_error *error);
void folders_close(struct folders *f);

#endif
