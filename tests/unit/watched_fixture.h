/*
 * watched_fixture - one watched process over a segment that the test writes.
 */
#ifndef WATCHED_FIXTURE_H
#define WATCHED_FIXTURE_H

#include "drain_fixture.h"
#include "watched.h"

#include <stdlib.h>

#define NOW (1000 * FIXTURE_SECOND)

struct bench {
	struct fixture f;
	struct recorder r;
	struct watched_shared *shared;
	struct watched *w;
};

static const struct capture_target bench_target = { .key = 7, .pid = 70, .start_ticks = 700 };

static inline void bench_open(struct bench *b)
{
	fixture_open(&b->f);
	b->shared = calloc(1, sizeof(*b->shared));
	assert_non_null(b->shared);
	b->shared->sink = recorder_sink(&b->r);
	b->shared->slow_warning_ns = FIXTURE_SECOND;
	b->shared->slow_critical_ns = 5 * FIXTURE_SECOND;
	b->shared->epoch = 3;
}

static inline void bench_watch(struct bench *b)
{
	assert_int_equal(segment_guard(), 0);
	assert_int_equal(watched_open(&b->w, b->shared, &bench_target, b->f.fd, NULL), 0);
}

static inline void bench_close(struct bench *b)
{
	watched_close(b->w);
	free(b->shared);
	fixture_close(&b->f);
}

static inline struct fixture_request bench_request(uint64_t span)
{
	return (struct fixture_request){ .t0 = NOW - FIXTURE_SECOND, .span = span, .status = 200 };
}

#endif
