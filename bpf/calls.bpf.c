/*
 * calls - what http tells, from the ends of system calls: for kernels that refuse http.
 *
 * Threads:  any CPU, in the process whose call ends; changes of a socket's state as there.
 * Memory:   the maps of http but its mark: a row for each connection that a target accepted,
 *           CALLS_CONNECTIONS at most.
 * Errors:   as http; a connection without a row is counted in dropped. What moves by io_uring is
 *           not seen, and a connection that was accepted so is none of ours.
 */
#include "kernel.h"

#include "registers.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "filter.bpf.h"
#include "http_event.h"

#define RING_BYTES HTTP_RING_BYTES
#include "ring.bpf.h"

#include "carry.bpf.h"
#include "ends.bpf.h"
#include "gap.bpf.h"
#include "number.bpf.h"
#include "reach.bpf.h"
#include "streams.bpf.h"
#include "thread.bpf.h"

#define CALLS_CONNECTIONS 65536 /* more than the agent has room for */
#define CALLS_PIECES 64         /* of one writev */
#define CALLS_RECORD 5          /* bytes ahead of the first of TLS: RFC 8446 5.1 */
#define CALLS_RECORD_HANDSHAKE 0x16
#define CALLS_RECORD_DATA 0x17
#define CALLS_RECORD_MAJOR 3
#define CALLS_TRUNCATES 0x20                   /* MSG_TRUNC: TCP's bytes are thrown away */
#define CALLS_ASIDE (SOCKET_PEEK | 1 | 0x2000) /* MSG_OOB, MSG_ERRQUEUE: none of the stream */

/* By the socket's address: only its own events tell that it is another. */
struct calls_mark {
	__u64 id;
	__u32 in;     /* TCP's position of what is read next */
	__u32 out;    /* of what was written last when a gap ended */
	__u32 hello;  /* up to where cipher text is told */
	__u32 stream; /* of HTTP/2: the last one asked for by what found no room */
	__u32 pid;    /* who read that */
	__u8 judged, cipher;
	__u8 found; /* it was there before us */
	__u8 begun; /* its begin was told */
	__u8 known; /* something of it was */
	struct gap gap;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CALLS_CONNECTIONS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct calls_mark);
} connections SEC(".maps");

/* The bytes of a call: in one piece, in those of a vector, or, both 0, nobody has them. */
struct calls_text {
	const void *base;
	const struct iovec *vector;
	__u32 pieces;
};

struct calls_message {
	void *name;
	int name_bytes;
	struct iovec *vector;
	unsigned long pieces;
};

/* A number that no other connection has: a moment of a processor. */
static __always_inline __u64 calls_id(void)
{
	__u64 cpu = bpf_get_smp_processor_id();

	return (cpu << 53 | (bpf_ktime_get_ns() & ((1ull << 53) - 1))) & ~HTTP_SESSION;
}

/* One of a thread whose calls have the numbers of another table. */
static __always_inline bool calls_is_compat(void)
{
	const struct task_struct *task = bpf_get_current_task_btf();

#if defined(__TARGET_ARCH_x86)
	return task->thread_info.status & 2; /* TS_COMPAT */
#else
	return task->thread_info.flags & 1 << 22; /* TIF_32BIT */
#endif
}

/* Its begin; seq: of what it reads next. */
static __always_inline void calls_introduce(struct calls_mark *mark, __u32 seq, __u32 out)
{
	struct http_event event = { .kind = mark->found ? HTTP_FOUND : HTTP_ACCEPTED };

	event.connection = mark->id;
	event.seq = seq;
	event.other = out;
	event.length = mark->gap.open;
	mark->begun = http_tell(&event);
}

/* As http_end has it. */
static __always_inline void calls_closed(const struct calls_mark *mark)
{
	struct http_event event = { .kind = HTTP_CLOSED, .connection = mark->id, .pid = mark->pid };
	bool known = mark->begun || mark->known;

	event.length = mark->gap.open;
	event.seq = mark->gap.lost;
	if (known || !mark->found)
		event.other = mark->gap.speaks ? 0 : mark->stream;
	if (!known && !event.other)
		return; /* the agent waits for nothing of it */
	event.length += !known;
	ends_tell(&event);
}

