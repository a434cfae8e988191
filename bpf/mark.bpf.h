/*
 * mark - what is known of a connection of a target without the shim, on its socket.
 *
 * Includers: bpf/http.bpf.c, behind socket.bpf.h and filter.bpf.h.
 */
#ifndef BPF_MARK_BPF_H
#define BPF_MARK_BPF_H

#include "call.bpf.h"
#include "gap.bpf.h"

enum { BPF_MAP_TYPE_SK_STORAGE = 24, BPF_F_CLONE = 1 << 9 };

struct http_mark {
	__u64 id;         /* 0: it listens, or is not established yet */
	__u64 arrived_ns; /* what nobody has read from yet; 0: there is nothing */
	struct call call; /* while it is telling */
	__u32 owner;      /* a target, who read from it last; 0: nobody yet */
	__u32 class;      /* of the answer that it begins; 0: none */
	__u32 hello;      /* up to where its first bytes are; with cipher text behind them */
	__u32 stream;     /* of HTTP/2: the last one asked for by what found no room */
	__u32 pid;        /* who read that */
	__u8 telling;     /* enum http_telling */
	__u8 over;
	__u8 judged, cipher; /* its first bytes were seen, and are those of TLS */
	__u8 found;          /* it was there before us: it may be a client's */
	__u8 begun;          /* its begin was told */
	__u8 known;          /* something of it was */
	struct gap gap;
};

/* A write that is under way. */
enum http_telling { HTTP_NOTHING, HTTP_TOLD, HTTP_HIDDEN };

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct http_mark);
} marks SEC(".maps");

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

#endif
