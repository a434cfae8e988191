/*
 * filter - which processes a probe may speak of: those that the agent watches.
 *
 * Includers: the probes. The agent writes the map; a probe drops everything else first.
 */
#ifndef BPF_FILTER_BPF_H
#define BPF_FILTER_BPF_H

#define FILTER_TARGETS 16384 /* the agent's own quota of segments */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FILTER_TARGETS);
	__uint(map_flags, 1); /* BPF_F_NO_PREALLOC: an idle agent pays nothing */
	__type(key, __u32);
	__type(value, __u8);
} targets SEC(".maps");

static __always_inline int filter_target(__u32 pid)
{
	return bpf_map_lookup_elem(&targets, &pid) != 0;
}

#endif
