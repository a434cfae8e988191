/*
 * offcpu_event - what one process's threads waited for, summed by stack and cause.
 *
 * Includers: bpf/offcpu.bpf.c, agent/capture/offcpu.c and agent/profile.
 *
 *   handed over when it is over, in a memfd: [head][row] … [row]
 *
 * Innermost frames first, the kernel's in front of the user's; counts are of addresses.
 */
#ifndef BPF_OFFCPU_EVENT_H
#define BPF_OFFCPU_EVENT_H

#include "profile_event.h"
#include "wait_event.h"

#define OFFCPU_ROWS 4096     /* distinct stacks: 7 MB while it is loaded */
#define OFFCPU_THREADS 16384 /* that are off at once: 1.5 MB while it is loaded */
#define OFFCPU_NO_STACK 0    /* the row of waits whose stack found no room */

struct offcpu_row {
	unsigned long long ns[WAIT_CAUSES];
	unsigned long long waits[WAIT_CAUSES]; /* over, or under way at the end */
	unsigned short kernel_count, user_count;
	unsigned int reserved;
	unsigned long long addresses[PROFILE_FRAMES];
};

/* Of a thread that is off; it is counted up to the end, if it still is then. */
struct offcpu_off {
	unsigned long long since_ns, stack; /* key of its row */
	unsigned int cause;                 /* enum wait_cause: WAIT_RUN_QUEUE once it may run */
	unsigned int reserved;
};

struct offcpu_head {
	unsigned long long span_ns;  /* of the time that is told of */
	unsigned long long no_stack; /* waits that are in the row without addresses */
	unsigned long long lost;     /* waits whose begin or end was not told: they are in no row */
	unsigned int row_count;
	unsigned int asleep_unseen; /* 1: who slept when it began, and slept on, is not told of */
};

#endif
