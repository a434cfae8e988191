/*
 * ticks - a clock on each CPU that runs a program of the kernel's at each of its ticks.
 *
 * Threads:  the broker's only one.
 * Memory:   ticks_start allocates, ticks_stop frees; the clocks end with this process too.
 * Errors:   0 or -errno.
 */
#ifndef CAPTURE_TICKS_H
#define CAPTURE_TICKS_H

#include <stdbool.h>

#define TICKS_CPUS "/sys/devices/system/cpu/online"

struct ticks {
	int *clocks; /* of each CPU; -1: offline; NULL: stopped */
	int cpus;
	char online[512]; /* which CPUs were, as the kernel lists them; "": it does not */
};

int ticks_start(struct ticks *t, int program, unsigned int hz); /* stopped before */
void ticks_stop(struct ticks *t);                               /* twice does no harm */

/* Have CPUs come or gone since ticks_start, by this file (TICKS_CPUS)? They get no clock then. */
bool ticks_are_old(const struct ticks *t, const char *file);

#endif
