/*
 * snapshot - registers and the newest part of the stack of one process's threads, at each tick.
 *
 * Threads:  any CPU; each sample claims a slot of its own.
 * Memory:   the slots: SNAPSHOT_SLOTS of them.
 * Errors:   a sample without a free slot is counted in dropped.
 */
#include "kernel.h"

#include <bpf/bpf_helpers.h>

#include "snapshot_event.h"

enum { MMAPABLE = 1 << 10 };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, MMAPABLE);
	__uint(max_entries, SNAPSHOT_SLOTS + 1);
	__type(key, __u32);
	__type(value, struct snapshot);
} slots SEC(".maps");

const volatile __u32 process = 0; /* set before it is loaded */
__u32 next = 0;

/* As the kernel keeps them of a thread that left user mode; the layouts are part of its ABI. */
#ifdef __TARGET_ARCH_x86
struct user_registers {
	__u64 r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs,
		flags, sp, ss;
};

static __always_inline void registers_put(struct snapshot *s, const struct user_registers *r)
{
	__u64 *to = s->registers;

	to[0] = r->ax;
	to[1] = r->dx;
	to[2] = r->cx;
	to[3] = r->bx;
	to[4] = r->si;
	to[5] = r->di;
	to[6] = r->bp;
	to[7] = r->sp;
	to[8] = r->r8;
	to[9] = r->r9;
	to[10] = r->r10;
	to[11] = r->r11;
	to[12] = r->r12;
	to[13] = r->r13;
	to[14] = r->r14;
	to[15] = r->r15;
	s->register_count = 16;
	s->place = r->ip;
	s->pointer = r->sp;
}
#else
struct user_registers {
	__u64 x[31], sp, pc, pstate;
};

static __always_inline void registers_put(struct snapshot *s, const struct user_registers *r)
{
	for (int i = 0; i < 31; i++)
		s->registers[i] = r->x[i];
	s->registers[31] = r->sp;
	s->register_count = 32;
	s->place = r->pc;
	s->pointer = r->sp;
}
#endif

static __always_inline void stack_put(struct snapshot *s)
{
	__u32 done = 0;

	for (__u32 at = 0; at < SNAPSHOT_STACK_BYTES; at += SNAPSHOT_CHUNK) {
		if (bpf_probe_read_user(s->stack + at, SNAPSHOT_CHUNK,
					(const void *)(s->pointer + at)))
			break;
		done = at + SNAPSHOT_CHUNK;
	}
	s->stack_bytes = done;
}

static __always_inline struct snapshot *slot_claim(void)
{
	__u32 index = __sync_fetch_and_add(&next, 1) % SNAPSHOT_SLOTS + 1;
	struct snapshot *s = bpf_map_lookup_elem(&slots, &index);

	if (!s || __sync_val_compare_and_swap(&s->state, SNAPSHOT_FREE, SNAPSHOT_FILLING))
		return 0;
	return s;
}

SEC("perf_event")
int snapshot_tick(void *ctx)
{
	struct user_registers registers;
	struct snapshot *counts, *s;
	__u32 first = 0;
	long got;

	if (bpf_get_current_pid_tgid() >> 32 != process)
		return 0;
	counts = bpf_map_lookup_elem(&slots, &first);
	if (!counts)
		return 0;
	__sync_fetch_and_add(&counts->taken, 1);
	s = slot_claim();
	if (!s) {
		__sync_fetch_and_add(&counts->dropped, 1);
		return 0;
	}
	bpf_probe_read_kernel(&registers, sizeof(registers),
			      (const void *)bpf_task_pt_regs(bpf_get_current_task_btf()));
	registers_put(s, &registers);
	/* fails for a tick in user mode: there is no kernel stack then */
	got = bpf_get_stack(ctx, s->kernel, sizeof(s->kernel), 0);
	s->kernel_count = got > 0 ? (__u32)got / 8 : 0;
	stack_put(s);
	/* A: an exchange, which keeps all of it ahead of the mark; pairs with the reader's B. */
	__sync_lock_test_and_set(&s->state, SNAPSHOT_FULL);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