static __always_inline void calls_end(const struct sock *sk, const struct calls_mark *mark,
				      int state)
{
	struct http_event event = { .kind = HTTP_CLIENT_GONE, .connection = mark->id };
	__u64 key = (__u64)sk;

	event.length = state == SOCKET_CLOSE;
	if (state == SOCKET_CLOSE_WAIT || (state == SOCKET_CLOSE && BPF_CORE_READ(sk, sk_err)))
		http_tell(&event);
	if (state == SOCKET_CLOSE_WAIT || state == SOCKET_ESTABLISHED)
		return;
	calls_closed(mark);
	bpf_map_delete_elem(&connections, &key);
}

/* Told before it is known: what another thread moves comes behind. */
static __always_inline void calls_begin(const struct sock *sk, bool found)
{
	struct calls_mark mark = { .id = calls_id(), .found = found };
	__u64 key = (__u64)sk;

	mark.in = reach_in(sk);
	calls_introduce(&mark, mark.in, reach_out(sk));
	ends_again();
	if (bpf_map_update_elem(&connections, &key, &mark, BPF_ANY))
		ring_lost();
	else /* what had become of it meanwhile nobody tells again */
		calls_end(sk, &mark, reach_state(sk));
}

static __always_inline void calls_accepted(__u32 fd)
{
	const struct sock *sk = reach_socket(fd);
	__u64 key = (__u64)sk;
	const struct calls_mark *before;

	if (!sk || !reach_is_tcp(sk))
		return;
	before = bpf_map_lookup_elem(&connections, &key);
	if (before) /* found a moment ago; or another, whose end was missed */
		calls_closed(before);
	calls_begin(sk, false);
}

/* Who received, as http_noted. */
static __always_inline void calls_noted(__u32 secure, __u32 pid, __u64 connection,
					const struct pt_regs *registers)
{
	thread_note(thread_get(), connection);
	if (secure & TLS_SECURE_GOROUTINES)
		thread_note(thread_of_goroutine(REGISTERS_GOROUTINE(registers), pid), connection);
}

/* Cipher text, from its first record on? That one is told, and nothing behind it. */
static __always_inline void calls_judge(struct calls_mark *mark, const struct http_event *event,
					__u32 at, const void *from)
{
	__u8 record[CALLS_RECORD] = {};
	__u32 bytes = event->length < CALLS_RECORD ? 2 : CALLS_RECORD;

	if (mark->judged || event->length < 2)
		return;
	mark->judged = 1;
	if (bytes == CALLS_RECORD)
		bpf_probe_read_user(record, CALLS_RECORD, from);
	else
		bpf_probe_read_user(record, 2, from);
	mark->cipher = (record[0] == CALLS_RECORD_HANDSHAKE || record[0] == CALLS_RECORD_DATA) &&
		       record[1] == CALLS_RECORD_MAJOR;
	mark->hello = at + bytes + ((__u32)record[3] << 8 | record[4]);
}

/* Behind a gap: it begins a request, and what was answered before is counted. */
static __always_inline bool calls_resumes(struct calls_mark *mark, const struct http_event *read,
					  __u32 at, const void *from)
{
	struct http_event event = { .kind = HTTP_RESUMED, .pid = read->pid };
	__u8 text[GAP_LOOKED];

	if (bpf_probe_read_user(text, sizeof(text), from) ||
	    !gap_ends(&mark->gap, gap_is_request(text)))
		return false;
	event.connection = mark->id;
	event.seq = at;
	event.other = read->other;
	event.length = mark->gap.lost;
	if (!http_tell(&event))
		return false;
	gap_over(&mark->gap, text);
	mark->out = read->other;
	mark->begun = 1;
	return true;
}

static __always_inline void calls_streams(struct calls_mark *mark, __u32 left, const char *text)
{
	__u8 head[STREAMS_HEAD];
	__u32 bytes;

	for (int i = 0; i < STREAMS_FRAMES && left >= sizeof(head); i++) {
		if (bpf_probe_read_user(head, sizeof(head), text))
			return;
		bytes = streams_step(head, &mark->stream);
		if (!bytes)
			return;
		text += bytes;
		left -= bytes < left ? bytes : left;
	}
}

