/*
 * reach - the socket of a descriptor of the thread that runs, and where TCP is in it.
 *
 * Includers: the probes that look at system calls, behind kernel.h. What the kernel hands over is
 * no pointer that a program may follow by itself: each step is a copy.
 */
#ifndef BPF_REACH_BPF_H
#define BPF_REACH_BPF_H

#include "socket.bpf.h"

#define REACH_TYPE 0170000
#define REACH_SOCKET 0140000

static __always_inline struct sock *reach_socket(__u32 fd)
{
	const struct task_struct *task = bpf_get_current_task_btf();
	const struct fdtable *table = task->files ? task->files->fdt : 0;
	struct file *file = 0;
	struct socket *socket;

	if (!table || fd >= table->max_fds ||
	    bpf_probe_read_kernel(&file, sizeof(file), table->fd + fd) || !file ||
	    (BPF_CORE_READ(file, f_inode, i_mode) & REACH_TYPE) != REACH_SOCKET)
		return 0;
	socket = BPF_CORE_READ(file, private_data);
	return socket ? BPF_CORE_READ(socket, sk) : 0;
}

static __always_inline bool reach_is_tcp(const struct sock *sk)
{
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

	return BPF_CORE_READ(sk, sk_protocol) == SOCKET_TCP &&
	       (family == SOCKET_INET || family == SOCKET_INET6);
}

static __always_inline int reach_state(const struct sock *sk)
{
	__u8 state = 0;

	bpf_core_read(&state, sizeof(state), &sk->__sk_common.skc_state);
	return state;
}

static __always_inline __u32 reach_in(const struct sock *sk)
{
	return BPF_CORE_READ((const struct tcp_sock *)sk, copied_seq);
}

static __always_inline __u32 reach_out(const struct sock *sk)
{
	return BPF_CORE_READ((const struct tcp_sock *)sk, write_seq);
}

#endif
