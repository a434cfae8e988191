/*
 * census - what the threads of some processes wait for at this moment, a moment after another.
 *
 * Threads:  the walk's own; there is one at a time.
 * Memory:   a row for each process, which the agent makes.
 * Errors:   none: who has no row is passed over.
 *
 * Nothing runs between two walks: unlike wait.bpf.c it costs no switch of anybody. A thread stands
 * for the time since the walk before, or since it began.
 */
#include "kernel.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "blocked.bpf.h"
#include "census_event.h"
#include "filter.h"

struct task_struct___census {
	unsigned int __state;
	int on_cpu;
	__u64 start_time;
} __attribute__((preserve_access_index));

struct bpf_iter__task {
	struct task_struct *task;
} __attribute__((preserve_access_index));

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FILTER_TARGETS);
	__uint(map_flags, FILTER_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct wait_row);
} counted SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct census_span);
} span SEC(".maps");

/* WAIT_CAUSES: for nothing, it runs; or it is over. */
static __always_inline __u32 census_cause(struct task_struct *task)
{
	const struct task_struct___census *t = (const void *)task;
	__u32 state = BPF_CORE_READ(t, __state);

	if (BPF_CORE_READ(t, on_cpu) || state & BLOCKED_DEAD)
		return WAIT_CAUSES;
	return state ? blocked_cause(task) : WAIT_RUN_QUEUE;
}

SEC("iter/task")
int census_look(struct bpf_iter__task *context)
{
	struct task_struct *task = context->task;
	const struct census_span *at;
	struct wait_row *row;
	__u32 tgid, cause, zero = 0;
	__u64 lived;

	if (!task)
		return 0;
	tgid = task->tgid;
	row = bpf_map_lookup_elem(&counted, &tgid);
	at = bpf_map_lookup_elem(&span, &zero);
	if (!row || !at)
		return 0;
	cause = census_cause(task);
	if (cause >= WAIT_CAUSES)
		return 0;
	lived = at->now_ns - BPF_CORE_READ((const struct task_struct___census *)task, start_time);
	if ((__s64)lived < 0) /* it began during this walk */
		return 0;
	row->ns[cause] += lived < at->span_ns ? lived : at->span_ns;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
