/*
 * trial - a program started under the library, looked at as the agent would, and ended.
 *
 * Threads:  one.
 * Memory:   none is left, and no process.
 * Errors:   0 or -errno where the trial itself could not be made.
 */
#ifndef RINGSIDE_TRIAL_H
#define RINGSIDE_TRIAL_H

#include "accept.h"
#include "watcher.h"

#include <stdbool.h>

struct trial {
	enum watcher_sight sight;
	bool ended_well;           /* with exit code 0, once it was told to */
	enum accept_reason accept; /* ACCEPT_ACCESS: this user may not ask */
	uint32_t clock;            /* enum rs_clock, where it was accepted */
};

int trial_run(const char *library, struct trial *out);

#endif
