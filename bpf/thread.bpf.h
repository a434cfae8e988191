/*
 * thread - which connection a thread has received from last, and the call into a TLS library that
 *          it is in: so plain text is brought to its connection.
 *
 * Includers: the probes; one map for both of them.
 */
#ifndef BPF_THREAD_BPF_H
#define BPF_THREAD_BPF_H

#include "tls_kind.h"

enum { BPF_MAP_TYPE_TASK_STORAGE = 29 };
enum { THREAD_CREATE = 1 }; /* BPF_LOCAL_STORAGE_GET_F_CREATE */

struct thread {
	__u64 connection;           /* 0: none of those that are looked at */
	__u32 received;             /* how often, from any */
	__u32 kind;                 /* enum tls_kind of the call; 0: it is in none */
	__u32 before;               /* received, when it began */
	__u64 session, text, bytes; /* its arguments */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, 1); /* BPF_F_NO_PREALLOC */
	__type(key, int);
	__type(value, struct thread);
} threads SEC(".maps");

/* Not 0: somebody looks at TLS. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} secure SEC(".maps");

static __always_inline struct thread *thread_get(void)
{
	return bpf_task_storage_get(&threads, bpf_get_current_task_btf(), 0, THREAD_CREATE);
}

static __always_inline bool thread_wanted(void)
{
	__u32 zero = 0;
	const __u32 *wanted = bpf_map_lookup_elem(&secure, &zero);

	return wanted && *wanted;
}

static __always_inline void thread_received(__u64 connection)
{
	struct thread *t = thread_get();

	if (!t)
		return;
	t->connection = connection;
	t->received++;
}

#endif
