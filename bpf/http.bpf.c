/*
 * http - the bytes that move on TCP connections accepted by targets that run without the shim.
 *
 * Threads:  any CPU, under the socket's lock or in the call of the process.
 * Memory:   a ring of HTTP_RING_BYTES; a mark on each listening socket, which what it accepts
 *           inherits, and on each connection.
 * Errors:   an event without room is counted in dropped; bytes that cannot be read are left out.
 */
#include "kernel.h"

#include "registers.bpf.h"
#include "socket.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "filter.bpf.h"
#include "http_event.h"

#define RING_BYTES HTTP_RING_BYTES
#include "ring.bpf.h"

#include "arrival.bpf.h"
#include "carry.bpf.h"
#include "ends.bpf.h"
#include "mark.bpf.h"
#include "streams.bpf.h"
#include "thread.bpf.h"

#define HTTP_TCP_HEAD 20
#define TLS_RECORD_HANDSHAKE 0x16 /* RFC 8446 5.1 */
#define TLS_RECORD_DATA 0x17
#define TLS_RECORD_MAJOR 3
#define HTTP_CREATE 1 /* BPF_SK_STORAGE_GET_F_CREATE */

extern int bpf_dynptr_from_skb(struct __sk_buff *skb, __u64 flags, struct bpf_dynptr *out) __ksym;

/* Streams of HTTP/2: of such a packet all is a head. */
static __always_inline bool http_asks_for_streams(struct bpf_dynptr *packet, __u32 from)
{
	__u8 head[STREAMS_HEAD];
	__u32 none = 0;

	return !bpf_dynptr_read(head, sizeof(head), packet, from, 0) && streams_step(head, &none) &&
	       none;
}

/* False: it found no room. */
static __always_inline bool http_carry_packet(const struct http_event *event,
					      struct bpf_dynptr *packet, __u32 from)
{
	__u64 bytes = event->length;
	bool full;

	if (bytes <= HTTP_SMALL) {
		HTTP_CARRY(HTTP_SMALL, event, bytes,
			   bpf_dynptr_read(room->text, bytes, packet, from, 0), (void)0);
	} else if (bytes <= HTTP_MIDDLE ||
		   (http_crowded() && !http_asks_for_streams(packet, from))) {
		bytes = bytes < HTTP_MIDDLE ? bytes : HTTP_MIDDLE;
		HTTP_CARRY(HTTP_MIDDLE, event, bytes,
			   bpf_dynptr_read(room->text, bytes, packet, from, 0), (void)0);
	} else {
		bytes = bytes < HTTP_KEPT ? bytes : HTTP_KEPT;
		HTTP_CARRY(HTTP_KEPT, event, bytes,
			   bpf_dynptr_read(room->text, bytes, packet, from, 0), (void)0);
	}
	return !full;
}

/* Cipher text, from its first record on? The hello itself is told, and nothing behind it. */
static __always_inline bool http_is_cipher(struct http_mark *mark, struct bpf_dynptr *packet,
					   __u32 from, const struct http_event *event)
{
	__u8 record[2];

	if (mark->judged)
		return mark->cipher;
	if (bpf_dynptr_read(record, sizeof(record), packet, from, 0))
		return false;
	mark->judged = 1;
	mark->cipher = (record[0] == TLS_RECORD_HANDSHAKE || record[0] == TLS_RECORD_DATA) &&
		       record[1] == TLS_RECORD_MAJOR;
	mark->hello = event->seq + event->length;
	return false;
}

/* Behind a gap: it begins a request, and what was answered before is counted. */
static __always_inline bool http_resumes(struct sock *sk, struct http_mark *mark,
					 struct bpf_dynptr *packet, __u32 from,
					 const struct http_event *arrived)
{
	struct http_event event = { .kind = HTTP_RESUMED, .seq = arrived->seq };
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);
	__u8 text[GAP_LOOKED];

	if (!tcp || bpf_dynptr_read(text, sizeof(text), packet, from, 0) ||
	    !gap_ends(&mark->gap, gap_is_request(text)))
		return false;
	event.connection = mark->id;
	event.other = tcp->write_seq;
	event.length = mark->gap.lost;
	/* its answer was asked for more behind ahead of the end of the call that writes it */
	if (mark->telling == HTTP_HIDDEN && mark->class && mark->class <= HTTP_CLASSES)
		event.length++;
	if (!http_tell(&event))
		return false;
	gap_over(&mark->gap, text);
	mark->begun = 1;
	return true;
}

