/*
 * fuzz_segment - a segment in which its process wrote whatever it liked, read by the drain.
 *
 * Input: steps of 12 bytes: {what, where u8, place u16, value u64}: a word stored somewhere in the
 *        segment, or a round of the drain over it.
 */
#include "watched.h"

#include <ringside/ring.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define NOW UINT64_C(1000000000000)
#define SECOND UINT64_C(1000000000)
#define STEP 12u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum what { HEADER, BLOCK, WORD, BODY, SHAPE, OPEN, CELL, RECORD, ROUND, WHATS };

static struct {
	int fd;
	uint8_t *base;
	struct watched_shared *shared;
	struct watched *watched;
	uint64_t now_ns;
	uint64_t requests, seen, gone, in_round;
} it;

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void must_be_canonical(const char *path)
{
	must(strlen(path) <= RS_PATH_BYTES);
	for (; *path; path++)
		must(*path >= 0x21 && *path <= 0x7e);
}

static void on_seen(void *ctx, const struct capture_target *target)
{
	(void)ctx;
	must(target->key == 7);
	it.seen++;
}

static void on_request(void *ctx, const struct capture_target *target,
		       const struct drain_request *request)
{
	(void)ctx;
	(void)target;
	it.requests++;
	it.in_round++;
	must(request->status <= 999 && request->method < RS_METHODS);
	must(request->protocol <= RS_PROTOCOL_TLS);
	must(request->end_ns <= it.now_ns + SECOND && request->span_ns <= request->end_ns);
	must_be_canonical(request->path);
}

static void on_counters(void *ctx, const struct capture_target *target,
			const struct drain_counters *delta, const struct drain_ledger *ledger,
			uint64_t now_ns, bool gap)
{
	(void)ctx;
	(void)target;
	(void)delta;
	must(now_ns == it.now_ns);
	must(gap || ledger->delivered[RS_KIND_REQUEST] == it.requests);
	must(ledger->state <= RS_STATE_COUNT && ledger->why <= RS_WHY_DOUBT);
	must(ledger->clock <= RS_CLOCK_MONOTONIC);
}

static void on_fold(void *ctx, const struct capture_target *target, const struct drain_fold *fold,
		    uint64_t now_ns)
{
	(void)ctx;
	(void)target;
	(void)now_ns;
	must(fold->count > 0);
	must_be_canonical(fold->path);
}

static void on_open(void *ctx, const struct capture_target *target, const struct drain_open *open,
		    uint32_t count, uint64_t now_ns)
{
	(void)ctx;
	(void)target;
	must(count <= RS_OPEN_ENTRIES);
	for (uint32_t i = 0; i < count; i++) {
		must(open[i].t0_ns <= now_ns && open[i].connection);
		must(open[i].method < RS_METHODS && open[i].state <= RS_OPEN_ANSWERING);
		must_be_canonical(open[i].path);
	}
}

static void on_gone(void *ctx, const struct capture_target *target, uint64_t now_ns)
{
	(void)ctx;
	(void)target;
	(void)now_ns;
	it.gone++;
}

static void on_named(void *ctx, const struct capture_target *target, const uint8_t *host,
		     uint32_t bytes)
{
	(void)ctx;
	(void)target;
	must(bytes <= RS_DETAIL_BYTES);
	must(!bytes || memchr(host, host[bytes - 1], bytes)); /* it is there */
}

static void once(void)
{
	it.shared = calloc(1, sizeof(*it.shared));
	it.fd = memfd_create("ringside", MFD_CLOEXEC);
	must(it.shared && it.fd >= 0 && !ftruncate(it.fd, RS_SEGMENT_BYTES));
	it.base = mmap(NULL, RS_SEGMENT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, it.fd, 0);
	must(it.base != MAP_FAILED && !segment_guard());
	it.shared->sink = (struct drain_sink){ .seen = on_seen,
					       .request = on_request,
					       .counters = on_counters,
					       .fold = on_fold,
					       .open = on_open,
					       .named = on_named,
					       .gone = on_gone };
	it.shared->slow_warning_ns = SECOND;
	it.shared->slow_critical_ns = 5 * SECOND;
	it.shared->epoch = 1;
}

