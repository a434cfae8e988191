/*
 * arrival - how long what arrives on the connections of targets lies there until they read it: of
 *           those that carry the shim, which sees the read alone.
 *
 * Threads:  any CPU, under the socket's lock or in the call of the process.
 * Memory:   a mark on each listening socket, which what it accepts inherits.
 * Errors:   none: what is not marked is not told of.
 */
#include "kernel.h"

#include "socket.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "arrival.bpf.h"
#include "filter.bpf.h"

#define ARRIVAL_TCP_HEAD 20
#define ARRIVAL_CREATE 1 /* BPF_SK_STORAGE_GET_F_CREATE */

enum { BPF_MAP_TYPE_SK_STORAGE = 24, BPF_F_NO_PREALLOC = 1, BPF_F_CLONE = 1 << 9 };

struct arrival_mark {
	__u64 arrived_ns; /* what nobody has read from yet; 0: there is nothing */
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct arrival_mark);
} marks SEC(".maps");

/* It was asked for, and nobody else looks at its connections. */
static __always_inline bool arrival_wants(__u32 tgid)
{
	return (filter_target(tgid) & (FILTER_ASKED | FILTER_BARE)) == FILTER_ASKED;
}

static __always_inline struct arrival_mark *arrival_mark(struct sock *sk)
{
	return sk->sk_bpf_storage ? bpf_sk_storage_get(&marks, sk, 0, 0) : 0;
}

SEC("tp_btf/tcp_probe")
int BPF_PROG(arrival_arrived, struct sock *sk, struct sk_buff *skb)
{
	struct arrival_mark *mark = arrival_mark(sk);
	__u8 head[ARRIVAL_TCP_HEAD];

	if (!mark || mark->arrived_ns || bpf_probe_read_kernel(head, sizeof(head), skb->data))
		return 0;
	if (skb->len > (head[12] >> 4) * 4)
		mark->arrived_ns = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(arrival_read, struct sock *sk, int result, int flags)
{
	struct arrival_mark *mark;
	struct arrival_row *row;
	__u32 pid;

	if (result <= 0 || flags & SOCKET_PEEK)
		return 0;
	mark = arrival_mark(sk);
	if (!mark || !mark->arrived_ns)
		return 0;
	pid = bpf_get_current_pid_tgid() >> 32;
	row = bpf_map_lookup_elem(&arrivals, &pid);
	if (row)
		arrival_book(row, mark->arrived_ns, bpf_ktime_get_ns());
	mark->arrived_ns = 0;
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(arrival_state, struct sock *sk, int before, int state)
{
	if (state == SOCKET_LISTEN && sk->sk_protocol == SOCKET_TCP &&
	    arrival_wants(bpf_get_current_pid_tgid() >> 32))
		bpf_sk_storage_get(&marks, sk, 0, ARRIVAL_CREATE);
	return 0;
}

/* Where a target listens when it is attached: what it has accepted before may be a client's. */
SEC("iter/task_file")
int arrival_found(struct bpf_iter__task_file *context)
{
	struct task_struct *task = context->task;
	struct file *file = context->file;
	struct socket *socket;
	struct sock *sk;

	if (!task || !file || !arrival_wants(task->tgid))
		return 0;
	socket = (void *)bpf_sock_from_file(file);
	sk = socket ? socket->sk : 0;
	if (!sk || sk->sk_protocol != SOCKET_TCP ||
	    (sk->__sk_common.skc_family != SOCKET_INET &&
	     sk->__sk_common.skc_family != SOCKET_INET6))
		return 0;
	if (sk->__sk_common.skc_state == SOCKET_LISTEN)
		bpf_sk_storage_get(&marks, sk, 0, ARRIVAL_CREATE);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
