/*
 * proof - rules put to the test: a scenario, or what was recorded, is replayed and judged.
 *
 * Threads:  one.
 * Memory:   none of its own.
 * Errors:   told on standard error; an exit code of verbs.h.
 */
#ifndef RINGSIDE_PROOF_H
#define RINGSIDE_PROOF_H

#include "past.h"

#include <stdbool.h>

struct config;

/* files: the scenario, then files of rules, NULL; without rules of its own those of folder. */
int proof_run(const struct config *config, const char *folder, char *const *files, bool json);

/* The same with what was recorded instead of a scenario; nothing is expected. files: of rules. */
int proof_history(const struct config *config, const char *folder, char *const *files, bool json,
		  const struct past_ask *ask);

#endif
