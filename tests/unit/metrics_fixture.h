/*
 * metrics_fixture - a metrics with its sink, one target, and requests by the line.
 */
#ifndef METRICS_FIXTURE_H
#define METRICS_FIXTURE_H

#include "metrics.h"
#include "rs_test.h"

#include <stdlib.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)
#define MILLISECOND UINT64_C(1000000)

static const struct metrics_limits fixture_limits = { 80, 90, 95, 70, 85, SECOND, 5 * SECOND };
static const uint32_t fixture_no_buckets[RS_HIST_SLOTS];

struct fixture {
	struct metrics *m;
	struct drain_sink sink;
	struct capture_target target;
};

static inline void fixture_target(struct capture_target *target, uint64_t key, int32_t pid,
				  const char *service)
{
	memset(target, 0, sizeof(*target));
	target->key = key;
	target->pid = pid;
	target->start_ticks = key * 100;
	strncpy(target->service, service, sizeof(target->service) - 1);
}

static inline void fixture_open(struct fixture *f, uint64_t now_ns)
{
	assert_int_equal(metrics_open(&f->m, &fixture_limits, now_ns), 0);
	metrics_sink(f->m, &f->sink);
	fixture_target(&f->target, 7, 70, "shop");
	f->sink.seen(f->sink.ctx, &f->target);
}

static inline void fixture_request_as(struct fixture *f, const struct capture_target *target,
				      uint64_t end_ns, uint64_t span_ns, const char *path,
				      uint16_t status, uint8_t flags)
{
	struct drain_request request = { .id = 1,
					 .end_ns = end_ns,
					 .span_ns = span_ns,
					 .bytes_in = 40,
					 .bytes_out = 600,
					 .path = path,
					 .status = status,
					 .method = RS_METHOD_GET,
					 .flags = flags,
					 .shape = true };

	f->sink.request(f->sink.ctx, target, &request);
}

static inline void fixture_request(struct fixture *f, uint64_t end_ns, uint64_t span_ns)
{
	fixture_request_as(f, &f->target, end_ns, span_ns, "/a", 200, 0);
}

/* A statement of a database, which took a millisecond. */
static inline void fixture_statement(struct fixture *f, uint64_t end_ns, const char *text)
{
	struct drain_request request = { .id = 1,
					 .end_ns = end_ns,
					 .span_ns = MILLISECOND,
					 .path = text,
					 .status = 200,
					 .protocol = RS_PROTOCOL_POSTGRESQL,
					 .shape = true };

	f->sink.request(f->sink.ctx, &f->target, &request);
}

static inline void fixture_counters(struct fixture *f, const struct capture_target *target,
				    uint64_t begun, uint64_t requests, uint64_t now_ns)
{
	struct drain_counters delta = { .begun = begun, .requests = requests };
	struct drain_ledger ledger = { .delivered = { 0 } };

	delta.status[1] = requests;
	f->sink.counters(f->sink.ctx, target, &delta, &ledger, now_ns, false);
}

static inline void fixture_tick(struct fixture *f, uint64_t now_ns)
{
	f->sink.tick(f->sink.ctx, now_ns);
}

static inline struct metrics_scope fixture_scope(const char *service, int32_t pid,
						 const char *route)
{
	return (struct metrics_scope){ .service = service, .pid = pid, .route = route };
}

#endif
