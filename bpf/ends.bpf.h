/*
 * ends - ends of connections that found no room in the ring: they are told when there is some.
 *
 * Includers: the probes that tell struct http_event, behind carry.bpf.h.
 *
 * What waits in the agent for the end of a connection would wait for ever. Each further connection
 * tells those that wait here; where none comes, the agent asks for them each second.
 */
#ifndef BPF_ENDS_BPF_H
#define BPF_ENDS_BPF_H

#define ENDS_MOST 8192
#define ENDS_AT_ONCE 16
#define ENDS_ROOM 8192 /* in the ring, at least: a try that is in vain counts as an event dropped */

enum { BPF_MAP_TYPE_QUEUE = 22 };

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, ENDS_MOST);
	__type(value, struct http_event);
} ends SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} ends_left SEC(".maps");

static __always_inline void ends_count(__u64 more)
{
	__u32 zero = 0;
	__u64 *left = bpf_map_lookup_elem(&ends_left, &zero);

	if (left)
		__sync_fetch_and_add(left, more);
}

static __always_inline void ends_keep(const struct http_event *event)
{
	if (!bpf_map_push_elem(&ends, event, 0))
		ends_count(1);
}

static __always_inline void ends_tell(const struct http_event *event)
{
	if (!http_tell(event))
		ends_keep(event);
}

static __always_inline bool ends_wait(void)
{
	__u32 zero = 0;
	const __u64 *left = bpf_map_lookup_elem(&ends_left, &zero);

	return left && *left &&
	       bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) < RING_BYTES - ENDS_ROOM;
}

static __always_inline void ends_again(void)
{
	struct http_event event;

	for (int i = 0; i < ENDS_AT_ONCE && ends_wait(); i++) {
		if (bpf_map_pop_elem(&ends, &event))
			return;
		ends_count(-1);
		ends_tell(&event);
	}
}

#endif
