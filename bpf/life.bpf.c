/*
 * life - exec and exit of every process; of watched ones forks, and what they used when they end.
 *
 * Threads:  any CPU; the ring is the kernel's own.
 * Memory:   a ring of LIFE_RING_BYTES, the map of watched processes, a row for each that ends.
 * Errors:   an event without room is counted in dropped.
 */
#include "kernel.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "filter.bpf.h"
#include "life_event.h"

#define RING_BYTES LIFE_RING_BYTES
#include "ring.bpf.h"

/* By tgid: what its threads had used that ended while it was watched, and those before. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FILTER_TARGETS);
	__uint(map_flags, FILTER_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct life_used);
} used SEC(".maps");

static __always_inline void life_emit(__u32 kind, __u32 pid)
{
	struct life_event *event = ring_reserve(sizeof(*event));

	if (!event)
		return;
	event->kind = kind;
	event->pid = pid;
	ring_submit(event);
}

/* The row of a process; the first of its threads that ends makes it, with those before it. */
static __always_inline struct life_used *life_row(struct task_struct *task)
{
	__u32 tgid = task->tgid;
	struct life_used *row = bpf_map_lookup_elem(&used, &tgid);
	struct life_used begin = {};

	if (row)
		return row;
	begin.run_ns = task->signal->sum_sched_runtime;
	begin.user_ns = task->signal->utime;
	begin.system_ns = task->signal->stime;
	begin.major_faults = task->signal->maj_flt;
	if (bpf_core_field_exists(task->ioac)) {
		begin.read_bytes = task->signal->ioac.read_bytes;
		begin.write_bytes = task->signal->ioac.write_bytes;
	} else {
		begin.read_bytes = begin.write_bytes = LIFE_UNKNOWN;
	}
	bpf_map_update_elem(&used, &tgid, &begin, BPF_NOEXIST);
	return bpf_map_lookup_elem(&used, &tgid);
}

static __always_inline void life_account(struct task_struct *task)
{
	__u64 own_ns = task->se.sum_exec_runtime, released_ns;
	struct life_used *row = life_row(task);
	struct life_end *end;

	if (!row)
		return;
	__sync_fetch_and_add(&row->run_ns, own_ns);
	__sync_fetch_and_add(&row->user_ns, task->utime);
	__sync_fetch_and_add(&row->system_ns, task->stime);
	__sync_fetch_and_add(&row->major_faults, task->maj_flt);
	if (bpf_core_field_exists(task->ioac)) {
		__sync_fetch_and_add(&row->read_bytes, task->ioac.read_bytes);
		__sync_fetch_and_add(&row->write_bytes, task->ioac.write_bytes);
	}
	if (task->signal->live.counter > 0)
		return;
	end = ring_reserve(sizeof(*end));
	if (!end)
		return;
	end->event.kind = LIFE_END;
	end->event.pid = task->tgid;
	end->at_ns = bpf_ktime_get_boot_ns();
	end->used = *row;
	/* a thread runs on to its very end; but those that end at once may not be in it yet */
	released_ns = task->signal->sum_sched_runtime + own_ns;
	if (released_ns > end->used.run_ns)
		end->used.run_ns = released_ns;
	ring_submit(end);
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
	__u32 tgid = task->tgid, why = filter_target(tgid);

	if (why & FILTER_WATCHED)
		life_account(task);
	else if (why && task->signal->live.counter <= 0)
		bpf_map_delete_elem(&targets, &tgid); /* nobody else knows that it was there */
	if (task->pid == task->tgid)
		life_emit(LIFE_EXIT, tgid);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(life_fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 why = child->pid == child->tgid ? filter_target(parent->tgid) : 0;
	struct life_fork *fork;

	if (!why)
		return 0;
	filter_follow(child->tgid, why);
	fork = ring_reserve(sizeof(*fork));
	if (!fork)
		return 0;
	fork->event.kind = LIFE_FORK;
	fork->event.pid = child->tgid;
	fork->parent = parent->tgid;
	fork->reserved = 0;
	ring_submit(fork);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
