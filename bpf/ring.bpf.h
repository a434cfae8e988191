/*
 * ring - the way of a probe's events to the agent, and the count of those that found no room.
 *
 * Includers: the probes, which define RING_BYTES first. The agent looks in on a timer: a wake-up
 * would cost microseconds an event.
 */
#ifndef BPF_RING_BPF_H
#define BPF_RING_BPF_H

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_BYTES);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} dropped SEC(".maps");

static __always_inline void ring_lost(void)
{
	__u32 zero = 0;
	__u64 *lost = bpf_map_lookup_elem(&dropped, &zero);

	if (lost)
		__sync_fetch_and_add(lost, 1);
}

/* Room that is surely given back by ring_submit; 0: none, counted. */
static __always_inline void *ring_reserve(__u64 size)
{
	void *room = bpf_ringbuf_reserve(&ring, size, 0);

	if (!room)
		ring_lost();
	return room;
}

static __always_inline void ring_submit(void *room)
{
	bpf_ringbuf_submit(room, BPF_RB_NO_WAKEUP);
}

#endif
