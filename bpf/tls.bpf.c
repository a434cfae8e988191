/*
 * tls - the plain text of targets that run without the shim, as it passes through their TLS
 *       library.
 *
 * Threads:  any CPU, in the process that calls the library.
 * Memory:   the maps of http.bpf.c; TLS_SESSIONS sessions by their address, the oldest make room.
 * Errors:   as there; text whose connection is not known is told all the same.
 */
#include "kernel.h"

#include "registers.bpf.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "filter.bpf.h"
#include "http_event.h"

#define RING_BYTES HTTP_RING_BYTES
#include "ring.bpf.h"

#include "carry.bpf.h"
#include "ends.bpf.h"
#include "gap.bpf.h"
#include "streams.bpf.h"
#include "thread.bpf.h"

#define TLS_SESSIONS 16384

struct tls_key {
	__u64 address;
	__u32 pid, zero;
};

struct tls_session {
	__u64 id;
	__u64 carrier; /* the connection that carries it; 0: not known */
	__u32 in, out; /* bytes so far: positions, as TCP's are */
	__u32 foreign; /* it is carried by none that is looked at: a client's */
	__u32 server;  /* surely; and had its thread received this often then: */
	__u32 born;
	__u32 over;   /* it was freed: calls that had begun belong to it, no others */
	__u32 stream; /* of HTTP/2: the last one asked for by what found no room */
	struct gap gap;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, TLS_SESSIONS);
	__type(key, struct tls_key);
	__type(value, struct tls_session);
} sessions SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} numbers SEC(".maps");

static __always_inline __u64 tls_number(void)
{
	__u32 zero = 0;
	__u64 *last = bpf_map_lookup_elem(&numbers, &zero);

	return HTTP_SESSION | (last ? __sync_fetch_and_add(last, 1) : 0);
}

static __always_inline struct tls_session *tls_session(const struct tls_key *key)
{
	struct tls_session *session = bpf_map_lookup_elem(&sessions, key);
	struct tls_session fresh = {};

	if (session)
		return session;
	fresh.id = tls_number();
	bpf_map_update_elem(&sessions, key, &fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&sessions, key);
}

static __always_inline void tls_over(const struct tls_session *session)
{
	struct http_event event = { .kind = HTTP_TLS_OVER, .connection = session->id };

	event.length = session->gap.open;
	event.seq = session->gap.lost;
	event.other = session->gap.speaks ? 0 : session->stream;
	ends_tell(&event);
}

static __always_inline void tls_free(const struct tls_key *key)
{
	struct tls_session *session = bpf_map_lookup_elem(&sessions, key);

	if (!session || session->over)
		return;
	tls_over(session);
	session->over = 1;
}

/* A call begins: if the last one there is over, this is another. */
static __always_inline void tls_begin(const struct tls_key *key)
{
	struct tls_session *session = bpf_map_lookup_elem(&sessions, key);
	const struct tls_session fresh = {};

	if (!session || !session->over)
		return;
	*session = fresh;
	session->id = tls_number();
}

/* certain: the library received from it within the call. */
static __always_inline void tls_carried(struct tls_session *session, __u32 pid, __u64 carrier,
					bool certain)
{
	struct http_event event = { .kind = HTTP_TLS_CARRIER, .pid = pid };

	if (!carrier && session->foreign)
		return;
	if ((carrier && session->carrier == carrier) || (session->carrier && !certain))
		return;
	if (session->carrier || session->foreign) { /* its address was given to another */
		tls_over(session);
		session->id = tls_number();
		session->in = session->out = 0;
		session->stream = 0;
		session->gap = (struct gap){};
	}
	session->foreign = !carrier;
	if (!carrier) {
		session->carrier = 0;
		tls_over(session);
		return;
	}
	event.connection = session->id;
	event.seq = (__u32)carrier;
	event.other = carrier >> 32;
	if (http_tell(&event))
		session->carrier = carrier;
}

