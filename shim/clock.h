/*
 * clock - the raw ticks that every time in the segment is written in.
 *
 * Threads:  any.
 * Memory:   none.
 * Errors:   0 while the clock is off (the host asked for a kernel mode in which reading it kills).
 * Cost:     10 ns by rdtsc, 22 ns by the vDSO.
 */
#ifndef SHIM_CLOCK_H
#define SHIM_CLOCK_H

#include "home.h"

uint64_t clock_monotonic_ns(void); /* a vDSO call where there is one */
enum rs_clock clock_choose(void);  /* costs four system calls */

static inline uint64_t clock_ticks(void)
{
#if defined(__x86_64__)
	if (__builtin_expect(home.clock == RS_CLOCK_TSC, 1))
		return __builtin_ia32_rdtsc();
#endif
	return home.clock == RS_CLOCK_MONOTONIC ? clock_monotonic_ns() : 0;
}

#endif
