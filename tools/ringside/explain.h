/*
 * explain - why a rule fires or does not, in words, out of what the agent answers about it.
 *
 * Threads:  one.
 * Memory:   none; nodes are borrowed.
 * Errors:   none: what the agent does not tell is said to be unknown.
 */
#ifndef RINGSIDE_EXPLAIN_H
#define RINGSIDE_EXPLAIN_H

#include "envelope.h"

#include <stdio.h>

/* One row of /api/alerts/rules, and the list of /api/alerts. */
void explain_rule(const struct envelope_node *rule, const struct envelope_node *alerts, FILE *out);

#endif