/* As http_resumes. */
static __always_inline bool tls_resumes(struct tls_session *session, __u32 pid, __u32 bytes,
					const void *from)
{
	struct http_event event = { .kind = HTTP_RESUMED, .pid = pid };
	__u8 text[GAP_LOOKED];

	if (bpf_probe_read_user(text, sizeof(text), from) ||
	    !gap_ends(&session->gap, gap_is_request(text)))
		return false;
	event.connection = session->id;
	event.seq = session->in - bytes;
	event.other = session->out;
	event.length = session->gap.lost;
	if (!http_tell(&event))
		return false;
	gap_over(&session->gap, text);
	return true;
}

struct tls_streams {
	const char *text;
	__u32 left;
	__u32 last;
};

static long tls_stream(__u32 i, struct tls_streams *s)
{
	__u8 head[STREAMS_HEAD];
	__u32 bytes;

	if (s->left < sizeof(head) || bpf_probe_read_user(head, sizeof(head), s->text))
		return 1;
	bytes = streams_step(head, &s->last);
	s->text += bytes;
	s->left -= bytes < s->left ? bytes : s->left;
	return !bytes;
}

static __always_inline void tls_read(struct tls_session *session, __u32 pid, __u32 bytes,
				     const void *text)
{
	struct http_event event = { .kind = HTTP_TLS_READ, .pid = pid };
	struct tls_streams streams = { text, bytes, session->stream };
	__u32 class;

	session->in += bytes;
	event.connection = session->id;
	event.seq = session->in;
	event.length = bytes;
	event.at_ns = bpf_ktime_get_ns();
	if (gap_hides(&session->gap, 0) && !tls_resumes(session, pid, bytes, text))
		return;
	if (!http_carry_memory(&event, event.length, text, &class))
		return;
	gap_begin(&session->gap);
	bpf_loop(STREAMS_FRAMES, tls_stream, &streams, 0);
	session->stream = streams.last;
}

static __always_inline void tls_wrote(struct tls_session *session, __u32 pid, __u32 bytes,
				      const void *text)
{
	struct http_event event = { .kind = HTTP_TLS_WROTE, .pid = pid };
	__u32 class = 0;

	session->out += bytes;
	event.connection = session->id;
	event.seq = session->out;
	event.length = bytes;
	event.at_ns = bpf_ktime_get_ns();
	if (text && session->gap.open)
		class = http_class_of_memory(bytes, text);
	if (!gap_hides(&session->gap, class) &&
	    (text ? http_carry_memory(&event, event.length, text, &class) : !http_tell(&event)))
		gap_begin(&session->gap);
	if (session->gap.open)
		http_lose(pid, gap_wrote(&session->gap, class));
	else
		gap_told(&session->gap, class);
}

/* Bytes that the call has moved. */
static __always_inline __u64 tls_moved(const struct thread *call, __s64 result)
{
	__u64 moved = 0;

	switch (call->kind) {
	case TLS_READ:
	case TLS_WRITE:
		return (__s32)result > 0 ? (__u32)result : 0;
	case TLS_SENDFILE:
		return result > 0 ? result : 0;
	case TLS_READ_EX:
	case TLS_WRITE_EX:
		if ((__s32)result == 1)
			bpf_probe_read_user(&moved, sizeof(moved), (void *)call->bytes);
		return moved;
	}
	return 0;
}

static __always_inline bool tls_reads(__u32 kind)
{
	return kind == TLS_READ || kind == TLS_READ_EX;
}

/* By what was received before the call: what it reads, or its handshake. */
static __always_inline bool tls_is_fed(const struct tls_session *session, const struct thread *call,
				       __u64 moved)
{
	if (session->carrier || session->foreign || !tls_reads(call->kind) || !call->received)
		return false;
	if (session->server)
		return call->connection && call->received != session->born;
	return moved;
}

