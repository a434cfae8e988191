/*
 * thread - what the shim keeps per thread, and its claim of a counter block and a lane.
 *
 * Threads:  here belongs to the running thread and its signal handlers.
 * Memory:   initial-exec TLS, below 512 bytes; nothing is allocated.
 * Errors:   a thread without a lane keeps counters only.
 * Cost:     a claim is one to four system calls, once in a thread's life.
 */
#ifndef SHIM_THREAD_H
#define SHIM_THREAD_H

#include "home.h"

#define THREAD_SPARES 4u
#define THREAD_IN_VFORK 1u /* value of here.busy in a child of vfork, no frame's address */

/* What outlives the owner of a lane, so that the next thread goes on where it stopped. */
struct lane {
	_Alignas(64) _Atomic uint64_t head; /* position of the next record */
	uint64_t tail;                      /* the agent's, as last seen */
	uint64_t requests;                  /* ids given so far */
	_Atomic(uint8_t *) slots;           /* NULL: not mapped */
};

struct here {
	uintptr_t busy;        /* 0: outside; a frame's address: inside a guard */
	uintptr_t busy_before; /* saved over vfork */
	uintptr_t vfork_return;
	struct rs_block *heap;  /* where the malloc family counts; NULL: not claimed, or shared */
	struct rs_block *block; /* NULL: not claimed */
	struct lane *lane;      /* NULL: not claimed */
	uint8_t *slots;         /* of the lane; NULL: counters and folds only */
	struct memo *memo;      /* of heads; NULL: none yet */
	const void *dialogue;   /* of its last connection that has one; it may be gone */
	uintptr_t handlers_at;  /* sigaltstack: where it lies … */
	size_t handlers_bytes;  /* … 0: there is none */
	uint64_t stamp;         /* ticks when this guard was entered, 0: not a sampled one */
	uint32_t mask;          /* of positions to slots */
	uint32_t own_slots;     /* 0: the lane is shared, or there is none */
	uint32_t number;        /* of block and lane */
	uint32_t tid;
	uint32_t until_stamp;
	uint32_t offered;              /* records, at a detail that keeps one in so many */
	uint16_t spare[THREAD_SPARES]; /* entries of the open table kept for the next request */
	uint8_t spares;
	uint8_t shared;   /* block and lane are the shared ones: atomic adds */
	uint8_t claiming; /* a signal handler may interrupt a claim */
	uint8_t rounds;   /* of the destructor */
	uint8_t ready;    /* block and lane were claimed, or refused */
	uint8_t kin;      /* block is the kin's: shared is set, and its own has number */
};

_Static_assert(sizeof(struct here) < 512, "the host's static TLS is small");

extern __thread struct here here __attribute__((tls_model("initial-exec"), visibility("hidden")));

extern struct lane lanes[RS_BLOCKS];

bool thread_watch_ends(void); /* in the constructor; false: blocks are recycled by sweeps only */
bool thread_ready(void);      /* claims block and lane; false: not now */
struct rs_block *thread_block(void); /* claims a block alone; NULL: not now */
void thread_use_own(void);           /* from the kin's block to its own, and to a lane */
void thread_forget(void);            /* in a new process: nothing of the parent's is ours */
void thread_inherit(uint64_t heap_blocks, uint64_t heap_bytes);
void thread_prepare_shared(void); /* for the threads that come after home_freeze */

static inline struct rs_block *thread_block_at(uint32_t number)
{
	return (struct rs_block *)(void *)(home.base + RS_BLOCKS_AT) + number;
}

#endif
