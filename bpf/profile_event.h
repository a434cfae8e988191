/*
 * profile_event - one sample of a watched thread that was on a CPU: its kernel and user stacks.
 *
 * Includers: bpf/profile.bpf.c, agent/capture/sampler.c and agent/profile.
 *
 *   [pid][tid][kernel_count u16][user_count u16][-][kernel addresses …][user addresses …]
 *
 * Innermost frames first; counts are of addresses. Without frame pointers user_count is 1 or so.
 */
#ifndef BPF_PROFILE_EVENT_H
#define BPF_PROFILE_EVENT_H

#define PROFILE_KERNEL_FRAMES 64
#define PROFILE_USER_FRAMES 127 /* what kernel.perf_event_max_stack allows as it is set up */
#define PROFILE_FRAMES (PROFILE_KERNEL_FRAMES + PROFILE_USER_FRAMES)

struct profile_head {
	unsigned int pid, tid; /* in the initial pid namespace */
	unsigned short kernel_count, user_count;
	unsigned int reserved;
};

struct profile_sample {
	struct profile_head head;
	unsigned long long addresses[PROFILE_FRAMES];
};

#endif
