/*
 * places - asks a process of its own, which is locked in before it reads the file, where in a file
 *          probes go: those of a runtime, or of the functions of TLS.
 *
 * Threads:  one at a time for each struct, from a process that waits for its children itself.
 * Memory:   a value, zero at first; places_end ends the process, and none is fine.
 * Errors:   0 or -errno: -EAGAIN: not found out yet; -ETIMEDOUT; -EPROTO: it was killed, or talks
 *           rubbish.
 */
#ifndef PROFILE_PLACES_H
#define PROFILE_PLACES_H

#include "probe_site.h"
#include "runtime.h"

#include <sys/types.h>

#define PLACES_CPU_S 2u
#define PLACES_S 10u /* all in all, on a machine that has no time for it */

#define PLACES_PROGRAM "/proc/self/exe" /* whose main calls child_main */
#define PLACES_TLS RUNTIME_NONE

struct places {
	pid_t pid;  /* 0: nothing is asked */
	int answer; /* its descriptor */
	enum runtime of;
	uint64_t until_ns;
};

/* file is borrowed for the moment. */
int places_begin(struct places *p, int file, enum runtime of, uint64_t now_ns);

/* 0: *out may be acted on. Anything but -EAGAIN ends it. */
int places_take(struct places *p, uint64_t now_ns, struct sites *out);
void places_end(struct places *p);

int places_main(void); /* the whole life of the process */

#endif