/* Its begin; seq: of what it reads next. */
static __always_inline void http_introduce(struct sock *sk, struct http_mark *mark, __u32 seq)
{
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);
	struct http_event event = { .kind = mark->found ? HTTP_FOUND : HTTP_ACCEPTED };

	if (!tcp)
		return;
	event.connection = mark->id;
	event.seq = seq;
	event.other = tcp->write_seq;
	event.length = mark->gap.open;
	mark->begun = http_tell(&event);
}

static __always_inline void http_streams(struct http_mark *mark, struct bpf_dynptr *packet,
					 __u32 at)
{
	__u8 head[STREAMS_HEAD];
	__u32 bytes = 1;

	for (int i = 0; i < STREAMS_FRAMES && bytes; i++, at += bytes) {
		if (bpf_dynptr_read(head, sizeof(head), packet, at, 0))
			return;
		bytes = streams_step(head, &mark->stream);
	}
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
	if (!mark->arrived_ns && !mark->found)
		mark->arrived_ns = event.at_ns;
	event.length = skb->len - from;
	event.seq = (__u32)head[4] << 24 | (__u32)head[5] << 16 | (__u32)head[6] << 8 | head[7];
	if (http_is_cipher(mark, &packet, from, &event) ||
	    (gap_hides(&mark->gap, 0) && !http_resumes(sk, mark, &packet, from, &event)))
		return 0;
	if (!mark->begun && (!mark->known || mark->gap.open))
		http_introduce(sk, mark, event.seq);
	if (http_carry_packet(&event, &packet, from)) {
		mark->known = 1;
		return 0;
	}
	gap_begin(&mark->gap);
	http_streams(mark, &packet, from);
	return 0;
}

/* Who received. In a system call, where Go's goroutine still is in its register. */
static __always_inline void http_noted(__u32 secure, __u32 pid, __u64 connection)
{
	const struct pt_regs *registers;

	thread_note(thread_get(), connection);
	if (!(secure & TLS_SECURE_GOROUTINES))
		return;
	registers = (const struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	thread_note(thread_of_goroutine(REGISTERS_GOROUTINE(registers), pid), connection);
}

/* A target reads: 0, or who it is. Whose delays are booked is one that we look at. */
static __always_inline __u32 http_reader(struct http_mark *mark, __u64 now_ns)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct arrival_row *row = bpf_map_lookup_elem(&arrivals, &pid);

	if (row && mark)
		arrival_book(row, mark->arrived_ns, now_ns);
	else if (!row && !(filter_target(pid) & FILTER_BARE))
		return 0;
	if (!mark)
		return pid;
	mark->arrived_ns = 0;
	mark->owner = pid;
	return pid;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(http_read, struct sock *sk, int result, int flags)
{
	struct http_event event = { .kind = HTTP_READ };
	struct http_mark *mark;
	__u32 secure;

	if (result <= 0 || flags & SOCKET_PEEK)
		return 0;
	mark = http_mark(sk);
	secure = thread_wanted();
	if (!mark && !secure)
		return 0;
	event.at_ns = mark ? bpf_ktime_get_ns() : 0;
	event.pid = http_reader(mark, event.at_ns);
	if (!event.pid)
		return 0;
	if (secure)
		http_noted(secure, event.pid, mark ? mark->id : 0);
	if (!mark)
		return 0;
	event.connection = mark->id;
	event.seq = http_tcp(sk)->copied_seq;
	event.length = result;
	if (mark->gap.open)
		mark->pid = event.pid;
	if (gap_hides(&mark->gap, 0))
		return 0;
	if (mark->cipher && (__s32)(event.seq - event.length - mark->hello) >= 0)
		return 0;
	if (http_tell(&event))
		mark->known = 1;
	else
		gap_begin(&mark->gap);
	return 0;
}

/* Who read from it last was looked up then. */
static __always_inline __u32 http_writer(const struct http_mark *mark)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;

	return pid == mark->owner ? pid : http_pid();
}

/* By the first piece: an answer that others follow in one call counts with it. */
static __always_inline __u32 http_class_of_call(const struct call *call, __u64 bytes)
{
	struct call_piece first;

	return call_next(call, 0, bytes, &first) ? http_class_of_memory(first.bytes, first.from)
						 : 0;
}

/* Comes again for each packet that a call fills. */
SEC("tp_btf/tcp_sendmsg_locked")
int BPF_PROG(http_writing, const struct sock *sk, const struct msghdr *message)
{
	struct http_mark *mark = http_mark(sk);

	if (!mark || mark->telling || !http_writer(mark))
		return 0;
	mark->telling = mark->gap.open ? HTTP_HIDDEN : HTTP_TOLD;
	call_keep(&mark->call, &message->msg_iter);
	mark->class = mark->gap.open ? http_class_of_call(&mark->call, message->msg_iter.count) : 0;
	return 0;
}

