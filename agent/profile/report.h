/*
 * report - a graph as text: collapsed stacks for other tools, JSON for the dashboard.
 *
 * Threads:  one.
 * Memory:   *out is the caller's to free.
 * Errors:   0 or -ENOMEM.
 */
#ifndef PROFILE_REPORT_H
#define PROFILE_REPORT_H

#include "graph.h"
#include "json.h"

#include <stddef.h>

/* "outer;inner 42" a line, samples or nanoseconds; a kernel's function ends with "_[k]". */
int report_collapsed(const struct graph *g, char **out, size_t *length);

/* One object. stacks are indices into frames, outermost first. */
void report_json(const struct graph *g, struct json *j);

#endif
