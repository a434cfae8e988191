/*
 * pprof - a graph as pprof's protocol buffer: what go tool pprof, Speedscope and Parca open.
 *
 * Threads:  one.
 * Memory:   *out is the caller's to free. Not compressed yet: web does that.
 * Errors:   0 or -ENOMEM.
 * Format:   github.com/google/pprof/proto/profile.proto; two values a sample: its number, and the
 *           nanoseconds that it stands for. Of waits the label "cause" tells what for.
 */
#ifndef PROFILE_PPROF_H
#define PROFILE_PPROF_H

#include "graph.h"

#include <stddef.h>

int pprof_write(const struct graph *g, char **out, size_t *length);

#endif
