/*
 * http - the bytes that move on TCP connections accepted by targets that run without the shim.
 *
 * Threads:  any CPU, under the socket's lock or in the call of the process.
 * Memory:   a ring of HTTP_RING_BYTES; a mark on each listening socket, which what it accepts
 *           inherits, and on each connection.
 * Errors:   an event without room is counted in dropped; bytes that cannot be read are left out.
 */
#include "kernel.h"

#include "socket.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "filter.bpf.h"
#include "http_event.h"

#define RING_BYTES HTTP_RING_BYTES
#include "ring.bpf.h"

#define HTTP_CROWDED (HTTP_RING_BYTES / 4) /* from here on long pieces, bodies, are cut short */
#define HTTP_PIECES 16                     /* of one writev */
#define HTTP_TCP_HEAD 20
#define HTTP_STATUS_LINE 12 /* HTTP/1.1 200 */
#define HTTP_CREATE 1       /* BPF_SK_STORAGE_GET_F_CREATE */

enum { BPF_MAP_TYPE_SK_STORAGE = 24, BPF_F_NO_PREALLOC = 1, BPF_F_CLONE = 1 << 9 };
enum { BPF_RB_AVAIL_DATA = 0 };

struct http_mark {
	__u64 id;                 /* 0: it listens, or is not established yet */
	__u32 class;              /* of the answer that it begins; 0: none */
	__u8 telling, full, over; /* full: some of it found no room */
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct http_mark);
} marks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FILTER_TARGETS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct http_lost);
} lost SEC(".maps");

extern int bpf_dynptr_from_skb(struct __sk_buff *skb, __u64 flags, struct bpf_dynptr *out) __ksym;

static __always_inline struct http_mark *http_mark(const struct sock *sk)
{
	struct http_mark *mark = bpf_sk_storage_get(&marks, (void *)sk, 0, 0);

	return mark && mark->id && !mark->over ? mark : 0;
}

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
	room->at_ns = bpf_ktime_get_ns();
	ring_submit(room);
	return true;
}

/*
 * Bytes come along: from a packet, or from the memory of the process. A room's size must be known
 * to the verifier, which also wants to see the length checked in 64 bits.
 */
#define HTTP_CARRY(most, event, bytes, read, seen)                                                 \
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
		seen;                                                                              \
		ring_submit(room);                                                                 \
	} while (0)

/* Of a long one. What is left out there is a body, mostly, whose length tells where it ends. */
static __always_inline bool http_crowded(void)
{
	return bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) > HTTP_CROWDED;
}

static __always_inline void http_carry_packet(const struct http_event *event,
					      struct bpf_dynptr *packet, __u32 from)
{
	__u64 bytes = event->length;
	bool full;

