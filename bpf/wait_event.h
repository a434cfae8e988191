/*
 * wait_event - what the threads of targets waited for, summed by process.
 *
 * Includers: bpf/wait.bpf.c, and agent/capture/wait.h for the rest of the agent.
 */
#ifndef BPF_WAIT_EVENT_H
#define BPF_WAIT_EVENT_H

#define WAIT_MAP "waits"

enum wait_cause {
	WAIT_SOCKET,    /* a socket, or one of many descriptors: poll, select, epoll */
	WAIT_DISK,      /* a file, or the kernel said that it is I/O */
	WAIT_LOCK,      /* a futex or a file's lock */
	WAIT_SLEEP,     /* a time */
	WAIT_OTHER,     /* a pipe, a child, a page, a signal */
	WAIT_RUN_QUEUE, /* a processor */
	WAIT_CAUSES,
};

/* Booked when a wait ends. */
struct wait_row {
	unsigned long long ns[WAIT_CAUSES];
};

#endif
