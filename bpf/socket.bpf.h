/*
 * socket - the few types of the network that our programs look into, as in kernel.h.
 *
 * Includers: the probes that look at sockets, behind kernel.h.
 */
#ifndef BPF_SOCKET_BPF_H
#define BPF_SOCKET_BPF_H

enum { SOCKET_INET = 2, SOCKET_INET6 = 10, SOCKET_TCP = 6, SOCKET_PEEK = 2 };
enum {
	SOCKET_ESTABLISHED = 1,
	SOCKET_SYN_SENT = 2,
	SOCKET_SYN_RECV = 3,
	SOCKET_FIN_WAIT1 = 4,
	SOCKET_CLOSE = 7,
	SOCKET_CLOSE_WAIT = 8,
	SOCKET_LAST_ACK = 9,
	SOCKET_LISTEN = 10,
};

struct sock_common {
	unsigned short skc_family;
	volatile unsigned char skc_state;
} __attribute__((preserve_access_index));

struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol;
	int sk_err;
	void *sk_bpf_storage; /* almost no socket of a machine has any */
} __attribute__((preserve_access_index));

struct minmax_sample {
	__u32 t, v;
} __attribute__((preserve_access_index));

struct minmax {
	struct minmax_sample s[3];
} __attribute__((preserve_access_index));

struct tcp_sock {
	__u32 copied_seq, rcv_nxt, write_seq;
	__u32 srtt_us; /* eight times the mean, smoothed */
	__u32 data_segs_out, total_retrans;
	struct minmax rtt_min;
} __attribute__((preserve_access_index));

struct socket {
	struct sock *sk;
} __attribute__((preserve_access_index));

struct sk_buff {
	unsigned int len;
	unsigned char *data;
} __attribute__((preserve_access_index));

/* What the kernel calls a packet to a program; a forward declaration would not match it. */
struct __sk_buff {
	__u32 len;
};

struct iovec {
	void *iov_base;
	unsigned long iov_len;
} __attribute__((preserve_access_index));

enum iter_type { ITER_UBUF, ITER_IOVEC };

struct iov_iter {
	__u8 iter_type;
	unsigned long iov_offset;
	union {
		const struct iovec *__iov;
		void *ubuf;
	};
	unsigned long count;
	unsigned long nr_segs;
} __attribute__((preserve_access_index));

struct msghdr {
	struct iov_iter msg_iter;
} __attribute__((preserve_access_index));

struct bpf_iter__task_file {
	struct task_struct *task;
	struct file *file;
} __attribute__((preserve_access_index));

struct bpf_dynptr {
	__u64 opaque[2];
} __attribute__((aligned(8)));

#endif
