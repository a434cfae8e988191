/*
 * scan - which process is to be looked at when: a table by pid.
 *
 * Threads:  the broker's only one.
 * Memory:   scan_open allocates, scan_close frees; the table grows with the processes.
 * Errors:   0 or -errno. Time is an argument.
 * A process without a segment is looked at when it is first seen, when it changed its program, and
 * 1, 2, 4 … 60 s after the look before; a child of a fork when it is 1 s old; any at a hint.
 */
#ifndef CAPTURE_SCAN_H
#define CAPTURE_SCAN_H

#include "proc.h"

#include <stdbool.h>
#include <stdint.h>

#define SCAN_SECOND_NS UINT64_C(1000000000)
#define SCAN_LONGEST_S 60u
#define SCAN_NEVER UINT64_MAX

struct scan;

struct scan_entry {
	int32_t pid;
	uint32_t round;       /* of the last listing that had it */
	uint64_t start_ticks; /* with start_code and comm: which program it is */
	uint64_t start_code;
	char comm[16];
	uint64_t look_ns; /* when to look; SCAN_NEVER: only when it changed */
	uint64_t key;     /* of its target; 0: it has none */
	int32_t forker;   /* who forked it, as the kernel told; 0: it did not */
	uint8_t looks;    /* in vain, since it changed */
	uint8_t waits;    /* looks that found it to be judged later */
	uint8_t refused;  /* enum accept_reason of the last look */
	bool kernel;      /* a kernel thread */
	bool shim;        /* it maps the shim, and yet has no segment */
	bool knocked;     /* it sent a wake-up and was not looked at since */
};

int scan_open(struct scan **out);
void scan_close(struct scan *s); /* NULL is fine */

/* The entry of a pid, NULL where there is none; good until the next scan_put or scan_drop. */
struct scan_entry *scan_find(struct scan *s, int32_t pid);

/* What /proc/PID/stat says now: makes the entry, or notes the change; true: look at it at once. */
bool scan_note(struct scan *s, const struct proc_stat *stat, uint64_t now_ns);

/* Something pointed at this pid: look at it no later than at_ns. -ENOMEM. */
int scan_hint(struct scan *s, int32_t pid, uint64_t at_ns);

/* A look found no segment: when the next one is due. */
void scan_missed(struct scan_entry *entry, uint64_t now_ns);

void scan_drop(struct scan *s, int32_t pid);

/*
 * What /proc lists: new pids are noted, known ones too unless the kernel tells their changes
 * (told); those that are gone are dropped. How many of them had knocked, and nobody looked?
 */
uint32_t scan_list(struct scan *s, uint64_t now_ns, bool told);

/* All entries, in no order: i from 0 to scan_size - 1, NULL for an empty place. */
uint32_t scan_size(const struct scan *s);
struct scan_entry *scan_at(struct scan *s, uint32_t i);

#endif
