/*
 * kin - a segment that a process shares with the children of its forks, for those that die before
 *       anybody has found their own.
 *
 * Threads:  kin_fork in the thread that forks, kin_child while alone in the process, the rest
 *           inside a guard.
 * Memory:   a mapping of its own that crosses forks; who made it never touches it again.
 * Errors:   without one, a child counts in its own segment at once.
 * Cost:     some ten system calls at the first fork of a process that listens or accepts; in its
 *           children a request takes 0.3 us more, and there is no lane to be populated.
 *
 * Children of who accepts are there for a connection each: they wake nobody up, as a rule they are
 * gone before an agent looks, and one that stays is found by the scan. Children of who only listens
 * are workers, which are to be found, and may be told to end before they are.
 *
 * What stands in it was written by siblings: every number is checked where it is used.
 */
#ifndef SHIM_KIN_H
#define SHIM_KIN_H

#include "home.h"

#define KIN_BYTES RS_LANES_AT          /* that much of it is mapped */
#define KIN_COUNTS (UINT64_C(1) << 63) /* in kin.pending */
#define KIN_CELL_WORDS ((RS_CELLS + 63u) / 64u)

struct kin {
	uint8_t *base; /* NULL: none */
	struct rs_header *header;
	uint8_t *before; /* inherited, and replaced by one that this process made */
	/* KIN_COUNTS: this process counts there; below: its requests that began and did not end. */
	_Atomic uint64_t pending;
	_Atomic uint32_t making;
	_Atomic uint32_t shapes; /* bytes of the region that this process populated */
	_Atomic uint64_t cells[KIN_CELL_WORDS]; /* bit per cell that it populated */
	bool ours;                              /* made here: this process never counts there */
	bool accepts;                           /* who made it took connections itself */
};

extern struct kin kin;

void kin_fork(void);    /* ahead of a fork: makes one where children may need it */
void kin_child(void);   /* in a child that has a segment: counts in the kin from now on */
void kin_prepare(void); /* populates what can be needed */

/* Of a thread that counts in the kin, here.kin: in its own segment from now on, or not yet? */
bool kin_left(void);

bool kin_began(void); /* a request; true: noted here, and counted when it ends here */
bool kin_ended(void); /* true: it is to be counted here; false: in this process's own */

static inline bool kin_counts(void)
{
	return atomic_load_explicit(&kin.pending, memory_order_relaxed) & KIN_COUNTS;
}

static inline struct rs_block *kin_block(void)
{
	return (struct rs_block *)(void *)(kin.base + RS_BLOCKS_AT) + RS_SHARED_BLOCK;
}

#endif
