/*
 * inputs_event - what the kernel tells of targets beside their CPU: kills for want of memory, TCP
 *                connections, block I/O.
 *
 * Includers: bpf/inputs.bpf.c, and agent/capture/inputs.h for the rest of the agent.
 */
#ifndef BPF_INPUTS_EVENT_H
#define BPF_INPUTS_EVENT_H

#define INPUTS_ROWS_MAP "rows"
#define INPUTS_RING_BYTES 4096 /* the least there is: a kill is rare */
#define INPUTS_BIOS 8192       /* under way at once, of all targets: 0.7 MB while loaded */

/* Of one target, since the agent made the row. */
struct inputs_row {
	unsigned long long retransmits, segments; /* of these, sent again; and all with bytes */
	unsigned long long trips_us, looks;       /* sum of what looks found, and how many */
	unsigned long long reads, writes;         /* block I/O that came back, whole */
	unsigned long long read_ns, write_ns;     /* from its submission on */
};

/* By pid: the shortest round trip since the agent took it last, in µs. */
#define INPUTS_TRIPS_MAP "trips"

/* The kernel chose this process, of any user and agent, to be killed for want of memory. */
struct inputs_kill {
	unsigned int pid; /* in the initial pid namespace */
	unsigned int reserved;
};

#endif
