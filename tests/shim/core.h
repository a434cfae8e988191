/*
 * core - the shim's core in an ordinary program: a segment of its own, nothing hooked.
 */
#ifndef TESTS_CORE_H
#define TESTS_CORE_H

#include "emit.h"
#include "guard.h"
#include "open.h"
#include "rs_test.h"
#include "shape.h"

/* A segment in this process, one tick = one nanosecond, an agent that listens. */
static inline void core_start(void)
{
	home.clock = RS_CLOCK_MONOTONIC;
	assert_true(home_make());
	atomic_store(&home.header->agent.ns_per_tick, UINT64_C(1) << 32);
	atomic_store(&home.header->agent.epoch, 1);
	assert_true(guard_enter());
	guard_leave();
}

/* A new segment for the next test, as a fork child would make one. */
static inline void core_restart(void)
{
	atomic_store(&control.live, 0);
	home.base = NULL;
	home.expected = true;
	home.heap_blocks = 0;
	home.heap_bytes = 0;
	home.frozen = 0;
	home_child();
	assert_true(control.live);
	atomic_store(&home.header->agent.ns_per_tick, UINT64_C(1) << 32);
	atomic_store(&home.header->agent.epoch, 1);
	assert_true(guard_enter());
	guard_leave();
}

static inline int core_setup(void **state)
{
	(void)state;
	if (home.generation)
		core_restart();
	else
		core_start();
	return 0;
}

#endif
