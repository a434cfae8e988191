/*
 * ticks - a clock on each CPU that runs a program of the kernel's at each of its ticks.
 *
 * Threads:  the broker's only one.
 * Memory:   ticks_start allocates, ticks_stop frees; the clocks end with this process too.
 * Errors:   0 or -errno.
 */
#ifndef CAPTURE_TICKS_H
#define CAPTURE_TICKS_H

struct ticks {
	int *clocks; /* of each CPU; -1: offline; NULL: stopped */
	int cpus;
};

int ticks_start(struct ticks *t, int program, unsigned int hz); /* stopped before */
void ticks_stop(struct ticks *t);                               /* twice does no harm */

#endif
