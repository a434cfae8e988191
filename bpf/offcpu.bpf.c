/*
 * offcpu - where the threads of one target left the processor, and how long they stayed away.
 *
 * Threads:  any CPU, under the run queue's lock: nothing there may wait. The walk over those that
 *           sleep already may, and takes their stacks by following frame pointers itself.
 * Memory:   a row for each distinct stack, one for each thread that is off, a scratch per CPU.
 * Errors:   a stack without room is booked as none and counted in no_stack; a wait whose begin or
 *           end was not told is counted in lost.
 */
#include "kernel.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "blocked.bpf.h"
#include "filter.bpf.h"
#include "offcpu_event.h"

enum {
	MAP_TYPE_PERCPU_ARRAY = 6,
	GET_STACK_USER = 1 << 8,
	KERNEL_BYTES = PROFILE_KERNEL_FRAMES * 8,
	USER_BYTES = PROFILE_USER_FRAMES * 8
};

struct task_struct___offcpu {
	unsigned int __state;
	int on_cpu;
} __attribute__((preserve_access_index));

struct pt_regs___offcpu {
#if defined(__TARGET_ARCH_x86)
	unsigned long bp, ip;
#else
	__u64 regs[31], pc;
#endif
} __attribute__((preserve_access_index));

struct bpf_iter__task {
	struct task_struct *task;
} __attribute__((preserve_access_index));

/* Both allocated ahead: under the run queue's lock an allocator could deadlock on older kernels. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, OFFCPU_THREADS);
	__type(key, __u32);
	__type(value, struct offcpu_off);
} off SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, OFFCPU_ROWS);
	__type(key, __u64);
	__type(value, struct offcpu_row);
} rows SEC(".maps");

/* One longer than a row: the verifier knows no better bound of where the user's part begins. */
struct offcpu_scratch {
	struct offcpu_row row;
	__u64 room[PROFILE_USER_FRAMES];
};

struct {
	__uint(type, MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct offcpu_scratch);
} scratch SEC(".maps");

/* Of the walk alone, which may be moved to another CPU; there is one at a time. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct offcpu_scratch);
} walked SEC(".maps");

const volatile __u32 process = 0; /* set before it is loaded */
__u64 begun_ns = 0;               /* what was before is not told of; set ahead of the walk */
__u64 over_ns = 0;                /* what comes later is not told of */
__u64 no_stack = 0;
__u64 lost = 0;

static __always_inline __u64 offcpu_now(void)
{
	__u64 now_ns = bpf_ktime_get_ns();

	return over_ns && now_ns > over_ns ? over_ns : now_ns;
}

static __always_inline __u64 offcpu_hash(const struct offcpu_scratch *s)
{
	__u32 count = (__u32)s->row.kernel_count + s->row.user_count;
	__u64 hash = s->row.kernel_count + 1;

	for (__u32 i = 0; i < PROFILE_FRAMES; i++) {
		if (i >= count)
			break;
		hash = (hash ^ s->row.addresses[i]) * 0x9e3779b97f4a7c15ull;
		hash ^= hash >> 32;
	}
	return hash == OFFCPU_NO_STACK ? 1 : hash;
}

/* The row of the stack that the scratch holds, made if need be: its key. */
static __always_inline __u64 offcpu_row(struct offcpu_scratch *s)
{
	__u64 key = offcpu_hash(s);

	if (bpf_map_lookup_elem(&rows, &key) ||
	    !bpf_map_update_elem(&rows, &key, &s->row, BPF_NOEXIST) ||
	    bpf_map_lookup_elem(&rows, &key)) /* another CPU was first */
		return key;
	__sync_fetch_and_add(&no_stack, 1);
	return OFFCPU_NO_STACK;
}

/* Both stacks of the thread that is about to leave this CPU. */
static __always_inline __u64 offcpu_stack(void *ctx)
{
	struct offcpu_scratch *s;
	__u64 kernel_bytes, user_bytes;
	__u32 zero = 0;
	long got;

	s = bpf_map_lookup_elem(&scratch, &zero);
	if (!s)
		return OFFCPU_NO_STACK;
	got = bpf_get_stack(ctx, s->row.addresses, KERNEL_BYTES, 0);
	kernel_bytes = got > 0 ? got : 0;
	/* clang loses a bound that it keeps in 32 bits */
	asm volatile("" : "+r"(kernel_bytes));
	if (kernel_bytes > KERNEL_BYTES)
		return OFFCPU_NO_STACK;
	got = bpf_get_stack(ctx, (char *)s->row.addresses + kernel_bytes, USER_BYTES,
			    GET_STACK_USER);
	user_bytes = got > 0 ? got : 0;
	s->row.kernel_count = kernel_bytes / 8;
	s->row.user_count = user_bytes / 8;
	return offcpu_row(s);
}

static __always_inline void offcpu_book(const struct offcpu_off *from, __u64 now_ns)
{
	struct offcpu_row *row = bpf_map_lookup_elem(&rows, &from->stack);
	__u64 since_ns = from->since_ns > begun_ns ? from->since_ns : begun_ns;
	__u32 cause = from->cause;

	if (!row || !begun_ns || cause >= WAIT_CAUSES || now_ns <= since_ns)
		return;
	__sync_fetch_and_add(&row->waits[cause], 1);
	__sync_fetch_and_add(&row->ns[cause], now_ns - since_ns);
}