static uint32_t lane_of(uint8_t where)
{
	return where % 5 == 4 ? RS_OVERFLOW_LANE : where % 5;
}

static void begin(void)
{
	static const struct capture_target target = { .key = 7, .pid = 70, .start_ticks = 700 };
	struct rs_header *header;

	if (!it.base)
		once();
	header = (struct rs_header *)(void *)it.base;
	must(!fallocate(it.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, RS_SEGMENT_BYTES));
	header->abi = RS_ABI_VERSION;
	header->bytes = RS_SEGMENT_BYTES;
	header->clock = RS_CLOCK_MONOTONIC;
	header->lanes = 4;
	header->overflow = 1;
	header->magic = RS_MAGIC;
	for (uint8_t i = 0; i < 5; i++)
		((struct rs_block *)(void *)(it.base + RS_BLOCKS_AT) + lane_of(i))->lane = 1;
	it.now_ns = NOW;
	it.requests = it.seen = it.gone = 0;
	must(!watched_open(&it.watched, it.shared, &target, it.fd, NULL));
}

static void store(uint32_t at, uint64_t value)
{
	memcpy(it.base + at / 8 * 8, &value, sizeof(value));
}

/* A whole record at this position, but for its contents. */
static void store_record(uint32_t lane, uint64_t position, uint32_t n)
{
	for (uint32_t k = 0; k < n; k++)
		store(rs_lane_at(lane) +
			      (uint32_t)((position + k) % rs_lane_slots(lane)) * RS_SLOT_BYTES,
		      ring_word(position + k, k, n));
}

static void look(uint8_t where)
{
	it.now_ns += where * UINT64_C(10000000);
	it.in_round = 0;
	must(watched_round(it.watched, it.now_ns));
	must(it.in_round <= RS_LANES * (uint64_t)RS_SLOTS + 3 * RS_BIG_SLOTS);
	watched_list(it.watched, it.now_ns);
}

static void step(uint8_t what, uint8_t where, uint16_t place, uint64_t value)
{
	uint32_t lane = lane_of(where), slot = place % rs_lane_slots(lane);

	switch ((enum what)(what % WHATS)) {
	case HEADER:
		store((uint32_t)offsetof(struct rs_header, state) + place % 64, value);
		break;
	case BLOCK:
		store(RS_BLOCKS_AT + where % RS_BLOCKS * 1024u + place % 1024u, value);
		break;
	case WORD:
		store(rs_lane_at(lane) + slot * RS_SLOT_BYTES, value);
		break;
	case BODY:
		store(rs_lane_at(lane) + slot * RS_SLOT_BYTES + (where / 5 % 7 + 1) * 8u, value);
		break;
	case SHAPE:
		store(RS_SHAPES_AT + place * 4u, value);
		break;
	case OPEN:
		store(RS_OPEN_AT + place * 2u, value);
		break;
	case CELL:
		store(RS_CELLS_AT + (where % 2 ? RS_OTHER_CELL : where) * 4224u + place % 4224u,
		      value);
		break;
	case RECORD:
		store_record(lane, place, (uint32_t)value % RS_RECORD_SLOTS + 1);
		break;
	case ROUND:
	case WHATS:
		look(where);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	begin();
	for (size_t at = 0; at + STEP <= size; at += STEP) {
		uint64_t value;

		memcpy(&value, data + at + 4, sizeof(value));
		step(data[at], data[at + 1], (uint16_t)(data[at + 2] | data[at + 3] << 8), value);
	}
	look(1);
	it.now_ns += SECOND;
	watched_end(it.watched, it.now_ns);
	must(it.seen == 1 && it.gone == 1);
	watched_close(it.watched);
	must(it.shared->budget.used == 0);
	return 0;
}
