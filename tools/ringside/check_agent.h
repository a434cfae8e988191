/*
 * check_agent - what is installed: the library, the agent, its folders, its user, its settings.
 *
 * Threads:  one.
 * Memory:   borrows the settings.
 * Errors:   they are what is looked for: all go into the checks.
 */
#ifndef RINGSIDE_CHECK_AGENT_H
#define RINGSIDE_CHECK_AGENT_H

#include "check.h"
#include "settings.h"

/* named: the library, NULL: to be looked for. */
void check_agent(struct checks *c, const struct settings *s, const char *named);

#endif
