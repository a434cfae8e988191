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

/* Go's threads take turns: what they receive and call is noted by goroutine as well. */
#define THREAD_GOROUTINES 16384

enum { BPF_MAP_TYPE_LRU_HASH = 9 };

struct thread_key {
	__u64 goroutine;
	__u32 pid, zero;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, THREAD_GOROUTINES);
	__type(key, struct thread_key);
	__type(value, struct thread);
} goroutines SEC(".maps");

/* enum tls_secure; 0: nobody looks at TLS. */
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

static __always_inline struct thread *thread_of_goroutine(__u64 goroutine, __u32 pid)
{
	struct thread_key key = { .goroutine = goroutine, .pid = pid };
	struct thread *t = bpf_map_lookup_elem(&goroutines, &key);
	struct thread fresh = {};

	if (t)
		return t;
	bpf_map_update_elem(&goroutines, &key, &fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&goroutines, &key);
}

static __always_inline __u32 thread_wanted(void)
{
	__u32 zero = 0;
	const __u32 *wanted = bpf_map_lookup_elem(&secure, &zero);

	return wanted ? *wanted : 0;
}

static __always_inline void thread_note(struct thread *t, __u64 connection)
{
	if (!t)
		return;
	t->connection = connection;
	t->received++;
}

#endif
