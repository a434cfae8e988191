/*
 * arrival_event - how long what arrived for a process lay there until it was read: the wait to be
 *                 accepted, and to be read from, among it.
 *
 * Includers: bpf/arrival.bpf.h and agent/capture/arrival.c.
 */
#ifndef BPF_ARRIVAL_EVENT_H
#define BPF_ARRIVAL_EVENT_H

#define ARRIVAL_MAP "arrivals"
#define ARRIVAL_PERIOD 30 /* bits of ns: 1.07 s, a little longer than from one look to the next */

/* Of one process, since the agent made the row. A read of what came in several packets is one. */
struct arrival_row {
	unsigned long long reads, ns;
	/* The longest of this period and of the one before, which is whole: by its lowest bit. */
	unsigned long long longest_ns[2];
	unsigned long long periods[2]; /* which they are of */
};

#endif
