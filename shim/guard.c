/*
 * guard - the rare halves of entering and leaving.
 *
 * Threads:  per thread.
 * Memory:   none.
 * Errors:   a refused entry is counted where there is a block to count it in.
 * Cost:     never on the common path.
 */
#include "guard.h"

#include "emit.h"
#include "hot.h"
#include "tally.h"

/*
 * A frame this far above one that holds the guard is on the same stack, so that one is gone: stacks
 * are larger as a rule, and a signal stack further away is taken for what it is, a re-entry.
 */
#define GUARD_SAME_STACK (UINT64_C(1) << 20)

/*
 * Ticks of a guard that was not at work but preempted, 0.04 ms of a fast counter and 0.13 of one
 * that counts ns: one of them would weigh as much as a hundred thousand guards.
 */
#define GUARD_PREEMPTED (UINT64_C(1) << 17)

static bool guard_of_handler(uintptr_t frame)
{
	return frame - here.handlers_at < here.handlers_bytes;
}

/* Is the frame that holds the guard gone? Of two stacks the handlers' is the one in use. */
static bool guard_is_left(uintptr_t frame)
{
	if (guard_of_handler(frame) != guard_of_handler(here.busy))
		return guard_of_handler(here.busy);
	return frame >= here.busy && frame - here.busy < GUARD_SAME_STACK;
}

RARE bool guard_take_over(uintptr_t frame)
{
	if (here.busy == THREAD_IN_VFORK)
		return false;
	if (!guard_is_left(frame)) {
		emit_lost(RS_LOST_REENTRY);
		return false;
	}
	here.stamp = 0;
	emit_lost(RS_LOST_LONGJMP);
	return true;
}

/*
 * A new thread begins anywhere in the row of guards, so that one in RS_COST_EVERY is timed also
 * where threads end before so many.
 */
static uint32_t guard_phase(bool fresh)
{
	return fresh ? (uint32_t)(clock_ticks() % RS_COST_EVERY) : 0;
}

RARE bool guard_first(void)
{
	bool fresh = !here.ready;
	uint32_t wait;

	here.until_stamp = 0; /* it wrapped: when this fails, the next guard comes here again */
	if (fresh && !thread_ready()) {
		here.busy = 0;
		return false;
	}
	wait = guard_phase(fresh);
	here.until_stamp = wait ? wait - 1 : RS_COST_EVERY - 1;
	here.stamp = wait ? 0 : clock_ticks();
	return true;
}

RARE void guard_stamp_end(void)
{
	uint64_t now = clock_ticks();

	if (now > here.stamp && now - here.stamp < GUARD_PREEMPTED && here.block)
		tally_add_shared(&here.block->cost_ticks, now - here.stamp);
	here.stamp = 0;
}
