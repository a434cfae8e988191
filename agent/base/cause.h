/*
 * cause - what a thread that is off the processor waits for.
 *
 * Threads:  constants.
 * Memory:   none.
 * Errors:   none. The order is that of bpf/wait_event.h.
 */
#ifndef BASE_CAUSE_H
#define BASE_CAUSE_H

enum cause {
	CAUSE_SOCKET, /* or one of many descriptors, as epoll has them */
	CAUSE_DISK,
	CAUSE_LOCK,
	CAUSE_SLEEP,
	CAUSE_OTHER,
	CAUSE_RUN_QUEUE,
	CAUSES,
};

#endif
