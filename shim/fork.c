/*
 * fork - how a child gets a segment of its own.
 *
 * Threads:  the handlers run in the thread that forks.
 * Memory:   none.
 * Errors:   none.
 * Cost:     the parent adds up its blocks, the child makes a segment; see kin.h.
 *
 * fork, daemon and forkpty run the atfork handlers; _Fork runs none and is wrapped; vfork is an
 * assembly source. posix_spawn, system and popen call none of our hooks in the child, and exec
 * begins anew. clone runs nothing of this: a child with a copy of our memory is not watched, one
 * that borrows the memory as vfork's does passes through.
 */
#include "fork.h"

#include "fdtable.h"
#include "hooks.h"
#include "hot.h"
#include "kin.h"
#include "layout.h"
#include "real.h"
#include "thread.h"

#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stddef.h>

_Static_assert(offsetof(struct real, vfork) == REAL_VFORK, "layout.h");
_Static_assert(offsetof(struct real, syscall) == REAL_SYSCALL, "layout.h");

typedef void fork_handler_fn(void);

int __register_atfork(fork_handler_fn *before, fork_handler_fn *parent, fork_handler_fn *child,
		      void *library);
#pragma weak __register_atfork
#pragma weak pthread_atfork

static void fork_add_block(uint32_t number)
{
	const struct rs_block *b = thread_block_at(number);

	home.heap_blocks += atomic_load_explicit(&b->allocations, memory_order_relaxed) -
			    atomic_load_explicit(&b->frees, memory_order_relaxed);
	home.heap_bytes += atomic_load_explicit(&b->allocated_bytes, memory_order_relaxed) -
			   atomic_load_explicit(&b->freed_bytes, memory_order_relaxed);
}

/* The child inherits what is allocated now; its own counters begin with it. */
static void fork_before(void)
{
	uint32_t used;

	if (!atomic_load_explicit(&control.live, memory_order_relaxed))
		return;
	/* A parent that serves nothing itself looks at this word nowhere else. */
	if (atomic_load_explicit(&home.header->agent.off, memory_order_relaxed)) {
		home_leave(RS_WHY_ASKED);
		return;
	}
	if (atomic_load_explicit(&home.frozen, memory_order_relaxed))
		atomic_fetch_or_explicit(&home.header->unseen, RS_UNSEEN_CHILDREN,
					 memory_order_relaxed);
	fdtable_forked();
	home.heap_blocks = 0;
	home.heap_bytes = 0;
	used = atomic_load_explicit(&home.header->lanes, memory_order_relaxed);
	for (uint32_t n = 0; n < used && n < RS_LANES; n++)
		fork_add_block(n);
	if (atomic_load_explicit(&home.header->overflow, memory_order_relaxed))
		fork_add_block(RS_SHARED_BLOCK);
	kin_fork();
}

START void fork_watch(void)
{
	if (__register_atfork)
		__register_atfork(fork_before, NULL, home_child, NULL);
	else if (pthread_atfork)
		pthread_atfork(fork_before, NULL, home_child);
}

EXPORT pid_t _Fork(void)
{
	pid_t pid;

	fork_before();
	pid = real._Fork();
	if (!pid)
		home_child();
	return pid;
}

/* A child that borrows memory and thread block of its waiting parent is what vfork makes. */
EXPORT int clone(int (*run)(void *), void *stack, int flags, void *argument, ...)
{
	const int borrows = CLONE_VM | CLONE_VFORK;
	uintptr_t before;
	void *a, *b, *c;
	bool borrowed;
	va_list list;
	int pid;

	va_start(list, argument);
	a = va_arg(list, void *);
	b = va_arg(list, void *);
	c = va_arg(list, void *);
	va_end(list);
	before = here.busy;
	borrowed = (flags & (borrows | CLONE_SETTLS)) == borrows;
	if (borrowed)
		here.busy = THREAD_IN_VFORK;
	pid = real.clone(run, stack, flags, argument, a, b, c);
	if (borrowed)
		here.busy = before;
	return pid;
}
