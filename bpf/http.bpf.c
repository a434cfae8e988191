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
#include "call.bpf.h"
#include "carry.bpf.h"
#include "thread.bpf.h"

#define HTTP_TCP_HEAD 20
#define TLS_RECORD_HANDSHAKE 0x16 /* RFC 8446 5.1 */
#define TLS_RECORD_DATA 0x17
#define TLS_RECORD_MAJOR 3
#define HTTP_CREATE 1 /* BPF_SK_STORAGE_GET_F_CREATE */

enum { BPF_MAP_TYPE_SK_STORAGE = 24, BPF_F_CLONE = 1 << 9 };

struct http_mark {
	__u64 id;         /* 0: it listens, or is not established yet */
	__u64 arrived_ns; /* what nobody has read from yet; 0: there is nothing */
	struct call call; /* while it is telling */
	__u32 owner;      /* a target, who read from it last; 0: nobody yet */
	__u32 hello;      /* up to where its first bytes are; with cipher text behind them */
	__u8 telling, over;
	__u8 found;          /* it was there before us: it may be a client's */
	__u8 judged, cipher; /* its first bytes were seen, and are those of TLS */
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct http_mark);
} marks SEC(".maps");

extern int bpf_dynptr_from_skb(struct __sk_buff *skb, __u64 flags, struct bpf_dynptr *out) __ksym;

extern void *bpf_rdonly_cast(const void *object, __u32 type) __ksym;

/* Of one that is marked: it is one of TCP. */
static __always_inline const struct tcp_sock *http_tcp(const struct sock *sk)
{
	return bpf_rdonly_cast(sk, bpf_core_type_id_kernel(struct tcp_sock));
}

static __always_inline struct http_mark *http_mark(const struct sock *sk)
{
	struct http_mark *mark;

	if (!sk->sk_bpf_storage)
		return 0;
	mark = bpf_sk_storage_get(&marks, (void *)sk, 0, 0);
	return mark && mark->id && !mark->over ? mark : 0;
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
	if (!http_is_cipher(mark, &packet, from, &event))
		http_carry_packet(&event, &packet, from);
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
	if (!mark->cipher || (__s32)(event.seq - event.length - mark->hello) < 0)
		http_tell(&event);
	return 0;
}

/* Who read from it last was looked up then. */
static __always_inline __u32 http_writer(const struct http_mark *mark)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;

	return pid == mark->owner ? pid : http_pid();
}

/* Comes again for each packet that a call fills. */
SEC("tp_btf/tcp_sendmsg_locked")
int BPF_PROG(http_writing, const struct sock *sk, const struct msghdr *message)
{
	struct http_mark *mark = http_mark(sk);

	if (!mark || mark->telling || !http_writer(mark))
		return 0;
	mark->telling = 1;
	call_keep(&mark->call, &message->msg_iter);
	return 0;
}

/* An answer of a server that was asked for TLS, and has none, is plain text all the same. */
static __always_inline bool http_is_plain(struct http_mark *mark, const struct call_piece *piece)
{
	if (mark->cipher && http_class_of_memory(piece->bytes, piece->from))
		mark->cipher = 0;
	return !mark->cipher;
}

/* A call that wrote. */
struct http_write {
	struct http_mark *mark;
	struct http_event event;
	__u32 class;  /* of the answer that it begins; 0: none */
	__u32 end;    /* TCP's position behind what it wrote; event.other: of the next piece */
	__u32 length; /* of all of it */
	__u8 full;    /* some of it found no room */
	__u8 told;
};

/* The last piece is told with the end of the call, others ahead of it; 1: that was it. */
static long http_piece(__u64 i, struct http_write *w)
{
	__u32 class = 0, from = w->event.other;
	struct call_piece piece;
	bool last;

	if (!call_next(&w->mark->call, i, w->end - from, &piece))
		return 1;
	if (!piece.bytes)
		return 0;
	if (!http_is_plain(w->mark, &piece))
		return 1;
	last = piece.bytes == w->end - from;
	w->event.kind = last ? HTTP_WROTE : HTTP_WRITING;
	w->event.length = last ? w->length : piece.bytes;
	w->event.seq = last ? w->end : from;
	if (http_carry_memory(&w->event, piece.bytes, piece.from, &class))
		w->full = 1;
	if (class)
		w->class = class;
	w->event.other = from + piece.bytes;
	w->told = last;
	if (last) /* the verifier knows no bounds of a truth */
		return 1;
	return 0;
}

/* False: some of it found no room. */
static __always_inline bool http_tell_write(struct http_write *w)
{
	__u32 pieces = w->mark->call.pieces;

	if (pieces)
		bpf_loop(pieces < CALL_PIECES ? pieces : CALL_PIECES, http_piece, w, 0);
	if (w->told || w->mark->cipher)
		return !w->full;
	w->event.kind = HTTP_WROTE;
	w->event.length = w->length;
	w->event.seq = w->end;
	return http_tell(&w->event) && !w->full;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(http_wrote, struct sock *sk, int result)
{
	struct http_write write = { .mark = http_mark(sk) };

	if (!write.mark)
		return 0;
	if (!write.mark->telling)
		write.mark->call.pieces = 0;
	/* whether a target writes was looked up when it began */
	write.event.pid =
		write.mark->telling ? bpf_get_current_pid_tgid() >> 32 : http_writer(write.mark);
	write.mark->telling = 0;
	if (!write.event.pid || result <= 0)
		return 0;
	write.event.at_ns = bpf_ktime_get_ns();
	write.event.connection = write.mark->id;
	write.end = http_tcp(sk)->write_seq;
	write.length = result;
	write.event.other = write.end - write.length;
	if (!http_tell_write(&write))
		http_lose(write.event.pid, write.class);
	return 0;
}

static __always_inline void http_begin(struct sock *sk, struct http_mark *mark, __u32 kind)
{
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);
	struct http_event event = { .kind = kind };

	if (!tcp)
		return;
	mark->id = bpf_get_socket_cookie(sk);
	mark->found = kind == HTTP_FOUND;
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
