/*
 * restarts - which start of a process is a restart of its service, and which is a part of it.
 *
 * Threads:  none of its own; under the lock of metrics.
 * Memory:   restarts_fini frees; all zero is empty. A service is an address that its owner keeps.
 * Errors:   no memory: a process is not followed.
 *
 * An instance of a service is a process that no other of the service forked, and all that these
 * forked. It ends when the last of them has. A restart is the start of an instance after the end of
 * another: each end is answered by one start, told in any order. Ticks are hundredths of a second
 * since boot, as starts of processes are known.
 */
#ifndef METRICS_RESTARTS_H
#define METRICS_RESTARTS_H

#include <stdbool.h>
#include <stdint.h>

#define RESTARTS_ENDS 64u /* of all services that no start answered; the oldest goes */
#define RESTARTS_OVER 64u /* processes that ended or were let go last */

struct restarts_instance;
struct restarts_member;

struct restarts_start {
	uint64_t key, start_ticks;
	int32_t pid, parent;
	const void *service;
};

struct restarts_end {
	const void *service; /* NULL: free */
	uint64_t begun_ticks, ticks;
	int32_t pid;    /* the last that ended */
	int32_t parent; /* of the first that began */
};

struct restarts_over {
	uint64_t key, start_ticks;
	int32_t pid;
	const void *service;
};

struct restarts {
	uint64_t begin_ticks; /* what began before was found, and not started */
	struct restarts_instance *instances;
	struct restarts_member *members; /* that live */
	struct restarts_end ends[RESTARTS_ENDS];
	struct restarts_over over[RESTARTS_OVER];
	uint32_t ends_next, over_next;
};

/* What a start or an end was, bits; of which service: *service, NULL where it is not known. */
enum restarts_what { RESTARTS_STARTED = 1, RESTARTS_ENDED = 2, RESTARTS_AGAIN = 4 };

unsigned int restarts_start(struct restarts *r, const struct restarts_start *start);

/* ticks 0: it did not end, but runs another program, or is let go. */
unsigned int restarts_end(struct restarts *r, uint64_t key, uint64_t ticks, const void **service);

/* Whose a process is, or was a moment ago; NULL: not known. */
const void *restarts_service(const struct restarts *r, uint64_t key);
void restarts_fini(struct restarts *r);

#endif
