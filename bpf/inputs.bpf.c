/*
 * inputs - of targets: kills for want of memory, what TCP sent again and how long it took to
 *          answer, and how long block I/O took.
 *
 * Threads:  any CPU; completions in interrupts.
 * Memory:   a mark on each TCP socket of a target, a place for each of its block I/Os under way.
 * Errors:   an I/O or an event without room is counted in dropped.
 */
#include "kernel.h"

#include "socket.bpf.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "filter.bpf.h"
#include "inputs_event.h"

#define RING_BYTES INPUTS_RING_BYTES
#include "ring.bpf.h"

#define INPUTS_CREATE 1      /* BPF_SK_STORAGE_GET_F_CREATE */
#define INPUTS_OPERATION 255 /* REQ_OP_MASK */
#define INPUTS_MERGED 8192   /* I/Os of one request that are looked at: of 4 MiB, 512 bytes each */

enum { INPUTS_READ, INPUTS_WRITE }; /* REQ_OP_READ, REQ_OP_WRITE */
enum { BPF_MAP_TYPE_SK_STORAGE = 24, BPF_F_NO_PREALLOC = 1, BPF_F_CLONE = 1 << 9 };

struct bvec_iter {
	unsigned int bi_size;
} __attribute__((preserve_access_index));

struct bio {
	struct bio *bi_next;
	__u32 bi_opf;
	struct bvec_iter bi_iter;
} __attribute__((preserve_access_index));

struct request {
	struct bio *bio;
} __attribute__((preserve_access_index));

struct inputs_mark {
	__u32 owner;                 /* the target that has it */
	__u32 retransmits, segments; /* booked */
};

struct inputs_bio {
	__u64 since_ns;
	__u32 owner, operation;
};

/* The agent makes the row of a process that it knows; of others nothing is booked. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FILTER_TARGETS);
	__uint(map_flags, FILTER_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct inputs_row);
} rows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FILTER_TARGETS);
	__uint(map_flags, FILTER_NO_PREALLOC);
	__type(key, __u32);
	__type(value, __u32);
} trips SEC(".maps");

/* What a listening socket accepts inherits its mark. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct inputs_mark);
} marks SEC(".maps");

/* Allocated ahead: an I/O ends in an interrupt. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, INPUTS_BIOS);
	__type(key, __u64);
	__type(value, struct inputs_bio);
} bios SEC(".maps");

static __always_inline void inputs_lost(void)
{
	__u32 zero = 0;
	__u64 *lost = bpf_map_lookup_elem(&dropped, &zero);

	if (lost)
		__sync_fetch_and_add(lost, 1);
}

/* Told of all: who is a target's child, and not found yet, is one as well. */
SEC("tp_btf/mark_victim")
int BPF_PROG(inputs_victim, struct task_struct *task)
{
	struct inputs_kill *kill = ring_reserve(sizeof(*kill));

	if (!kill)
		return 0;
	kill->pid = task->tgid;
	kill->reserved = 0;
	ring_submit(kill);
	return 0;
}

static __always_inline void inputs_trip(__u32 owner, struct inputs_row *row, __u32 us)
{
	__u32 *shortest = bpf_map_lookup_elem(&trips, &owner);

	if (!us)
		return; /* nothing was answered yet */
	__sync_fetch_and_add(&row->trips_us, us);
	__sync_fetch_and_add(&row->looks, 1);
	if (!shortest)
		bpf_map_update_elem(&trips, &owner, &us, BPF_NOEXIST);
	else if (us < *shortest) /* two at once may leave the lesser out: the mean has it */
		*shortest = us;
}

/* Books what the kernel counted of this connection since the last time, and how long it takes. */
static __always_inline void inputs_settle(struct sock *sk, struct inputs_mark *mark)
{
	struct inputs_row *row = bpf_map_lookup_elem(&rows, &mark->owner);
	struct tcp_sock *tcp = row ? bpf_skc_to_tcp_sock(sk) : 0;
	__u32 retransmits, segments;

	if (!tcp)
		return;
	retransmits = tcp->total_retrans;
	segments = tcp->data_segs_out;
	/* exchanged: a walk and the end may settle one at once, and neither may book it twice */
	__sync_fetch_and_add(
		&row->retransmits,
		(__s32)(retransmits - __sync_lock_test_and_set(&mark->retransmits, retransmits)));
	__sync_fetch_and_add(
		&row->segments,
		(__s32)(segments - __sync_lock_test_and_set(&mark->segments, segments)));
	inputs_trip(mark->owner, row, tcp->srtt_us >> 3);
}

/*
 * Whose it is says the process that makes or closes it: these changes are made in its calls. What
 * was accepted, and is not closed by anybody, stays its listener's until a walk finds it.
 */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(inputs_state, struct sock *sk, int before, int state)
{
	bool makes = state == SOCKET_LISTEN || state == SOCKET_SYN_SENT;
	bool ends = state == SOCKET_FIN_WAIT1 || state == SOCKET_LAST_ACK;
	struct inputs_mark *mark;
	__u32 pid;

	if ((!makes && !ends && state != SOCKET_CLOSE) || sk->sk_protocol != SOCKET_TCP)
		return 0;
	pid = bpf_get_current_pid_tgid() >> 32;
	makes = makes && filter_target(pid);
	mark = bpf_sk_storage_get(&marks, sk, 0, makes ? INPUTS_CREATE : 0);
	if (!mark)
		return 0;
	if (makes || (ends && filter_target(pid)))
		mark->owner = pid;
	if (state == SOCKET_CLOSE && before != SOCKET_LISTEN)
		inputs_settle(sk, mark);
	return 0;
}