static __always_inline void calls_read(struct calls_mark *mark, const struct http_event *event,
				       __u32 at, const void *from)
{
	__u32 class;

	calls_judge(mark, event, at, from);
	if (mark->cipher && (__s32)(at - mark->hello) >= 0)
		return;
	if (mark->gap.open)
		mark->pid = event->pid;
	if (gap_hides(&mark->gap, 0) && !calls_resumes(mark, event, at, from))
		return;
	if (!mark->begun && (!mark->known || mark->gap.open))
		calls_introduce(mark, at, event->other);
	if (!http_carry_memory(event, event->length, from, &class)) {
		mark->known = 1;
		return;
	}
	gap_begin(&mark->gap);
	calls_streams(mark, event->length, from);
}

/* Is it of a gap that ended by a request which another thread has read meanwhile? */
static __always_inline bool calls_is_behind(struct calls_mark *mark, __u32 at)
{
	if (!mark->out || mark->gap.open)
		return false;
	if ((__s32)(at - mark->out) < 0)
		return true;
	mark->out = 0;
	return false;
}

/* from 0: nobody has its bytes. */
static __always_inline void calls_wrote(struct calls_mark *mark, const struct http_event *event,
					__u32 at, const void *from)
{
	__u32 class = 0;

	if (from && (mark->gap.open || mark->cipher || mark->out))
		class = http_class_of_memory(event->length, from);
	if (mark->cipher && !class)
		return;
	mark->cipher = 0; /* a server that was asked for TLS, and has none */
	if (calls_is_behind(mark, at)) {
		http_lose(event->pid, class);
		return;
	}
	if (!gap_hides(&mark->gap, class)) {
		if (from ? http_carry_memory(event, event->length, from, &class)
			 : !http_tell(event))
			gap_begin(&mark->gap);
		else
			mark->known = 1;
	}
	if (mark->gap.open)
		http_lose(event->pid, gap_wrote(&mark->gap, class));
	else
		gap_told(&mark->gap, class);
}

/* Bytes that were read and that nobody has. */
static __always_inline void calls_missed(struct calls_mark *mark, const struct http_event *event)
{
	if (mark->cipher || gap_hides(&mark->gap, 0))
		return;
	if (http_tell(event))
		mark->known = 1;
	else
		gap_begin(&mark->gap);
}

/*
 * From event->seq on; from 0: nobody has its bytes. Global: so the verifier looks at it once, and
 * not for each of the pieces of each call.
 */
__noinline int calls_piece(struct calls_mark *mark, struct http_event *event, __u64 from)
{
	__u32 at;

	if (!mark || !event)
		return 0;
	at = event->seq;
	event->seq += event->length;
	if (event->kind == HTTP_CALL_WROTE)
		calls_wrote(mark, event, at, (const void *)from);
	else if (from)
		calls_read(mark, event, at, (const void *)from);
	else
		calls_missed(mark, event);
	return 0;
}

static __always_inline void calls_pieces(struct calls_mark *mark, struct http_event *event,
					 const struct calls_text *text, __u64 left)
{
	for (int i = 0; i < CALLS_PIECES && i < text->pieces && left; i++) {
		struct iovec piece = { (void *)text->base, left };

		if (text->vector && bpf_probe_read_user(&piece, sizeof(piece), text->vector + i))
			break;
		event->length = piece.iov_len < left ? piece.iov_len : left;
		if (event->length)
			calls_piece(mark, event, (__u64)piece.iov_base);
		left -= event->length;
	}
	event->length = left;
	if (left)
		calls_piece(mark, event, 0);
}

static __always_inline void calls_text(const struct pt_regs *registers, enum number_shape shape,
				       struct calls_text *out)
{
	struct calls_message message = {};

