/*
 * carry - bytes of a connection into the ring, and the count of answers that found no room there.
 *
 * Includers: the probes that tell struct http_event, behind filter.bpf.h and ring.bpf.h.
 */
#ifndef BPF_CARRY_BPF_H
#define BPF_CARRY_BPF_H

#include "http_event.h"

#define HTTP_CROWDED (HTTP_RING_BYTES / 4) /* from here on long pieces, bodies, are cut short */
#define HTTP_STATUS_LINE 12                /* HTTP/1.1 200 */
#define HTTP_INTERIM (HTTP_CLASSES + 1)

enum { BPF_RB_AVAIL_DATA = 0 };
enum { BPF_F_NO_PREALLOC = 1, CARRY_LRU_HASH = 9 };

/* Children that the agent never met have rows too, which nobody takes away: the oldest go. */
struct {
	__uint(type, CARRY_LRU_HASH);
	__uint(max_entries, FILTER_TARGETS);
	__type(key, __u32);
	__type(value, struct http_lost);
} lost SEC(".maps");

static __always_inline __u32 http_pid(void)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;

	return filter_target(pid) & FILTER_BARE ? pid : 0;
}

/* One without bytes of its own. False: it found no room. */
static __always_inline bool http_tell(const struct http_event *event)
{
	struct http_event *room = ring_reserve(sizeof(*room));

	if (!room)
		return false;
	*room = *event;
	if (!event->at_ns)
		room->at_ns = bpf_ktime_get_ns();
	ring_submit(room);
	return true;
}

/*
 * Bytes come along: from a packet, or from the memory of the process. A room's size must be known
 * to the verifier, which also wants to see the length checked in 64 bits.
 */
#define HTTP_CARRY(most, event, bytes, read, carried)                                              \
	do {                                                                                       \
		struct {                                                                           \
			struct http_event event;                                                   \
			__u8 text[most];                                                           \
		} *room = ring_reserve(sizeof(*room));                                             \
                                                                                                   \
		full = !room;                                                                      \
		if (full)                                                                          \
			break;                                                                     \
		room->event = *(event);                                                            \
		asm volatile("" : "+r"(bytes));                                                    \
		room->event.kept = bytes && bytes <= (most) && !(read) ? bytes : 0;                \
		carried;                                                                           \
		ring_submit(room);                                                                 \
	} while (0)

/* Of a long one. What is left out there is a body, mostly, whose length tells where it ends. */
static __always_inline bool http_crowded(void)
{
	return bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) > HTTP_CROWDED;
}

static __always_inline struct http_lost *http_lost_row(__u32 pid)
{
	struct http_lost *row = bpf_map_lookup_elem(&lost, &pid);
	const struct http_lost none = {};

	if (row)
		return row;
	bpf_map_update_elem(&lost, &pid, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&lost, &pid);
}

/*
 * 1 and more: an answer begins here, and the class of its status. 101 is its only 1xx: others, and
 * what is no class, are HTTP_INTERIM.
 */
static __always_inline __u32 http_class(__u64 bytes, const __u8 *line)
{
	__u32 class;

	if (bytes < HTTP_STATUS_LINE || line[0] != 'H' || line[1] != 'T' || line[2] != 'T' ||
	    line[3] != 'P' || line[4] != '/' || line[5] != '1' || line[6] != '.' || line[8] != ' ')
		return 0;
	class = line[9] - '0';
	return class - 1 >= HTTP_CLASSES || (class == 1 && line[11] != '1') ? HTTP_INTERIM : class;
}

static __always_inline __u32 http_class_of_memory(__u64 bytes, const void *from)
{
	__u8 line[HTTP_STATUS_LINE];

	return bpf_probe_read_user(line, sizeof(line), from) ? 0 : http_class(bytes, line);
}

static __always_inline void http_lose(__u32 pid, __u32 class)
{
	struct http_lost *row;

	if (!class || class > HTTP_CLASSES)
		return;
	row = http_lost_row(pid);
	if (row)
		__sync_fetch_and_add(&row->status[class - 1], 1);
}

/* True: it found no room. *class is told in either case. */
static __always_inline bool http_carry_memory(const struct http_event *event, __u64 length,
					      const void *from, __u32 *class)
{
	__u64 bytes = length;
	bool full;

	if (bytes <= HTTP_SMALL) {
		HTTP_CARRY(HTTP_SMALL, event, bytes, bpf_probe_read_user(room->text, bytes, from),
			   *class = http_class(room->event.kept, room->text));
	} else if (bytes <= HTTP_MIDDLE || http_crowded()) {
		bytes = bytes < HTTP_MIDDLE ? bytes : HTTP_MIDDLE;
		HTTP_CARRY(HTTP_MIDDLE, event, bytes, bpf_probe_read_user(room->text, bytes, from),
			   *class = http_class(room->event.kept, room->text));
	} else {
		bytes = bytes < HTTP_KEPT ? bytes : HTTP_KEPT;
		HTTP_CARRY(HTTP_KEPT, event, bytes, bpf_probe_read_user(room->text, bytes, from),
			   *class = http_class(room->event.kept, room->text));
	}
	if (full)
		*class = http_class_of_memory(length, from);
	return full;
}

#endif
