/*
 * life_event - what the life cycle probes say: that a process began, changed its program, ended.
 *
 * Includers: bpf/life.bpf.c and agent/capture/life.c.
 */
#ifndef BPF_LIFE_EVENT_H
#define BPF_LIFE_EVENT_H

#define LIFE_RING_BYTES (256 * 1024) /* 8,192 events between two looks, 250 ms apart */

enum life_kind { LIFE_EXEC = 1, LIFE_EXIT, LIFE_FORK };

struct life_event {
	unsigned int kind; /* enum life_kind */
	unsigned int pid;  /* in the initial pid namespace; of a fork: the child */
};

#endif