	out->pieces = 1;
	switch (shape) {
	case NUMBER_TEXT:
	case NUMBER_FROM:
		out->base = (void *)NUMBER_SECOND(registers);
		return;
	case NUMBER_VECTOR:
		out->vector = (void *)NUMBER_SECOND(registers);
		out->pieces = NUMBER_THIRD(registers);
		return;
	case NUMBER_MESSAGE:
		bpf_probe_read_user(&message, sizeof(message), (void *)NUMBER_SECOND(registers));
		out->vector = message.vector;
		out->pieces = message.pieces;
		return;
	default:
		out->pieces = 0;
	}
}

static __always_inline __u32 calls_flags(const struct pt_regs *registers, enum number_shape shape)
{
	if (shape == NUMBER_FROM || shape == NUMBER_MESSAGES)
		return NUMBER_FOURTH(registers);
	return shape == NUMBER_MESSAGE ? NUMBER_THIRD(registers) : 0;
}

/* seq: up to where it has. Of many messages nobody says how long they were. */
static __always_inline void calls_moved(struct calls_mark *mark, struct http_event *event,
					const struct calls_text *text, __u64 bytes)
{
	__u32 end = mark->in + bytes + 1; /* that of the stream has a position of its own */

	if (event->kind == HTTP_CALL_READ) {
		event->seq -= end == event->seq;
		mark->in = event->seq;
	}
	event->seq -= bytes;
	if (bytes)
		calls_pieces(mark, event, text, bytes);
	else
		calls_piece(mark, event, 0);
}

static __always_inline void calls_call(const struct pt_regs *registers, struct number of,
				       struct http_event *event, __u64 bytes)
{
	__u32 flags = of.writes ? 0 : calls_flags(registers, of.shape), secure;
	struct calls_text text = {};
	struct calls_mark *mark;
	struct sock *sk;
	__u64 key;

	if (flags & CALLS_ASIDE)
		return;
	sk = reach_socket(of.last ? NUMBER_THIRD(registers) : NUMBER_FIRST(registers));
	if (!sk)
		return;
	key = (__u64)sk;
	mark = bpf_map_lookup_elem(&connections, &key);
	secure = of.writes ? 0 : thread_wanted();
	if (secure)
		calls_noted(secure, event->pid, mark ? mark->id : 0, registers);
	if (!mark)
		return;
	if (!(flags & CALLS_TRUNCATES))
		calls_text(registers, of.shape, &text);
	event->kind = of.writes ? HTTP_CALL_WROTE : HTTP_CALL_READ;
	event->connection = mark->id;
	event->at_ns = bpf_ktime_get_ns();
	event->other = reach_out(sk);
	event->seq = of.writes ? event->other : reach_in(sk);
	calls_moved(mark, event, &text, of.shape == NUMBER_MESSAGES ? 0 : bytes);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(calls_exit, const struct pt_regs *registers, long result)
{
	struct number of = number_of(NUMBER_OF(registers));
	struct http_event event = {};

	if (!of.shape || result < 0)
		return 0;
	event.pid = http_pid();
	if (!event.pid || calls_is_compat())
		return 0;
	if (of.shape == NUMBER_ACCEPT)
		calls_accepted(result);
	else if (result)
		calls_call(registers, of, &event, result);
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(calls_state, struct sock *sk, int before, int state)
{
	__u64 key = (__u64)sk;
	struct calls_mark *mark = bpf_map_lookup_elem(&connections, &key);

	if (mark)
		calls_end(sk, mark, state);
	return 0;
}

/* What a target has open when it is attached. */
SEC("iter/task_file")
int calls_found(struct bpf_iter__task_file *context)
{
	struct task_struct *task = context->task;
	struct file *file = context->file;
	struct socket *socket;
	struct sock *sk;
	__u64 key;

	ends_again();
	if (!task || !file || !(filter_target(task->tgid) & FILTER_BARE))
		return 0;
	socket = (void *)bpf_sock_from_file(file);
	sk = socket ? socket->sk : 0;
	if (!sk || !reach_is_tcp(sk) || reach_state(sk) != SOCKET_ESTABLISHED)
		return 0;
	key = (__u64)sk;
	if (!bpf_map_lookup_elem(&connections, &key))
		calls_begin(sk, true);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
