/*
 * machine - memory, CPU, load and pressure of the whole machine.
 *
 * Threads:  any; a machine is its owner's.
 * Memory:   the caller's.
 * Errors:   METRICS_UNKNOWN where a file is not there.
 */
#ifndef METRICS_MACHINE_H
#define METRICS_MACHINE_H

#include "metrics.h"

struct machine {
	uint64_t busy, all;  /* ticks of /proc/stat at the last look */
	double memory_total; /* bytes */
	uint32_t cpus;
};

/* CPU is that since the last look: unknown at the first one. */
void machine_read(struct machine *machine, const char *root, struct metrics_system *out);

#endif
