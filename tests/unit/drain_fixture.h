/*
 * drain_fixture - a segment written by hand as the shim would, and a next stage that adds up.
 */
#ifndef DRAIN_FIXTURE_H
#define DRAIN_FIXTURE_H

#include "counters.h"
#include "event.h"
#include "rs_test.h"

#include <ringside/ring.h>
#include <ringside/segment.h>

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FIXTURE_SECOND UINT64_C(1000000000)

struct fixture {
	int fd;
	uint8_t *base;
	struct rs_header *header;
	uint64_t heads[RS_BLOCKS]; /* the writers' own */
	uint64_t ids;
};

struct fixture_request {
	uint64_t t0, span;
	uint16_t status, shape;
	uint8_t flags;
	const char *path; /* NULL: none in the record */
};

static inline void fixture_open(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->fd = memfd_create("ringside", MFD_CLOEXEC);
	assert_true(f->fd >= 0);
	assert_int_equal(ftruncate(f->fd, RS_SEGMENT_BYTES), 0);
	f->base = mmap(NULL, RS_SEGMENT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
	assert_true(f->base != MAP_FAILED);
	f->header = (struct rs_header *)(void *)f->base;
	f->header->abi = RS_ABI_VERSION;
	f->header->bytes = RS_SEGMENT_BYTES;
	f->header->clock = RS_CLOCK_MONOTONIC;
	f->header->clock_now = RS_CLOCK_MONOTONIC;
	f->header->state = RS_STATE_ON;
	f->header->magic = RS_MAGIC;
}

static inline void fixture_close(struct fixture *f)
{
	munmap(f->base, RS_SEGMENT_BYTES);
	close(f->fd);
}

static inline struct rs_block *fixture_block(const struct fixture *f, uint32_t n)
{
	return (struct rs_block *)(void *)(f->base + RS_BLOCKS_AT) + n;
}

static inline struct rs_head *fixture_slot(const struct fixture *f, uint32_t n, uint64_t position)
{
	struct rs_head *slots = (struct rs_head *)(void *)(f->base + rs_lane_at(n));

	return &slots[position & (rs_lane_slots(n) - 1)];
}

static inline struct rs_cell *fixture_cell(const struct fixture *f, uint32_t n)
{
	return (struct rs_cell *)(void *)(f->base + RS_CELLS_AT) + n;
}

static inline void fixture_lane(struct fixture *f, uint32_t n)
{
	fixture_block(f, n)->lane = 1;
	if (n == RS_OVERFLOW_LANE)
		f->header->overflow = 1;
	else if (f->header->lanes < n + 1)
		f->header->lanes = n + 1;
}

/* The next positions of a lane are these, as if so much had been pushed and drained. */
static inline void fixture_lane_at(struct fixture *f, uint32_t n, uint64_t position)
{
	fixture_lane(f, n);
	f->heads[n] = position;
	fixture_block(f, n)->tail = position;
}

/* A shape by hand: returns its id. number: its place among the fixture's shapes. */
static inline uint16_t fixture_shape(const struct fixture *f, uint32_t number, uint16_t cell,
				     const char *path)
{
	uint32_t at = RS_SHAPE_FIRST + number * 160;
	struct rs_shape *shape = (struct rs_shape *)(void *)(f->base + RS_SHAPES_AT + at);
	_Atomic uint32_t *index = (_Atomic uint32_t *)(void *)(f->base + RS_SHAPES_AT);

	shape->length = (uint16_t)strlen(path);
	shape->cell = cell;
	memcpy(shape->bytes, path, strlen(path));
	atomic_store_explicit(&index[number * 7], at / 8, memory_order_release);
	return (uint16_t)(at / 8);
}

static inline void fixture_count(struct fixture *f, uint32_t n, const struct fixture_request *r)
{
	struct rs_block *block = fixture_block(f, n);
	const struct rs_agent *agent = &f->header->agent;
	uint32_t class = r->status / 100u - 1;

	block->begun += 1;
	block->requests += 1;
	if (r->flags & RS_FLAG_ABORTED)
		block->aborted += 1;
	else
		block->status[class < RS_STATUS_CLASSES ? class : RS_STATUS_CLASSES - 1] += 1;
	block->bytes_in += 10;
	block->bytes_out += 100;
	block->span += r->span;
	if (agent->slow_critical && r->span > agent->slow_critical)
		block->slow_critical += 1;
	else if (agent->slow_warning && r->span > agent->slow_warning)
		block->slow_warning += 1;
}

/* The slots of one record, bodies only: how many. */
static inline uint32_t fixture_fill(struct fixture *f, uint32_t n, const struct fixture_request *r)
{
	uint32_t length = r->path ? (uint32_t)strlen(r->path) : 0;
	uint32_t slots = 1 + (length ? (length + 4 + RS_SLOT_PAYLOAD - 1) / RS_SLOT_PAYLOAD : 0);
	uint8_t detail[RS_DETAIL_BYTES] = { RS_SECTION_PATH, 0, (uint8_t)length,
					    (uint8_t)(length >> 8) };
	struct rs_head *head = fixture_slot(f, n, f->heads[n]);

	if (length)
		memcpy(detail + 4, r->path, length);
	head->t0 = r->t0;
	head->span = r->span;
	head->request = ++f->ids;
	head->connection = 1;
	head->shape = r->shape;
	head->kind = RS_KIND_REQUEST;
	head->flags = r->flags;
	memset(head->body, 0, sizeof(head->body));
	head->served.bytes_in = 10;
	head->served.bytes_out = 100;
	head->served.status = r->status;
	head->served.method = RS_METHOD_GET;
	head->served.protocol = RS_PROTOCOL_HTTP1;
	for (uint32_t k = 1; k < slots; k++)
		memcpy((uint8_t *)fixture_slot(f, n, f->heads[n] + k) + sizeof(uint64_t),
		       detail + (k - 1) * (size_t)RS_SLOT_PAYLOAD, RS_SLOT_PAYLOAD);
	return slots;
}

static inline void fixture_publish(struct fixture *f, uint32_t n, uint32_t slots)
{
	uint64_t at = f->heads[n];

	for (uint32_t k = slots - 1; k > 0; k--)
		ring_publish(&fixture_slot(f, n, at + k)->seq, ring_word(at + k, k, slots));
	ring_publish(&fixture_slot(f, n, at)->seq, ring_word(at, 0, slots));
	f->heads[n] = at + slots;
}

static inline void fixture_fold(struct fixture *f, uint32_t number, const struct fixture_request *r)
{
	struct rs_cell *cell = fixture_cell(f, number);

	cell->status[r->status / 100u - 1] += 1;
	cell->bytes_in += 10;
	cell->bytes_out += 100;
	cell->span += r->span;
	if (!cell->span_min || r->span + 1 < cell->span_min)
		cell->span_min = r->span + 1;
	if (r->span > cell->span_max)
		cell->span_max = r->span;
	cell->buckets[rs_hist_slot(r->span)] += 1;
	if (number != RS_OTHER_CELL)
		f->header->cells[number / 64] |= UINT64_C(1) << number % 64;
	cell->count += 1;
	atomic_fetch_add_explicit(&f->header->folded, 1, memory_order_release);
}

/* As emit does it: counted, then pushed, or folded into this cell where the lane is full. */
static inline void fixture_serve(struct fixture *f, uint32_t n, const struct fixture_request *r,
				 uint32_t cell)
{
	struct rs_block *block = fixture_block(f, n);
	uint64_t tail = ring_tail(&block->tail);

	fixture_count(f, n, r);
	if (!f->header->agent.epoch)
		return;
	block->counted[RS_KIND_REQUEST] += 1;
	if (f->heads[n] + 4 > tail + rs_lane_slots(n)) {
		fixture_fold(f, cell, r);
		block->folded[RS_KIND_REQUEST] += 1;
		return;
	}
	fixture_publish(f, n, fixture_fill(f, n, r));
	block->pushed[RS_KIND_REQUEST] += 1;
}

/* The next stage: everything it was told, added up. */
struct recorder {
	uint32_t named;
	char host[256];
	struct drain_counters counters, gap, known; /* known: of records and folds */
	struct drain_ledger ledger;
	uint64_t seen, gone, ticks, requests, folds, folded, opens, open_count, over;
	uint64_t least_ns, most_ns;
	struct drain_request last;
	char path[RS_PATH_BYTES + 1], fold_path[RS_PATH_BYTES + 1], open_path[RS_PATH_BYTES + 1];
	struct drain_open open;
	uint64_t buckets[RS_HIST_SLOTS]; /* last: not every test saves them */
};

static inline void recorder_add(struct drain_counters *to, const struct drain_counters *from)
{
	uint64_t a[sizeof(*to) / sizeof(uint64_t)], b[sizeof(*to) / sizeof(uint64_t)];

	memcpy(a, to, sizeof(a));
	memcpy(b, from, sizeof(b));
	for (size_t i = 0; i < sizeof(a) / sizeof(a[0]); i++)
		a[i] += b[i];
	memcpy(to, a, sizeof(a));
}

static inline void recorder_seen(void *ctx, const struct capture_target *target)
{
	struct recorder *r = ctx;

	(void)target;
	r->seen++;
}

static inline void recorder_request(void *ctx, const struct capture_target *target,
				    const struct drain_request *request)
{
	struct recorder *r = ctx;

	(void)target;
	r->requests++;
	counters_add_request(&r->known, request, FIXTURE_SECOND, 5 * FIXTURE_SECOND);
	r->buckets[rs_hist_slot(request->span_ns)]++;
	r->last = *request;
	snprintf(r->path, sizeof(r->path), "%s", request->path);
}

static inline void recorder_counters(void *ctx, const struct capture_target *target,
				     const struct drain_counters *delta,
				     const struct drain_ledger *ledger, uint64_t now_ns, bool gap)
{
	struct recorder *r = ctx;

	(void)target;
	(void)now_ns;
	recorder_add(gap ? &r->gap : &r->counters, delta);
	r->ledger = *ledger;
}

static inline void recorder_fold(void *ctx, const struct capture_target *target,
				 const struct drain_fold *fold, uint64_t now_ns)
{
	struct recorder *r = ctx;

	(void)target;
	(void)now_ns;
	r->folds++;
	r->folded += fold->count;
	counters_add_fold(&r->known, fold);
	for (uint32_t i = 0; i < RS_HIST_SLOTS; i++)
		r->buckets[i] += fold->buckets[i];
	r->least_ns = fold->min_ns;
	r->most_ns = fold->max_ns;
	snprintf(r->fold_path, sizeof(r->fold_path), "%s", fold->path);
}

static inline void recorder_open(void *ctx, const struct capture_target *target,
				 const struct drain_open *open, uint32_t count, uint64_t now_ns)
{
	struct recorder *r = ctx;

	(void)target;
	(void)now_ns;
	r->opens++;
	r->open_count = count;
	if (!count)
		return;
	r->open = open[0];
	snprintf(r->open_path, sizeof(r->open_path), "%s", open[0].path);
}

static inline void recorder_named(void *ctx, const struct capture_target *target,
				  const uint8_t *host, uint32_t bytes)
{
	struct recorder *r = ctx;

	(void)target;
	r->named++;
	snprintf(r->host, sizeof(r->host), "%.*s", (int)bytes, (const char *)host);
}

static inline void recorder_gone(void *ctx, const struct capture_target *target, uint64_t now_ns)
{
	struct recorder *r = ctx;

	(void)target;
	(void)now_ns;
	r->gone++;
}

static inline void recorder_tick(void *ctx, uint64_t now_ns)
{
	struct recorder *r = ctx;

	(void)now_ns;
	r->ticks++;
	/* More in the histograms than in the totals: never, at the end of a round. */
	r->over += r->known.requests > r->counters.requests + r->gap.requests;
}

static inline struct drain_sink recorder_sink(struct recorder *r)
{
	memset(r, 0, sizeof(*r));
	return (struct drain_sink){
		.ctx = r,
		.seen = recorder_seen,
		.request = recorder_request,
		.counters = recorder_counters,
		.fold = recorder_fold,
		.open = recorder_open,
		.named = recorder_named,
		.gone = recorder_gone,
		.tick = recorder_tick,
	};
}

#endif
