/*
 * bench_metrics - what a request costs in the callbacks of metrics, merging included.
 *
 * Prints nanoseconds a request and the ratio to two clock reads of the same run; fails above it.
 */
#include "metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 9
#define BATCH 2000u /* requests between two ticks: 10 ms at 200,000 a second */
#define TICKS 250u
#define PATHS 16u
#define SECOND UINT64_C(1000000000)
/* Two clock reads are what the shim itself spends on an event's times. */
#define RATIO_MAX 1.0

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double two_clock_reads(void)
{
	uint64_t start = clock_ns(), sink = 0;

	for (uint32_t i = 0; i < BATCH * TICKS / 10; i++)
		sink += clock_ns() - clock_ns();
	return (double)(clock_ns() - start + (sink & 1)) / (BATCH * TICKS / 10);
}

/* mask: of the spans' spread in nanoseconds, and of the paths taken by turns at random. */
static double requests(const struct drain_sink *sink, const struct capture_target *target,
		       uint64_t *now_ns, uint64_t mask)
{
	static char paths[PATHS][40];
	struct drain_request request = { .status = 200, .method = RS_METHOD_GET, .shape = true };
	uint64_t seed = 88172645463325252u, start;

	for (uint32_t i = 0; i < PATHS; i++)
		snprintf(paths[i], sizeof(paths[i]), "/api/v1/resource-%u/{id}/detail", i);
	start = clock_ns();
	for (uint32_t i = 0; i < BATCH * TICKS; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		*now_ns += 5000;
		request.end_ns = *now_ns;
		request.span_ns = 50000 + (seed & 0x3ffff & mask);
		request.path = paths[(seed >> 20) % PATHS & mask];
		request.known = 1 + ((seed >> 20) % PATHS & mask); /* as drain numbers them */
		sink->request(sink->ctx, target, &request);
		if (i % BATCH == BATCH - 1)
			sink->tick(sink->ctx, *now_ns);
	}
	return (double)(clock_ns() - start) / (BATCH * TICKS);
}

int main(void)
{
	const struct metrics_limits limits = { 80, 90, 95, 70, 85, SECOND, 5 * SECOND };
	struct capture_target target = { .key = 1, .pid = 1, .service = "bench" };
	double each[ROUNDS], hot[ROUNDS], clocks[ROUNDS];
	uint64_t now_ns = 1000 * SECOND;
	struct drain_sink sink;
	struct metrics *m;

	if (metrics_open(&m, &limits, now_ns) < 0)
		return 1;
	metrics_sink(m, &sink);
	sink.seen(sink.ctx, &target);
	requests(&sink, &target, &now_ns, UINT64_MAX);
	for (int i = 0; i < ROUNDS; i++) {
		clocks[i] = two_clock_reads();
		hot[i] = requests(&sink, &target, &now_ns, 0);
		each[i] = requests(&sink, &target, &now_ns, UINT64_MAX);
	}
	metrics_close(m);
	qsort(each, ROUNDS, sizeof(each[0]), compare);
	qsort(hot, ROUNDS, sizeof(hot[0]), compare);
	qsort(clocks, ROUNDS, sizeof(clocks[0]), compare);
	printf("a request, tick included: %.1f ns with one route and span, %.1f ns with %u routes "
	       "and "
	       "random spans; two clock reads: %.1f ns\n",
	       hot[ROUNDS / 2], each[ROUNDS / 2], PATHS, clocks[ROUNDS / 2]);
	return each[ROUNDS / 2] <= RATIO_MAX * clocks[ROUNDS / 2] ? 0 : 1;
}