static __always_inline void inputs_mark_found(struct sock *sk, struct inputs_mark *mark)
{
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);

	if (!tcp)
		return;
	mark->retransmits = tcp->total_retrans;
	mark->segments = tcp->data_segs_out;
}

/* What targets have open: each walk settles it. What was sent before the first is not theirs. */
SEC("iter/task_file")
int inputs_found(struct bpf_iter__task_file *context)
{
	struct task_struct *task = context->task;
	struct file *file = context->file;
	struct inputs_mark *mark;
	struct socket *socket;
	struct sock *sk;

	if (!task || !file || !filter_target(task->tgid))
		return 0;
	socket = (void *)bpf_sock_from_file(file);
	sk = socket ? socket->sk : 0;
	if (!sk || sk->sk_protocol != SOCKET_TCP ||
	    (sk->__sk_common.skc_family != SOCKET_INET &&
	     sk->__sk_common.skc_family != SOCKET_INET6))
		return 0;
	mark = bpf_sk_storage_get(&marks, sk, 0, 0);
	if (!mark) {
		mark = bpf_sk_storage_get(&marks, sk, 0, INPUTS_CREATE);
		if (mark)
			inputs_mark_found(sk, mark);
	}
	if (!mark)
		return 0;
	mark->owner = task->tgid;
	if (sk->__sk_common.skc_state != SOCKET_LISTEN)
		inputs_settle(sk, mark);
	return 0;
}

/*
 * Whose end was not told (a request may have more than are looked at, or a probe was left out
 * in an interrupt) has left its place behind; here its address is another one's, and nobody's.
 */
static __always_inline void inputs_forget(__u64 key)
{
	if (bpf_map_lookup_elem(&bios, &key)) /* deleting takes a lock, that of bystanders too */
		bpf_map_delete_elem(&bios, &key);
}

/* One that a process asks for, and not what a stacked device makes of it: a new one each time. */
SEC("tp_btf/block_bio_queue")
int BPF_PROG(inputs_submitted, struct bio *bio)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct inputs_bio begin = { .owner = task->tgid };
	__u64 key = (__u64)bio;

	begin.operation = bio->bi_opf & INPUTS_OPERATION;
	if (!filter_target(begin.owner) || task->bio_list || !bio->bi_iter.bi_size ||
	    begin.operation > INPUTS_WRITE) {
		inputs_forget(key);
		return 0;
	}
	begin.since_ns = bpf_ktime_get_ns();
	if (bpf_map_update_elem(&bios, &key, &begin, BPF_ANY))
		inputs_lost();
	return 0;
}

static __always_inline void inputs_done(__u64 key, __u64 now_ns)
{
	struct inputs_bio *begin = bpf_map_lookup_elem(&bios, &key);
	struct inputs_row *row;

	if (!begin)
		return;
	row = bpf_map_lookup_elem(&rows, &begin->owner);
	if (row && begin->operation == INPUTS_READ) {
		__sync_fetch_and_add(&row->reads, 1);
		__sync_fetch_and_add(&row->read_ns, now_ns - begin->since_ns);
	} else if (row) {
		__sync_fetch_and_add(&row->writes, 1);
		__sync_fetch_and_add(&row->write_ns, now_ns - begin->since_ns);
	}
	bpf_map_delete_elem(&bios, &key);
}

struct inputs_part {
	struct bio *bio; /* the next one */
	__u64 now_ns;
	unsigned int bytes; /* of the part, from there on */
};

static long inputs_merged(__u32 index, struct inputs_part *part)
{
	struct bio *bio = part->bio;
	unsigned int size;

	(void)index;
	if (!bio)
		return 1;
	size = bio->bi_iter.bi_size;
	if (size > part->bytes) {
		part->bytes = 0;
		return 1;
	}
	inputs_done((__u64)bio, part->now_ns);
	part->bytes -= size;
	part->bio = bio->bi_next;
	return 0;
}

/*
 * A part of a request, or the last: those of its I/Os end that lie in it whole. A journal's blocks
 * are an I/O each, and hundreds of them one request.
 */
SEC("tp_btf/block_rq_complete")
int BPF_PROG(inputs_completed, struct request *request, int error, unsigned int bytes)
{
	struct inputs_part part = { request->bio, bpf_ktime_get_ns(), bytes };

	bpf_loop(INPUTS_MERGED, inputs_merged, &part, 0);
	if (part.bio && part.bytes)
		inputs_lost();
	return 0;
}

/* Of devices without requests: stacked ones, those in memory. */
SEC("tp_btf/block_bio_complete")
int BPF_PROG(inputs_bio_completed, void *queue, struct bio *bio)
{
	inputs_done((__u64)bio, bpf_ktime_get_ns());
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
