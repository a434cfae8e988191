/*
 * life_event - what the life cycle probes say: that a process began, changed its program, ended.
 *
 * Includers: bpf/life.bpf.c, and agent/capture/life.h for the rest of the agent.
 */
#ifndef BPF_LIFE_EVENT_H
#define BPF_LIFE_EVENT_H

#define LIFE_RING_BYTES (256 * 1024) /* 8,192 events between two looks, 250 ms apart */
#define LIFE_USED_MAP "used"
#define LIFE_UNKNOWN (~0ull)

enum life_kind { LIFE_EXEC = 1, LIFE_EXIT, LIFE_FORK, LIFE_END };

struct life_event {
	unsigned int kind; /* enum life_kind */
	unsigned int pid;  /* in the initial pid namespace; of a fork: the child */
};

struct life_fork {
	struct life_event event;
	unsigned int parent, reserved;
};

/* What all threads of a process have used, those that ended before included. */
struct life_used {
	unsigned long long run_ns;             /* exact */
	unsigned long long user_ns, system_ns; /* as the kernel's ticks found them: shares of it */
	unsigned long long major_faults;
	unsigned long long read_bytes, write_bytes; /* of disks; LIFE_UNKNOWN: nobody counts */
};

/*
 * LIFE_END: of a watched process whose last thread ends. Threads that end at once may each tell it:
 * the largest is right.
 */
struct life_end {
	struct life_event event;
	unsigned long long at_ns; /* since boot, suspended time included */
	struct life_used used;
};

#endif
