/*
 * wait - how long the threads of targets were off the processor, by what they waited for.
 *
 * Threads:  any CPU, under the run queue's lock: nothing there may wait or allocate.
 * Memory:   a mark on each thread of a target that was asked for, a row for each process.
 * Errors:   a thread without a mark is counted in dropped.
 *
 * One program at each switch, with the scheduler's own clock and its own word of when a thread was
 * woken (sched_info): no clock is read, and no wake-up looked at.
 */
#include "kernel.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "blocked.bpf.h"
#include "filter.bpf.h"
#include "wait_event.h"

enum { BPF_MAP_TYPE_TASK_STORAGE = 29 };
enum { WAIT_CREATE = 1 }; /* BPF_LOCAL_STORAGE_GET_F_CREATE */

struct sched_info___wait {
	__u64 run_delay, last_queued;
} __attribute__((preserve_access_index));

struct rq {
	__u64 clock;
} __attribute__((preserve_access_index));

struct cfs_rq {
	struct rq *rq;
} __attribute__((preserve_access_index));

struct sched_entity___wait {
	struct cfs_rq *cfs_rq;
} __attribute__((preserve_access_index));

struct task_struct___wait {
	struct sched_entity___wait se;
	struct sched_info___wait sched_info;
	void *bpf_storage;
} __attribute__((preserve_access_index));

struct bpf_iter__task {
	struct task_struct *task;
} __attribute__((preserve_access_index));

struct wait_mark {
	__u64 since; /* it left; by the scheduler's clock, 0: it runs, or nobody saw */
	__u64 delay; /* that it had waited for processors by then */
	__u32 cause; /* enum wait_cause */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, FILTER_NO_PREALLOC);
	__type(key, int);
	__type(value, struct wait_mark);
} marks SEC(".maps");

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

static __always_inline void wait_make(struct task_struct *task)
{
	__u32 zero = 0;
	__u64 *lost;

	if (bpf_task_storage_get(&marks, task, 0, WAIT_CREATE))
		return;
	lost = bpf_map_lookup_elem(&dropped, &zero);
	if (lost)
		__sync_fetch_and_add(lost, 1);
}

/* Set when this switch began. */
static __always_inline __u64 wait_clock(struct task_struct *prev)
{
	return ((struct task_struct___wait *)prev)->se.cfs_rq->rq->clock;
}

/* Almost no thread of a machine has any storage: a look at a word of it says so. */
static __always_inline struct wait_mark *wait_mark(struct task_struct *task)
{
	if (!((struct task_struct___wait *)task)->bpf_storage)
		return 0;
	return bpf_task_storage_get(&marks, task, 0, 0);
}

/* The agent makes the row of a process that it knows; of others nothing is booked. */
static __always_inline void wait_book(__u32 tgid, __u32 cause, __u64 off, __u64 queued)
{
	struct wait_row *row = bpf_map_lookup_elem(&waits, &tgid);

	if (!row || cause >= WAIT_CAUSES)
		return;
	if (queued > off) /* clocks of two processors */
		queued = off;
	__sync_fetch_and_add(&row->ns[WAIT_RUN_QUEUE], queued);
	if (off > queued)
		__sync_fetch_and_add(&row->ns[cause], off - queued);
}

static __always_inline void wait_end(struct task_struct *task, __u64 now)
{
	const struct sched_info___wait *info = &((struct task_struct___wait *)task)->sched_info;
	struct wait_mark *mark = wait_mark(task);
	__u64 off, queued;

	if (!mark || !mark->since)
		return;
	off = now > mark->since ? now - mark->since : 0;
	/* it was moved between processors: what is before is in the sum already */
	queued = info->run_delay - mark->delay;
	if (info->last_queued && now > info->last_queued)
		queued += now - info->last_queued;
	mark->since = 0;
	wait_book(task->tgid, mark->cause, off, queued);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(wait_switch, bool preempt, struct task_struct *prev, struct task_struct *next,
	     unsigned int state)
{
	struct wait_mark *mark = wait_mark(prev);
	__u64 now;

	if (!mark && !((struct task_struct___wait *)next)->bpf_storage)
		return 0;
	now = wait_clock(prev);
	if (mark) {
		mark->since = now;
		mark->delay = ((struct task_struct___wait *)prev)->sched_info.run_delay;
		mark->cause = preempt || !state ? WAIT_RUN_QUEUE : blocked_cause(prev);
	}
	wait_end(next, now);
	return 0;
}

/* One that a target makes, and its first wait is for a processor. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(wait_fork, struct task_struct *parent, struct task_struct *child)
{
	if (filter_target(parent->tgid) & FILTER_ASKED)
		wait_make(child);
	return 0;
}

/* Those of targets that are there already; and of those that are none any more. */
SEC("iter/task")
int wait_found(struct bpf_iter__task *context)
{
	struct task_struct *task = context->task;

	if (!task)
		return 0;
	if (filter_target(task->tgid) & FILTER_ASKED)
		wait_make(task);
	else
		bpf_task_storage_delete(&marks, task);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
