/*
 * life_event - what the life cycle probes say: that a process began, changed its program, ended.
 *
 * Includers: bpf/life.bpf.c, and agent/capture/life.h for the rest of the agent.
 */
#ifndef BPF_LIFE_EVENT_H
#define BPF_LIFE_EVENT_H

#define LIFE_RING_BYTES (256 * 1024) /* 8,192 events between two looks, 250 ms apart */
#define LIFE_CPU_MAP "cpu"

enum life_kind { LIFE_EXEC = 1, LIFE_EXIT, LIFE_FORK, LIFE_END };

struct life_event {
	unsigned int kind; /* enum life_kind */
	unsigned int pid;  /* in the initial pid namespace; of a fork: the child */
};

/* What all threads of a process have used, those that ended before included. */
struct life_cpu {
	unsigned long long run_ns;             /* exact */
	unsigned long long user_ns, system_ns; /* as the kernel's ticks found them: shares of it */
};

/*
 * LIFE_END: of a watched process whose last thread ends. Threads that end at once may each tell it:
 * the largest is right.
 */
struct life_end {
	struct life_event event;
	struct life_cpu cpu;
};

#endif
