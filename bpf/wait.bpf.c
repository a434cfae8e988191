/*
 * wait - how long the threads of targets were off the processor, by what they waited for.
 *
 * Threads:  any CPU, under the run queue's lock: nothing here may wait.
 * Memory:   a row for each thread that is off, and for each process that ever was.
 * Errors:   a wait without room, or whose end the kernel did not tell, is counted in dropped.
 */
#include "kernel.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "blocked.bpf.h"
#include "filter.bpf.h"
#include "wait_event.h"

struct wait_off {
	__u64 since_ns;
	__u32 tgid;
	__u32 cause; /* enum wait_cause: WAIT_RUN_QUEUE once it may run */
};

/* Allocated ahead: under the run queue's lock an allocator could deadlock on older kernels. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, WAIT_THREADS);
	__type(key, __u32);
	__type(value, struct wait_off);
} off SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FILTER_TARGETS);
	__uint(map_flags, FILTER_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct wait_row);
} waits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} dropped SEC(".maps");

static __always_inline void wait_lost(void)
{
	__u32 zero = 0;
	__u64 *lost = bpf_map_lookup_elem(&dropped, &zero);

	if (lost)
		__sync_fetch_and_add(lost, 1);
}

/* The agent makes the row of a process that it knows; of others nothing is booked. */
static __always_inline void wait_book(const struct wait_off *from, __u64 now_ns)
{
	struct wait_row *row = bpf_map_lookup_elem(&waits, &from->tgid);

	if (row && from->cause < WAIT_CAUSES && now_ns > from->since_ns)
		__sync_fetch_and_add(&row->ns[from->cause], now_ns - from->since_ns);
}

static __always_inline void wait_begin(struct task_struct *task, __u32 state, __u64 now_ns)
{
	struct wait_off from = { .since_ns = now_ns, .tgid = task->tgid };
	__u32 tid = task->pid;

	from.cause = state ? blocked_cause(task) : WAIT_RUN_QUEUE;
	if (!bpf_map_update_elem(&off, &tid, &from, BPF_NOEXIST))
		return;
	/* full; or nobody told that the wait before was over: one in a thousand, seen on 6.18 */
	wait_lost();
	bpf_map_update_elem(&off, &tid, &from, BPF_ANY);
}

/* It never comes back: a wait that it still has was over, and nobody told. */
static __always_inline void wait_over(__u32 tid)
{
	if (!bpf_map_delete_elem(&off, &tid))
		wait_lost();
}

static __always_inline void wait_end(__u32 tid, __u64 now_ns)
{
	struct wait_off *from = bpf_map_lookup_elem(&off, &tid);

	if (!from)
		return;
	wait_book(from, now_ns ? now_ns : bpf_ktime_get_ns());
	bpf_map_delete_elem(&off, &tid);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(wait_switch, bool preempt, struct task_struct *prev, struct task_struct *next,
	     unsigned int state)
{
	__u64 now_ns = 0;

	if (prev->pid && filter_target(prev->tgid) & FILTER_ASKED) {
		now_ns = bpf_ktime_get_ns();
		if (state & BLOCKED_DEAD)
			wait_over(prev->pid);
		else
			wait_begin(prev, preempt ? 0 : state, now_ns);
	}
	if (next->pid) /* no target any more, perhaps: its row must go all the same */
		wait_end(next->pid, now_ns);
	return 0;
}

/* From here on it waits for a processor. */
SEC("tp_btf/sched_wakeup")
int BPF_PROG(wait_wakeup, struct task_struct *task)
{
	__u32 tid = task->pid;
	struct wait_off *from = bpf_map_lookup_elem(&off, &tid);
	__u64 now_ns;

	if (!from || from->cause == WAIT_RUN_QUEUE)
		return 0;
	now_ns = bpf_ktime_get_ns();
	wait_book(from, now_ns);
	from->cause = WAIT_RUN_QUEUE;
	from->since_ns = now_ns;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
