/*
 * census_event - the agent's word to the census of threads, and where it counts.
 *
 * Includers: bpf/census.bpf.c and agent/capture/census.c.
 */
#ifndef BPF_CENSUS_EVENT_H
#define BPF_CENSUS_EVENT_H

#define CENSUS_MAP "counted" /* struct wait_row by process */
#define CENSUS_SPAN_MAP "span"

/* What one look stands for. CLOCK_MONOTONIC. */
struct census_span {
	unsigned long long now_ns;
	unsigned long long span_ns; /* since the look before */
};

#endif
