/*
 * scout - opens what the process asked about can keep us waiting for, in a child that can be left.
 *
 * Threads:  one, which waits for its children by their pids.
 * Memory:   scout_open allocates; scout_close frees and ends the child. Descriptors are the
 *           caller's.
 * Errors:   0 or -errno: -ETIMEDOUT: it keeps us waiting, or did lately; -EBUSY: too many children
 *           are kept; -EAGAIN, -EPIPE: the child did not answer, and the process is not to blame.
 * Anybody can keep his mmap_lock: a page of a file on FUSE is unmapped once its server took it
 * back. Who reads his cmdline, maps, smaps_rollup or map_files waits for that lock, and by way of
 * an exec so does who reads his io. No call reads these without: process_vm_readv and BPF's of
 * another task take it too. Such a wait ends by SIGKILL alone, so that it takes a process; should
 * not even that end it, the process is left behind.
 */
#ifndef CAPTURE_SCOUT_H
#define CAPTURE_SCOUT_H

#include <stdbool.h>
#include <stdint.h>

#define SCOUT_WAIT_MS 250         /* a read takes microseconds, tens of ms with 65,530 mappings */
#define SCOUT_PROCESS_MINUTES 10u /* that a process is not asked which kept us waiting … */
#define SCOUT_USER_PROCESSES 8u   /* … and how many of them a user may have, … */
#define SCOUT_USER_MINUTES 1u     /* … until none of his is asked; each time twice as long */
#define SCOUT_LEFT 64u            /* children that could not be killed yet */

struct scout;

struct scout_counts {
	uint64_t blocked; /* times that a process kept us waiting */
	int32_t pid;      /* the newest of them */
	uint32_t left;    /* children that it still keeps */
	bool shuns;       /* some are not asked at the moment */
};

int scout_open(struct scout **out); /* early: the child keeps what its parent has by then */
void scout_close(struct scout *s);  /* NULL is fine */

/*
 * /proc/PID/name: with O_PATH in flags that file itself, else what it says, in memory and whole.
 * The descriptor, or -errno. A proc_opener_fn of s.
 */
int scout_fetch(void *scout, int32_t pid, const char *name, int flags);

/*
 * While the kernel lets nobody fork (keeper.h) no child is: a spare one that was forked before
 * takes its place, else it is -EAGAIN.
 */
void scout_reserve(struct scout *s); /* again is fine */
void scout_hold(struct scout *s, bool held);

/* One that keeps its mmap_lock, for all that is known; 0: none does. */
int32_t scout_suspect(const struct scout *s);

void scout_counts_get(struct scout *s, struct scout_counts *out);

#endif
