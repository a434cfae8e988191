/*
 * bench - figures that a busy machine cannot spoil: many short bursts of all sides in turn, and the
 * least of each. A neighbour on the same core rests now and then for a millisecond.
 */
#ifndef TESTS_BENCH_H
#define TESTS_BENCH_H

#include <fcntl.h>
#include <stdint.h>
#include <sys/file.h>
#include <time.h>

#define BENCH_LOCK "/tmp/ringside-bench.lock"
#define BENCH_ROUNDS 2000
#define BENCH_CALLS 400 /* a burst: some ten microseconds, and fewer slots than a lane has */

static inline double bench_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Until this process ends, no other measures on this machine. */
static inline void bench_alone(void)
{
	int fd = open(BENCH_LOCK, O_CREAT | O_RDWR | O_CLOEXEC, 0666);

	if (fd >= 0)
		flock(fd, LOCK_EX);
}

/* One burst; body is inlined into the loop. The least of all bursts is kept in *least. */
static inline __attribute__((always_inline)) void bench_burst(void (*body)(uint64_t), double *least)
{
	double from = bench_now_ns();
	double each;

	for (uint64_t i = 0; i < BENCH_CALLS; i++)
		body(i);
	each = (bench_now_ns() - from) / BENCH_CALLS;
	if (*least <= 0 || each < *least)
		*least = each;
}

#endif