	if (bytes <= HTTP_SMALL) {
		HTTP_CARRY(HTTP_SMALL, event, bytes,
			   bpf_dynptr_read(room->text, bytes, packet, from, 0), (void)0);
	} else if (bytes <= HTTP_MIDDLE || http_crowded()) {
		bytes = bytes < HTTP_MIDDLE ? bytes : HTTP_MIDDLE;
		HTTP_CARRY(HTTP_MIDDLE, event, bytes,
			   bpf_dynptr_read(room->text, bytes, packet, from, 0), (void)0);
	} else {
		bytes = bytes < HTTP_KEPT ? bytes : HTTP_KEPT;
		HTTP_CARRY(HTTP_KEPT, event, bytes,
			   bpf_dynptr_read(room->text, bytes, packet, from, 0), (void)0);
	}
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

/* 1 and more: an answer begins here, and the class of its status. 101 is its only 1xx. */
static __always_inline __u32 http_class(__u64 bytes, const __u8 *line)
{
	__u32 class;

	if (bytes < HTTP_STATUS_LINE || line[0] != 'H' || line[1] != 'T' || line[2] != 'T' ||
	    line[3] != 'P' || line[4] != '/' || line[5] != '1' || line[6] != '.' || line[8] != ' ')
		return 0;
	class = line[9] - '0';
	return class > HTTP_CLASSES || (class == 1 && line[11] != '1') ? 0 : class;
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

static __always_inline void http_answers(struct http_mark *mark, __u64 bytes, const __u8 *line)
{
	__u32 class = http_class(bytes, line);

	if (class)
		mark->class = class;
}

static __always_inline void http_carry_memory(struct http_mark *mark,
					      const struct http_event *event, const void *from)
{
	__u8 line[HTTP_STATUS_LINE];
	__u64 bytes = event->length;
	bool full;

	if (bytes <= HTTP_SMALL) {
		HTTP_CARRY(HTTP_SMALL, event, bytes, bpf_probe_read_user(room->text, bytes, from),
			   http_answers(mark, room->event.kept, room->text));
	} else if (bytes <= HTTP_MIDDLE || http_crowded()) {
		bytes = bytes < HTTP_MIDDLE ? bytes : HTTP_MIDDLE;
		HTTP_CARRY(HTTP_MIDDLE, event, bytes, bpf_probe_read_user(room->text, bytes, from),
			   http_answers(mark, room->event.kept, room->text));
	} else {
		bytes = bytes < HTTP_KEPT ? bytes : HTTP_KEPT;
		HTTP_CARRY(HTTP_KEPT, event, bytes, bpf_probe_read_user(room->text, bytes, from),
			   http_answers(mark, room->event.kept, room->text));
	}
	if (!full)
		return;
	mark->full = 1;
	if (!bpf_probe_read_user(line, sizeof(line), from))
		http_answers(mark, event->length, line);
}

/* A packet of an established connection, ahead of the check of its order. */
SEC("tp_btf/tcp_probe")
int BPF_PROG(http_arrived, struct sock *sk, struct sk_buff *skb)
{
	struct http_mark *mark = http_mark(sk);
	struct http_event event = { .kind = HTTP_ARRIVED };
	__u8 head[HTTP_TCP_HEAD];
	struct bpf_dynptr packet;
	__u32 from;

	if (!mark)
		return 0;
	if (bpf_dynptr_from_skb((void *)skb, 0, &packet) ||
	    bpf_dynptr_read(head, sizeof(head), &packet, 0, 0))
		return 0;
	from = (head[12] >> 4) * 4;
	if (skb->len <= from)
		return 0;
	event.connection = mark->id;
	event.at_ns = bpf_ktime_get_ns();
	event.length = skb->len - from;
	event.seq = (__u32)head[4] << 24 | (__u32)head[5] << 16 | (__u32)head[6] << 8 | head[7];
	http_carry_packet(&event, &packet, from);
	return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(http_read, struct sock *sk, int result, int flags)
{
	struct http_event event = { .kind = HTTP_READ };
	struct http_mark *mark;
	struct tcp_sock *tcp;

	if (result <= 0 || flags & SOCKET_PEEK)
		return 0;
	mark = http_mark(sk);
	tcp = mark ? bpf_skc_to_tcp_sock(sk) : 0;
	event.pid = tcp ? http_pid() : 0;
	if (!event.pid)
		return 0;
	event.connection = mark->id;
	event.seq = tcp->copied_seq;
	event.length = result;
	http_tell(&event);
	return 0;
}

/* The pieces of what is to be written; of what lies elsewhere (a file's pages) there are none. */
static __always_inline void http_pieces(struct http_mark *mark, struct http_event *event,
					const struct iov_iter *from)
{
	__u64 left = from->count, skip = from->iov_offset;
	const struct iovec *at = from->__iov;
	__u32 count = from->nr_segs;

	if (from->iter_type == bpf_core_enum_value(enum iter_type, ITER_UBUF)) {
		event->length = left;
		http_carry_memory(mark, event, (char *)from->ubuf + skip);
		return;
	}
	if (from->iter_type != bpf_core_enum_value(enum iter_type, ITER_IOVEC))
		return;
	for (int i = 0; i < HTTP_PIECES && i < count && left; i++, skip = 0) {
		struct iovec piece;
		__u64 bytes;

		if (bpf_probe_read_kernel(&piece, sizeof(piece), at + i))
			return;
		bytes = piece.iov_len > skip ? piece.iov_len - skip : 0;
		bytes = bytes < left ? bytes : left;
		event->length = bytes;
		if (bytes)
			http_carry_memory(mark, event, (char *)piece.iov_base + skip);
		event->seq += bytes;
		left -= bytes;
	}
}

/* Comes again for each packet that a call fills: the bytes of the call were told at its first. */
SEC("tp_btf/tcp_sendmsg_locked")
int BPF_PROG(http_writing, const struct sock *sk, const struct msghdr *message)
{
	struct http_mark *mark = http_mark(sk);
	struct http_event event = { .kind = HTTP_WRITING };
	struct tcp_sock *tcp;

	tcp = mark && !mark->telling ? bpf_skc_to_tcp_sock((void *)sk) : 0;
	event.pid = tcp ? http_pid() : 0;
	if (!event.pid)
		return 0;
	mark->telling = 1;
	mark->full = 0;
	mark->class = 0;
	event.connection = mark->id;
	event.seq = tcp->write_seq;
	http_pieces(mark, &event, &message->msg_iter);
	return 0;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(http_wrote, struct sock *sk, int result)
{
	struct http_mark *mark = http_mark(sk);
	struct http_event event = { .kind = HTTP_WROTE };
	struct tcp_sock *tcp;

	if (!mark)
		return 0;
	tcp = bpf_skc_to_tcp_sock(sk);
	/* it began as a target's: that was looked up then */
	if (tcp)
		event.pid = mark->telling ? bpf_get_current_pid_tgid() >> 32 : http_pid();
	mark->telling = 0;
	if (!event.pid)
		return 0;
	event.connection = mark->id;
	event.seq = tcp->write_seq;
	event.length = result > 0 ? result : 0;
	if ((!http_tell(&event) || mark->full) && result > 0)
		http_lose(event.pid, mark->class);
	mark->class = 0;
	return 0;
}

static __always_inline void http_begin(struct sock *sk, struct http_mark *mark, __u32 kind)
{
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);
	struct http_event event = { .kind = kind };

	if (!tcp)
		return;
	mark->id = bpf_get_socket_cookie(sk);
	event.connection = mark->id;
	event.seq = tcp->copied_seq;
	event.other = tcp->write_seq;
	http_tell(&event);
}

static __always_inline void http_end(struct sock *sk, int state)
{
	struct http_mark *mark = http_mark(sk);
	struct http_event event = { .kind = HTTP_CLIENT_GONE };

	if (!mark)
		return;
	event.connection = mark->id;
	event.length = state == SOCKET_CLOSE;
	if (state == SOCKET_CLOSE_WAIT || (state == SOCKET_CLOSE && sk->sk_err))
		http_tell(&event);
	if (state == SOCKET_CLOSE_WAIT)
		return;
	mark->over = 1;
	event.kind = HTTP_CLOSED;
	http_tell(&event);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(http_state, struct sock *sk, int before, int state)
{
	struct http_mark *mark;

	if (state == SOCKET_LISTEN) {
		if (sk->sk_protocol == SOCKET_TCP && http_pid())
			bpf_sk_storage_get(&marks, sk, 0, HTTP_CREATE);
	} else if (state == SOCKET_ESTABLISHED && before == SOCKET_SYN_RECV) {
		mark = bpf_sk_storage_get(&marks, sk, 0, 0);
		if (mark && !mark->id)
			http_begin(sk, mark, HTTP_ACCEPTED);
	} else if (state == SOCKET_CLOSE || state == SOCKET_CLOSE_WAIT ||
		   state == SOCKET_FIN_WAIT1 || state == SOCKET_LAST_ACK) {
		http_end(sk, state);
	}
	return 0;
}

/* What a target has open when it is attached. */
SEC("iter/task_file")
int http_found(struct bpf_iter__task_file *context)
{
	struct task_struct *task = context->task;
	struct file *file = context->file;
	struct http_mark *mark;
	struct socket *socket;
	struct sock *sk;
	int state;

	if (!task || !file || !(filter_target(task->tgid) & FILTER_BARE))
		return 0;
	socket = (void *)bpf_sock_from_file(file);
	sk = socket ? socket->sk : 0;
	if (!sk || sk->sk_protocol != SOCKET_TCP ||
	    (sk->__sk_common.skc_family != SOCKET_INET &&
	     sk->__sk_common.skc_family != SOCKET_INET6))
		return 0;
	state = sk->__sk_common.skc_state;
	if (state != SOCKET_LISTEN && state != SOCKET_ESTABLISHED)
		return 0;
	mark = bpf_sk_storage_get(&marks, sk, 0, HTTP_CREATE);
	if (mark && state == SOCKET_ESTABLISHED && !mark->id)
		http_begin(sk, mark, HTTP_FOUND);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
