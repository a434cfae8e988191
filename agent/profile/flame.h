/*
 * flame - a graph as a flame graph: one SVG that needs nothing else, to be clicked and searched.
 *
 * Threads:  one.
 * Memory:   *out is the caller's to free.
 * Errors:   0 or -ENOMEM.
 */
#ifndef PROFILE_FLAME_H
#define PROFILE_FLAME_H

#include "graph.h"

#include <stddef.h>

/* title: escaped here. */
int flame_write(const struct graph *g, const char *title, char **out, size_t *length);

#endif
