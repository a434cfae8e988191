/*
 * guard - who may touch the shim's state: one hook of a thread at a time, and only at home.
 *
 * Threads:  per thread; a signal handler that interrupts a guard is refused and counted.
 * Memory:   none.
 * Errors:   false means: pass through and do nothing.
 * Cost:     three loads and two stores.
 *
 * A guard is never held across a call of the real function, so it is left within the microsecond,
 * unless siglongjmp or a cancellation tears the thread out: then the next hook called from an older
 * frame of the same stack takes it over.
 */
#ifndef SHIM_GUARD_H
#define SHIM_GUARD_H

#include "clock.h"
#include "thread.h"

bool guard_take_over(uintptr_t frame); /* the slow half: busy already */
bool guard_first(void);                /* the first of a thread, or the first after so many */
void guard_stamp_end(void);

static inline __attribute__((always_inline)) bool guard_enter(void)
{
	uintptr_t frame = (uintptr_t)__builtin_frame_address(0);

	if (__builtin_expect(!atomic_load_explicit(&control.live, memory_order_relaxed), 0))
		return false;
	if (__builtin_expect(here.busy != 0, 0) && !guard_take_over(frame))
		return false;
	here.busy = frame;
	atomic_signal_fence(memory_order_seq_cst);
	/* 0 in a new thread too: one word says that there is a claim to make or a time to take. */
	if (__builtin_expect(here.until_stamp-- == 0, 0))
		return guard_first();
	return true;
}

static inline __attribute__((always_inline)) void guard_leave(void)
{
	if (__builtin_expect(here.stamp != 0, 0))
		guard_stamp_end();
	atomic_signal_fence(memory_order_seq_cst);
	here.busy = 0;
}

/*
 * Which segment this process writes: it differs from the value stored with a descriptor's state
 * when that state was inherited from the parent (its open entry and request are the parent's).
 */
static inline uint32_t guard_generation(void)
{
	return home.generation;
}

#endif
