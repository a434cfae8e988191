/*
 * filter - which processes a probe may speak of: those that the agent watches.
 *
 * Includers: the probes. One map for all of them: the agent makes it, and puts it in the place of
 * each object's own (probe.c). A probe drops everything else first.
 */
#ifndef BPF_FILTER_BPF_H
#define BPF_FILTER_BPF_H

#include "filter.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FILTER_TARGETS);
	__uint(map_flags, FILTER_NO_PREALLOC);
	__type(key, __u32);
	__type(value, __u32);
} targets SEC(".maps");

/* enum filter_why; 0: no target. */
static __always_inline __u32 filter_target(__u32 tgid)
{
	const __u32 *why = bpf_map_lookup_elem(&targets, &tgid);

	return why ? *why : 0;
}

/* A full map: such a child is found by the agent's scan. */
static __always_inline void filter_follow(__u32 tgid, __u32 parent_why)
{
	__u32 why = FILTER_FOLLOWED | (parent_why & (FILTER_ASKED | FILTER_BARE));

	bpf_map_update_elem(&targets, &tgid, &why, BPF_NOEXIST);
}

#endif