/* A call that wrote. */
struct http_write {
	struct http_mark *mark;
	struct http_event event;
	__u32 class;  /* of the answer that it begins; 0: none */
	__u32 end;    /* TCP's position behind what it wrote; event.other: of the next piece */
	__u32 length; /* of all of it */
	__u8 told;
};

/* The last piece is told with the end of the call, others ahead of it; 1: there is no other. */
static long http_piece(__u64 i, struct http_write *w)
{
	__u32 class = 0, from = w->event.other;
	struct call_piece piece;
	bool last, full;

	if (!call_next(&w->mark->call, i, w->end - from, &piece))
		return 1;
	if (!piece.bytes)
		return 0;
	last = piece.bytes == w->end - from;
	w->event.kind = last ? HTTP_WROTE : HTTP_WRITING;
	w->event.length = last ? w->length : piece.bytes;
	w->event.seq = last ? w->end : from;
	full = http_carry_memory(&w->event, piece.bytes, piece.from, &class);
	if (class)
		w->class = class;
	w->event.other = from + piece.bytes;
	if (full)
		gap_begin(&w->mark->gap);
	w->told = last && !full;
	if (last || gap_hides(&w->mark->gap, w->class))
		return 1;
	return 0;
}

/* Its pieces, and that it is over. */
static __always_inline void http_tell_call(struct http_write *w)
{
	struct http_mark *mark = w->mark;
	__u32 pieces = mark->call.pieces;

	if (pieces)
		bpf_loop(pieces < CALL_PIECES ? pieces : CALL_PIECES, http_piece, w, 0);
	if (!w->told && !gap_hides(&mark->gap, w->class)) {
		w->event.kind = HTTP_WROTE;
		w->event.length = w->length;
		w->event.seq = w->end;
		w->told = http_tell(&w->event);
		if (!w->told)
			gap_begin(&mark->gap);
	}
	if (w->told)
		mark->known = 1;
}

/* Tells of a write, or counts the answer that it is of. */
static __always_inline void http_tell_write(struct http_write *w)
{
	struct gap *gap = &w->mark->gap;

	if (gap->open)
		w->class = http_class_of_call(&w->mark->call, w->length);
	if (!gap_hides(gap, w->class))
		http_tell_call(w);
	if (!w->length)
		return;
	if (gap->open)
		http_lose(w->event.pid, gap_wrote(gap, w->class));
	else
		gap_told(gap, w->class);
}

/* A server that was asked for TLS, and has none. */
static __always_inline bool http_is_plain(struct http_mark *mark, __u32 bytes)
{
	if (mark->cipher && http_class_of_call(&mark->call, bytes))
		mark->cipher = 0;
	return !mark->cipher;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(http_wrote, struct sock *sk, int result)
{
	struct http_write write = { .mark = http_mark(sk) };
	struct http_mark *mark = write.mark;
	bool behind;

	if (!mark)
		return 0;
	if (!mark->telling)
		mark->call.pieces = 0;
	behind = mark->telling == HTTP_HIDDEN && !mark->gap.open; /* of its gap, which ended */
	write.class = mark->class;
	/* whether a target writes was looked up when it began */
	write.event.pid = mark->telling ? bpf_get_current_pid_tgid() >> 32 : http_writer(mark);
	mark->telling = HTTP_NOTHING;
	mark->class = 0;
	if (!write.event.pid || result < 0 || !http_is_plain(mark, result))
		return 0;
	if (behind) {
		http_lose(write.event.pid, write.class);
		return 0;
	}
	write.event.at_ns = bpf_ktime_get_ns();
	write.event.connection = mark->id;
	write.length = result;
	write.end = http_tcp(sk)->write_seq;
	write.event.other = write.end - write.length;
	http_tell_write(&write);
	return 0;
}

static __always_inline void http_begin(struct sock *sk, struct http_mark *mark, __u32 kind)
{
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);

	if (!tcp)
		return;
	mark->id = bpf_get_socket_cookie(sk);
	mark->found = kind == HTTP_FOUND;
	http_introduce(sk, mark, tcp->copied_seq);
	ends_again();
}

static __always_inline void http_end(struct sock *sk, int state)
{
	struct http_mark *mark = http_mark(sk);
	struct http_event event = { .kind = HTTP_CLIENT_GONE };
	bool known;

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
	event.length = mark->gap.open;
	event.seq = mark->gap.lost;
	known = mark->begun || mark->known;
	if (known || !mark->found)
		event.other = mark->gap.speaks ? 0 : mark->stream;
	if (!known && !event.other)
		return; /* the agent waits for nothing of it */
	event.length += !known;
	event.pid = mark->pid;
	ends_tell(&event);
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

	ends_again();
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
