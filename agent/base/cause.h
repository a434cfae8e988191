/*
 * cause - what a thread that is off the processor waits for.
 *
 * Threads:  constants and values.
 * Memory:   none.
 * Errors:   none. The order is that of bpf/wait_event.h.
 */
#ifndef BASE_CAUSE_H
#define BASE_CAUSE_H

#include <stdint.h>

enum cause {
	CAUSE_SOCKET, /* or one of many descriptors, as epoll has them */
	CAUSE_DISK,
	CAUSE_LOCK,
	CAUSE_SLEEP,
	CAUSE_OTHER,
	CAUSE_RUN_QUEUE,
	CAUSES,
};

/* Of all threads of a process, since it is looked at in this way. */
struct cause_waits {
	uint64_t ns[CAUSES];
	uint64_t sampled; /* 1: estimated by looks at its threads; 0: each wait that ended */
};

#endif
