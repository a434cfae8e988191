/*
 * profile - what watched processes were doing each time the sampling clock of a CPU ticked.
 *
 * Threads:  any CPU; one sample under way per CPU, in that CPU's own scratch.
 * Memory:   the ring, sized by the loader for the machine's CPUs, and a scratch per CPU.
 * Errors:   a sample without room in the ring is counted in dropped.
 */
#include "kernel.h"

#include <bpf/bpf_helpers.h>

#include "filter.bpf.h"
#include "profile_event.h"

enum {
	MAP_TYPE_PERCPU_ARRAY = 6,
	GET_STACK_USER = 1 << 8,
	KERNEL_BYTES = PROFILE_KERNEL_FRAMES * 8
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096); /* set before it is loaded */
} samples SEC(".maps");

/* One longer than a sample: the verifier knows no better bound of where the user's part begins. */
struct profile_scratch {
	struct profile_sample sample;
	__u64 room[PROFILE_USER_FRAMES];
};

struct {
	__uint(type, MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct profile_scratch);
} scratch SEC(".maps");

__u64 taken = 0;
__u64 dropped = 0;

SEC("perf_event")
int profile_tick(void *ctx)
{
	__u64 both = bpf_get_current_pid_tgid();
	__u32 pid = both >> 32, zero = 0;
	struct profile_scratch *s;
	__u64 kernel_bytes, user_bytes;
	long got;

	if (!filter_target(pid))
		return 0;
	s = bpf_map_lookup_elem(&scratch, &zero);
	if (!s)
		return 0;
	s->sample.head.pid = pid;
	s->sample.head.tid = (__u32)both;
	s->sample.head.reserved = 0;
	/* fails for a tick in user mode: there is no kernel stack then */
	got = bpf_get_stack(ctx, s->sample.addresses, KERNEL_BYTES, 0);
	kernel_bytes = got > 0 ? got : 0;
	/* clang loses a bound that it keeps in 32 bits */
	asm volatile("" : "+r"(kernel_bytes));
	if (kernel_bytes > KERNEL_BYTES)
		return 0;
	got = bpf_get_stack(ctx, (char *)s->sample.addresses + kernel_bytes,
			    PROFILE_USER_FRAMES * 8, GET_STACK_USER);
	user_bytes = got > 0 ? got : 0;
	asm volatile("" : "+r"(user_bytes));
	if (user_bytes > PROFILE_USER_FRAMES * 8)
		return 0;
	s->sample.head.kernel_count = kernel_bytes / 8;
	s->sample.head.user_count = user_bytes / 8;
	__sync_fetch_and_add(&taken, 1);
	user_bytes += kernel_bytes + sizeof(s->sample.head);
	if (user_bytes > sizeof(struct profile_sample) ||
	    bpf_ringbuf_output(&samples, s, user_bytes, BPF_RB_NO_WAKEUP))
		__sync_fetch_and_add(&dropped, 1);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