static __always_inline void offcpu_begin(void *ctx, struct task_struct *task, __u32 state)
{
	struct offcpu_off from = { .since_ns = offcpu_now() };
	__u32 tid = task->pid;

	if (state & BLOCKED_DEAD) { /* it never comes back */
		bpf_map_delete_elem(&off, &tid);
		return;
	}
	from.cause = state ? blocked_cause(task) : WAIT_RUN_QUEUE;
	from.stack = offcpu_stack(ctx);
	if (!bpf_map_update_elem(&off, &tid, &from, BPF_NOEXIST))
		return;
	/* full; or nobody told that the wait before was over */
	__sync_fetch_and_add(&lost, 1);
	bpf_map_update_elem(&off, &tid, &from, BPF_ANY);
}

static __always_inline void offcpu_end(__u32 tid)
{
	struct offcpu_off *from = bpf_map_lookup_elem(&off, &tid);

	if (!from)
		return;
	offcpu_book(from, offcpu_now());
	bpf_map_delete_elem(&off, &tid);
}

static __always_inline bool offcpu_is_ours(__u32 tgid)
{
	return tgid == process && filter_target(tgid);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(offcpu_switch, bool preempt, struct task_struct *prev, struct task_struct *next,
	     unsigned int state)
{
	if (offcpu_is_ours(prev->tgid))
		offcpu_begin(ctx, prev, preempt ? 0 : state);
	if ((__u32)next->tgid == process)
		offcpu_end(next->pid);
	return 0;
}

/* From here on it waits for a processor, at the same place. */
SEC("tp_btf/sched_wakeup")
int BPF_PROG(offcpu_wakeup, struct task_struct *task)
{
	struct offcpu_off *from;
	__u32 tid = task->pid;
	__u64 now_ns;

	if ((__u32)task->tgid != process)
		return 0;
	from = bpf_map_lookup_elem(&off, &tid);
	if (!from || from->cause == WAIT_RUN_QUEUE)
		return 0;
	now_ns = offcpu_now();
	offcpu_book(from, now_ns);
	from->cause = WAIT_RUN_QUEUE;
	from->since_ns = now_ns;
	return 0;
}

static __always_inline bool offcpu_sleeps(struct task_struct *task)
{
	const struct task_struct___offcpu *t = (const void *)task;
	__u32 state = BPF_CORE_READ(t, __state);

	return state && !(state & BLOCKED_DEAD) && !BPF_CORE_READ(t, on_cpu);
}

/* The user's part of a stack, by frame pointers; how many addresses. */
static __always_inline __u32 offcpu_follow(struct task_struct *task, __u64 *to)
{
	const struct pt_regs___offcpu *regs = (const void *)bpf_task_pt_regs(task);
	__u64 frame[2]; /* the caller's frame, where it goes on */
	__u32 count = 1;

#if defined(__TARGET_ARCH_x86)
	to[0] = BPF_CORE_READ(regs, ip);
	frame[0] = BPF_CORE_READ(regs, bp);
#else
	to[0] = BPF_CORE_READ(regs, pc);
	frame[0] = BPF_CORE_READ(regs, regs[29]);
#endif
	for (__u32 i = 1; i < PROFILE_USER_FRAMES; i++) {
		__u64 at = frame[0];

		if (!at || bpf_copy_from_user_task(frame, sizeof(frame), (const void *)at, task, 0))
			break;
		if (!frame[1])
			break;
		to[i] = frame[1];
		count++;
		if (frame[0] <= at) /* a stack grows one way */
			break;
	}
	return count;
}

/* Who sleeps already: as if it had begun with the profile. */
SEC("iter.s/task")
int offcpu_asleep(struct bpf_iter__task *ctx)
{
	struct offcpu_off from = { .since_ns = begun_ns };
	struct task_struct *task = ctx->task;
	struct offcpu_scratch *s;
	__u32 zero = 0, tid;
	__u64 kernel_bytes;
	long got;

	if (!task || !offcpu_is_ours(task->tgid) || !offcpu_sleeps(task))
		return 0;
	s = bpf_map_lookup_elem(&walked, &zero);
	if (!s)
		return 0;
	got = bpf_get_task_stack(task, s->row.addresses, KERNEL_BYTES, 0);
	kernel_bytes = got > 0 ? got : 0;
	asm volatile("" : "+r"(kernel_bytes));
	if (kernel_bytes > KERNEL_BYTES)
		return 0;
	s->row.kernel_count = kernel_bytes / 8;
	s->row.user_count = offcpu_follow(task, (__u64 *)((char *)s->row.addresses + kernel_bytes));
	from.cause = blocked_cause(task);
	from.stack = offcpu_row(s);
	tid = task->pid;
	if (bpf_map_update_elem(&off, &tid, &from, BPF_NOEXIST))
		return 0;         /* it slept again meanwhile */
	if (!offcpu_sleeps(task)) /* it was woken meanwhile: nobody would end that */
		bpf_map_delete_elem(&off, &tid);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
