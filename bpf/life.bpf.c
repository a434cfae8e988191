/*
 * life - exec and exit of every process, fork of watched ones: pids, nothing else.
 *
 * Threads:  any CPU; the ring is the kernel's own.
 * Memory:   a ring of LIFE_RING_BYTES and the map of watched processes.
 * Errors:   an event without room is counted in dropped.
 */
#include "kernel.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "filter.bpf.h"
#include "life_event.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, LIFE_RING_BYTES);
} ring SEC(".maps");

__u64 dropped = 0;

static __always_inline void life_emit(__u32 kind, __u32 pid)
{
	struct life_event *event = bpf_ringbuf_reserve(&ring, sizeof(*event), 0);

	if (!event) {
		__sync_fetch_and_add(&dropped, 1);
		return;
	}
	event->kind = kind;
	event->pid = pid;
	/* a wake-up costs microseconds, and the agent looks in on a timer anyway */
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(life_exec, struct task_struct *task)
{
	life_emit(LIFE_EXEC, task->tgid);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(life_exit, struct task_struct *task)
{
	if (task->pid == task->tgid)
		life_emit(LIFE_EXIT, task->tgid);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(life_fork, struct task_struct *parent, struct task_struct *child)
{
	if (child->pid == child->tgid && filter_target(parent->tgid))
		life_emit(LIFE_FORK, child->tgid);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
