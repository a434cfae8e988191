/*
 * places - where in a file the functions are through which plain text passes into TLS and out of
 *          it: found by a process of its own, which is locked in before it reads the file.
 *
 * Threads:  one asker at a time; the process has one.
 * Memory:   places_end frees, whatever became of it.
 * Errors:   0 or -errno; -EAGAIN: not found out yet.
 */
#ifndef PROFILE_PLACES_H
#define PROFILE_PLACES_H

#include "tls_kind.h"

#include <stdint.h>
#include <sys/types.h>

#define PLACES_CPU_S 2

struct places {
	pid_t pid;  /* 0: nothing is asked */
	int answer; /* its descriptor */
};

int places_begin(struct places *p, const char *program, int file);

/* How many there are, at most TLS_PLACES of them; anything but -EAGAIN ends it. */
int places_take(struct places *p, struct tls_place out[TLS_PLACES]);
void places_end(struct places *p);

int places_main(void); /* the whole life of the process */

#endif
