/*
 * arrival - books the delay from a packet's arrival to the read that takes it.
 *
 * Includers: the probes that see both: http.bpf.c of who has no shim, arrival.bpf.c of the others.
 */
#ifndef BPF_ARRIVAL_BPF_H
#define BPF_ARRIVAL_BPF_H

#include "arrival_event.h"
#include "filter.h"

/* The agent makes the row of a process that it knows; of others nothing is booked. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FILTER_TARGETS);
	__uint(map_flags, FILTER_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct arrival_row);
} arrivals SEC(".maps");

/* Two that read at once may leave the lesser delay as the longest: the sum has both. */
static __always_inline void arrival_book(struct arrival_row *row, __u64 arrived_ns, __u64 now_ns)
{
	__u64 period = now_ns >> ARRIVAL_PERIOD, delay_ns = now_ns - arrived_ns;
	__u64 *longest_ns = period & 1 ? &row->longest_ns[1] : &row->longest_ns[0];
	__u64 *of = period & 1 ? &row->periods[1] : &row->periods[0];

	if (!arrived_ns || arrived_ns > now_ns)
		return;
	__sync_fetch_and_add(&row->reads, 1);
	__sync_fetch_and_add(&row->ns, delay_ns);
	if (*of != period) {
		*longest_ns = 0;
		*of = period;
	}
	if (delay_ns > *longest_ns)
		*longest_ns = delay_ns;
}

#endif