static __always_inline void tls_done(const struct thread *call, const struct tls_key *key,
				     __u64 moved)
{
	struct tls_session *session = tls_session(key);
	bool heard = call->received != call->before;

	if (!session)
		return;
	/* what is fed from elsewhere was received by this thread last, or so we take it */
	if (heard || tls_is_fed(session, call, moved))
		tls_carried(session, key->pid, call->connection, heard);
	if (!moved || session->foreign)
		return;
	if (tls_reads(call->kind))
		tls_read(session, key->pid, moved, (void *)call->text);
	else
		tls_wrote(session, key->pid, moved,
			  call->kind == TLS_SENDFILE ? 0 : (void *)call->text);
}

/* This call is no more than what it says of the session. */
static __always_inline bool tls_noted(const struct tls_key *key, __u32 kind)
{
	struct tls_session *session;
	const struct thread *t;

	if (kind == TLS_FREE)
		tls_free(key);
	if (kind <= TLS_FREE)
		return kind == TLS_FREE;
	tls_begin(key);
	session = tls_session(key);
	t = thread_get();
	if (!session || !t)
		return true;
	session->server = kind == TLS_ACCEPTS;
	session->foreign = kind == TLS_CONNECTS;
	session->born = t->received;
	return true;
}

/* 0: there is no room, or it is a part of the call that is under way. */
static __always_inline struct thread *tls_enter(struct thread *t, const struct tls_key *key,
						__u32 kind)
{
	if (!t || (kind == TLS_HANDSHAKE && t->kind))
		return 0;
	tls_begin(key);
	t->kind = kind;
	t->before = t->received;
	t->session = key->address;
	return t;
}

static __always_inline void tls_leave(struct thread *t, __u32 pid, __u32 kind, __s64 result)
{
	struct tls_key key = { .pid = pid };
	struct thread call;

	if (!t || !t->kind || t->kind != kind)
		return;
	call = *t;
	t->kind = 0;
	key.address = call.session;
	tls_done(&call, &key, tls_moved(&call, result));
}

SEC("uprobe/tls_call")
int tls_call(struct pt_regs *registers)
{
	struct tls_key key = { .pid = http_pid(), .address = REGISTERS_FIRST(registers) };
	__u32 kind = bpf_get_attach_cookie(registers);
	struct thread *t;

	if (!key.pid)
		return 0;
	if (tls_noted(&key, kind))
		return 0;
	t = tls_enter(thread_get(), &key, kind);
	if (!t)
		return 0;
	t->text = REGISTERS_SECOND(registers);
	t->bytes = REGISTERS_FOURTH(registers);
	return 0;
}

SEC("uprobe/tls_return")
int tls_return(struct pt_regs *registers)
{
	__u32 pid = http_pid();

	if (pid)
		tls_leave(thread_get(), pid, bpf_get_attach_cookie(registers),
			  REGISTERS_RESULT(registers));
	return 0;
}

/* (connection, text, length of it): whichever thread it is on. */
SEC("uprobe/go_call")
int go_call(struct pt_regs *registers)
{
	struct tls_key key = { .pid = http_pid(), .address = REGISTERS_GO_FIRST(registers) };
	__u32 kind = bpf_get_attach_cookie(registers);
	struct thread *t;

	if (!key.pid)
		return 0;
	if (kind == TLS_FREE) {
		tls_free(&key);
		return 0;
	}
	t = tls_enter(thread_of_goroutine(REGISTERS_GOROUTINE(registers), key.pid), &key, kind);
	if (t)
		t->text = REGISTERS_GO_SECOND(registers);
	return 0;
}

SEC("uprobe/go_return")
int go_return(struct pt_regs *registers)
{
	__u32 pid = http_pid();

	if (pid)
		tls_leave(thread_of_goroutine(REGISTERS_GOROUTINE(registers), pid), pid,
			  bpf_get_attach_cookie(registers), REGISTERS_GO_FIRST(registers));
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
