/*
 * emit - from a hook to the segment: counters, records, folds.
 *
 * Threads:  inside a guard; the state written is this thread's own, or the shared one by adds.
 * Memory:   the thread's block and lane.
 * Errors:   none: what cannot be delivered is folded or dropped, and counted.
 * Cost:     see emit.h.
 */
#include "emit.h"

#include "cell.h"
#include "guard.h"
#include "hot.h"
#include "kin.h"
#include "mem.h"
#include "tally.h"

#include <ringside/ring.h>

#define EMIT_SECTION_HEAD 4u
#define EMIT_INLINE inline __attribute__((always_inline))

enum emit_detail {
	EMIT_ALL,
	EMIT_NO_STRINGS,
	EMIT_SAMPLED,
};

/* shared is a constant wherever it matters: two copies of the code, one without locked adds. */
static EMIT_INLINE void emit_add(bool shared, _Atomic uint64_t *counter, uint64_t n)
{
	if (__builtin_expect(shared, 0))
		tally_add_shared(counter, n);
	else
		tally_add(counter, n);
}

static inline uint32_t emit_saturate(uint64_t n)
{
	return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

/* In the shared lane; and the answer of a thread that has no lane at all. */
static RARE bool emit_claim_shared(uint32_t n, uint64_t *position)
{
	uint64_t at = atomic_load_explicit(&here.lane->head, memory_order_relaxed);

	if (!here.shared || !here.slots)
		return false;
	do {
		if (at + n - ring_tail(&here.block->tail) > RS_BIG_SLOTS)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		&here.lane->head, &at, at + n, memory_order_relaxed, memory_order_relaxed));
	*position = at;
	return true;
}

/* Positions for n slots, all or none. head is private: nobody sees them before emit_publish. */
static inline bool emit_claim(uint32_t n, uint64_t *position)
{
	struct lane *lane = here.lane;
	uint64_t at;

	if (__builtin_expect(!here.own_slots, 0))
		return emit_claim_shared(n, position);
	at = atomic_load_explicit(&lane->head, memory_order_relaxed);
	if (__builtin_expect(at + n - lane->tail > here.own_slots, 0)) {
		lane->tail = ring_tail(&here.block->tail);
		if (at + n - lane->tail > here.own_slots)
			return false;
	}
	*position = at;
	return true;
}

static inline struct rs_head *emit_slot(uint64_t position)
{
	return (struct rs_head *)(void *)here.slots + (position & here.mask);
}

static EMIT_INLINE void emit_publish(bool shared, uint64_t position, uint32_t n)
{
	for (uint32_t k = n - 1; k > 0; k--)
		ring_publish(&emit_slot(position + k)->seq, ring_word(position + k, k, n));
	ring_publish(&emit_slot(position)->seq, ring_word(position, 0, n));
	if (!shared)
		atomic_store_explicit(&here.lane->head, position + n, memory_order_relaxed);
}

/* One section over the continuation slots behind position. */
static RARE void emit_section(uint64_t position, uint8_t type, const uint8_t *bytes,
			      uint32_t length)
{
	uint8_t head[EMIT_SECTION_HEAD] = { type, 0, (uint8_t)length, (uint8_t)(length >> 8) };
	uint32_t done = 0;
	uint64_t at = position + 1;

	while (done < length || !done) {
		struct rs_continuation *slot = (struct rs_continuation *)(void *)emit_slot(at++);
		uint32_t skip = done ? 0 : EMIT_SECTION_HEAD;
		uint32_t room = RS_SLOT_PAYLOAD - skip;
		uint32_t part = length - done < room ? length - done : room;

		memcpy(slot->bytes, head, skip);
		memcpy(slot->bytes + skip, bytes + done, part);
		memset(slot->bytes + skip + part, 0, room - part);
		done += part;
	}
}

static inline uint32_t emit_section_slots(uint32_t length)
{
	return (EMIT_SECTION_HEAD + length + RS_SLOT_PAYLOAD - 1) / RS_SLOT_PAYLOAD;
}

static EMIT_INLINE uint64_t emit_request_id(bool shared)
{
	struct lane *lane = here.lane;
	uint64_t serial = shared ? __atomic_add_fetch(&lane->requests, 1, __ATOMIC_RELAXED)
				 : ++lane->requests;

	return (uint64_t)(here.number + 1) << 48 | (serial & ((UINT64_C(1) << 48) - 1));
}

static EMIT_INLINE void emit_fill(bool shared, struct rs_head *head, const struct served *r,
				  uint64_t span)
{
	uint64_t first = r->first_byte > r->t0 ? ((r->first_byte - r->t0) >> 8) + 1 : 0;

	head->t0 = r->t0;
	head->span = span;
	head->request = emit_request_id(shared);
	head->connection = r->connection;
	head->shape = r->shape;
	head->kind = RS_KIND_REQUEST;
	head->flags = r->flags;
	head->served.bytes_out = r->bytes_out;
	head->served.bytes_in = emit_saturate(r->bytes_in);
	head->served.first_byte = emit_saturate(first);
	head->served.thread = here.tid;
	head->served.status = r->status;
	head->served.method = r->method;
	head->served.protocol = r->protocol;
}

/* Its header blocks went before: the agent reads the path there. */
static __attribute__((noinline)) bool emit_push_stream(bool shared, const struct served *r,
						       uint64_t span)
{
	bool section = !r->block && !(r->flags & RS_FLAG_DETAIL_CUT);
	uint64_t position;

	if (!emit_claim(1 + section, &position))
		return false;
	emit_fill(shared, emit_slot(position), r, span);
	rs_block_put(emit_slot(position), r->block);
	if (section)
		emit_section(position, RS_SECTION_STREAM, (const uint8_t *)&r->stream,
			     sizeof(r->stream));
	emit_publish(shared, position, 1 + section);
	return true;
}

static EMIT_INLINE bool emit_push(bool shared, const struct served *r, uint64_t span, bool strings)
{
	uint32_t length = strings && r->path ? r->path_length : 0;
	uint32_t n = 1 + (length ? emit_section_slots(length) : 0);
	uint64_t position;

	if (__builtin_expect(r->stream != 0, 0))
		return emit_push_stream(shared, r, span);
	if (!emit_claim(n, &position))
		return false;
	emit_fill(shared, emit_slot(position), r, span);
	if (length)
		emit_section(position, RS_SECTION_PATH, r->path, length);
	emit_publish(shared, position, n);
	return true;
}

/* At detail 2 one record in so many; the others are dropped as asked for. */
static bool emit_left_out(uint32_t detail)
{
	uint32_t sample;

	if (detail < EMIT_SAMPLED)
		return false;
	sample = atomic_load_explicit(&home.header->agent.sample, memory_order_relaxed);
	return sample > 1 && here.offered++ % sample != 0;
}

static EMIT_INLINE void emit_record(bool shared, const struct served *r, uint64_t span)
{
	struct rs_block *block = here.block;
	uint32_t detail = atomic_load_explicit(&home.header->agent.detail, memory_order_relaxed);

	emit_add(shared, &block->counted[RS_KIND_REQUEST], 1);
	if (__builtin_expect(emit_left_out(detail), 0)) {
		emit_add(shared, &block->dropped[RS_KIND_REQUEST], 1);
	} else if (__builtin_expect(emit_push(shared, r, span, detail == EMIT_ALL), 1)) {
		emit_add(shared, &block->pushed[RS_KIND_REQUEST], 1);
	} else {
		emit_add(shared, &block->lost[RS_LOST_LANE_FULL], 1);
		emit_add(shared,
			 cell_fold(r, span) ? &block->folded[RS_KIND_REQUEST]
					    : &block->dropped[RS_KIND_REQUEST],
			 1);
	}
}

static EMIT_INLINE void emit_span(bool shared, const struct rs_agent *agent, uint64_t span)
{
	struct rs_block *block = here.block;
	uint64_t warning = atomic_load_explicit(&agent->slow_warning, memory_order_relaxed);
	uint64_t critical = atomic_load_explicit(&agent->slow_critical, memory_order_relaxed);
	uint64_t least = atomic_load_explicit(&block->span_min, memory_order_relaxed);

	emit_add(shared, &block->span, span);
	if (shared) {
		tally_min_shared(&block->span_min, span);
		tally_max_shared(&block->span_max, span);
	} else {
		if (!least || span < least)
			atomic_store_explicit(&block->span_min, span, memory_order_relaxed);
		if (span > atomic_load_explicit(&block->span_max, memory_order_relaxed))
			atomic_store_explicit(&block->span_max, span, memory_order_relaxed);
	}
	if (warning && span > warning)
		emit_add(shared,
			 critical && span > critical ? &block->slow_critical : &block->slow_warning,
			 1);
}

/* The agent's words are looked at once an event; the second is off for good. */
static inline bool emit_silent(void)
{
	if (__builtin_expect(!atomic_load_explicit(&home.header->agent.off, memory_order_relaxed),
			     1))
		return false;
	home_leave(RS_WHY_ASKED);
	return true;
}

static inline bool emit_listened(void)
{
	return atomic_load_explicit(&home.header->agent.epoch, memory_order_relaxed) != 0;
}

static EMIT_INLINE void emit_tally(bool shared, const struct served *request)
{
	struct rs_block *block = here.block;

	emit_add(shared, &block->requests, 1);
	if (__builtin_expect(request->flags & RS_FLAG_ABORTED, 0))
		emit_add(shared, &block->aborted, 1);
	else
		emit_add(shared, &block->status[emit_status_class(request->status)], 1);
	if (__builtin_expect(request->flags & RS_FLAG_CUT_BY_SERVER, 0))
		emit_add(shared, &block->cut_by_server, 1);
	if (__builtin_expect(request->flags & RS_FLAG_CUT_BY_CLIENT, 0))
		emit_add(shared, &block->cut_by_client, 1);
	emit_add(shared, &block->bytes_in, request->bytes_in);
	emit_add(shared, &block->bytes_out, request->bytes_out);
	if (__builtin_expect(here.stamp != 0, 0))
		emit_add(shared, &block->cost_samples, 1);
}

static EMIT_INLINE void emit_request_as(bool shared, const struct served *request)
{
	uint64_t span = request->end > request->t0 ? request->end - request->t0 : 0;

	if (emit_silent())
		return;
	emit_tally(shared, request);
	if (__builtin_expect(!request->t0, 0))
		return; /* no clock, or none when it began: counted, not timed */
	emit_span(shared, &home.header->agent, span);
	if (emit_listened())
		emit_record(shared, request, span);
}

/* No record: a child that dies in one would leave a hole for good. */
static RARE void emit_request_kin(const struct served *request)
{
	const struct rs_agent *agent = &kin.header->agent;
	uint64_t span = request->end > request->t0 ? request->end - request->t0 : 0;
	struct rs_block *block = here.block;

	if (emit_silent())
		return;
	tally_add_shared(&block->begun, 1);
	emit_tally(true, request);
	if (!request->t0)
		return;
	emit_span(true, agent, span);
	if (!atomic_load_explicit(&agent->epoch, memory_order_relaxed))
		return;
	tally_add_shared(&block->counted[RS_KIND_REQUEST], 1);
	tally_add_shared(cell_fold(request, span) ? &block->folded[RS_KIND_REQUEST]
						  : &block->dropped[RS_KIND_REQUEST],
			 1);
}

static RARE void emit_request_shared(const struct served *request)
{
	if (!here.kin)
		emit_request_as(true, request);
	else if (kin_ended())
		emit_request_kin(request);
	else
		emit_request_as(false, request);
}

HOT_IN(all) void emit_request(const struct served *request)
{
	if (__builtin_expect(here.shared, 0))
		emit_request_shared(request);
	else
		emit_request_as(false, request);
}

uint32_t emit_opened(void)
{
	bool shared = here.shared;
	uint32_t id;

	emit_add(shared, &here.block->opened, 1);
	do
		id = atomic_fetch_add_explicit(&home.connections, 1, memory_order_relaxed) + 1;
	while (!id); /* it wrapped */
	return id;
}

void emit_closed(const struct emit_closed *c)
{
	struct rs_block *block = here.block;
	bool shared = here.shared;
	struct rs_head *head;
	uint64_t position;

	if (emit_silent())
		return;
	emit_add(shared, &block->closed, 1);
	if (here.kin || !emit_listened() || !c->t0)
		return;
	emit_add(shared, &block->counted[RS_KIND_CONNECTION], 1);
	if (!emit_claim(1, &position)) {
		emit_add(shared, &block->lost[RS_LOST_LANE_FULL], 1);
		emit_add(shared, &block->dropped[RS_KIND_CONNECTION], 1);
		return;
	}
	head = emit_slot(position);
	head->t0 = c->t0;
	head->span = c->end > c->t0 ? c->end - c->t0 : 0;
	head->request = emit_request_id(shared);
	head->connection = c->connection;
	head->shape = 0;
	head->kind = RS_KIND_CONNECTION;
	head->flags = 0;
	head->closed.bytes_out = c->bytes_out;
	head->closed.bytes_in = c->bytes_in;
	head->closed.requests = c->requests;
	head->closed.protocol = c->protocol;
	head->closed.how = c->how;
	head->closed.reserved = 0;
	emit_publish(shared, position, 1);
	emit_add(shared, &block->pushed[RS_KIND_CONNECTION], 1);
}

static void emit_piece_fill(struct rs_head *head, const struct emit_piece *piece)
{
	head->t0 = 0;
	head->span = 0;
	head->request = 0;
	head->connection = piece->connection;
	head->shape = 0;
	head->kind = RS_KIND_HEADERS;
	head->flags = 0;
	memset(head->body, 0, sizeof(head->body));
	head->headers.number = piece->number;
	head->headers.stream = piece->stream;
	head->headers.place = piece->place;
	head->headers.last = piece->last;
	head->headers.length = piece->length;
	if (piece->length <= RS_PIECE_INLINE)
		memcpy(head->headers.bytes, piece->bytes, piece->length);
}

bool emit_piece(const struct emit_piece *piece)
{
	bool section = piece->length > RS_PIECE_INLINE;
	uint32_t n = 1 + (section ? emit_section_slots(piece->length) : 0);
	struct rs_block *block = here.block;
	bool shared = here.shared;
	uint64_t position;

	if (emit_silent() || !emit_listened())
		return false;
	emit_add(shared, &block->counted[RS_KIND_HEADERS], 1);
	if (atomic_load_explicit(&home.header->agent.detail, memory_order_relaxed) != EMIT_ALL ||
	    !emit_claim(n, &position)) {
		emit_add(shared, &block->dropped[RS_KIND_HEADERS], 1);
		return false;
	}
	emit_piece_fill(emit_slot(position), piece);
	if (section)
		emit_section(position, RS_SECTION_HEADERS, piece->bytes, piece->length);
	emit_publish(shared, position, n);
	emit_add(shared, &block->pushed[RS_KIND_HEADERS], 1);
	return true;
}

void emit_label(uint32_t connection, const uint8_t *label, uint32_t length)
{
	uint32_t n = 1 + emit_section_slots(length);
	struct rs_block *block = here.block;
	bool shared = here.shared;
	struct rs_head *head;
	uint64_t position;

	if (emit_silent() || here.kin || !emit_listened())
		return;
	emit_add(shared, &block->counted[RS_KIND_NOTE], 1);
	if (atomic_load_explicit(&home.header->agent.detail, memory_order_relaxed) != EMIT_ALL ||
	    !emit_claim(n, &position)) {
		emit_add(shared, &block->dropped[RS_KIND_NOTE], 1);
		return;
	}
	head = emit_slot(position);
	head->t0 = 0;
	head->span = 0;
	head->request = 0;
	head->connection = connection;
	head->shape = 0;
	head->kind = RS_KIND_NOTE;
	head->flags = 0;
	memset(head->body, 0, sizeof(head->body));
	emit_section(position, RS_SECTION_LABEL, label, length);
	emit_publish(shared, position, n);
	emit_add(shared, &block->pushed[RS_KIND_NOTE], 1);
}

uint32_t emit_epoch(void)
{
	return atomic_load_explicit(&home.header->agent.epoch, memory_order_relaxed);
}

void emit_begun(void)
{
	if (emit_silent() || (here.kin && kin_began()))
		return;
	emit_add(here.shared, &here.block->begun, 1);
}

void emit_refused(void)
{
	/* What began in the kin is counted when it ends, and this one never does. */
	if (emit_silent() || (here.kin && kin_ended()))
		return;
	emit_add(here.shared, &here.block->refused, 1);
}

void emit_handshake(enum rs_tls version, uint64_t span)
{
	struct rs_block *block = here.block;

	if (emit_silent())
		return;
	emit_add(here.shared, &block->handshakes[version], 1);
	emit_add(here.shared, &block->handshake, span);
}

void emit_handshake_failed(void)
{
	if (!emit_silent())
		emit_add(here.shared, &here.block->handshakes_failed, 1);
}

RARE void emit_unparsed(enum rs_unparsed why)
{
	emit_add(here.shared, &here.block->unparsed[why], 1);
}

RARE void emit_lost(enum rs_lost why)
{
	/* A re-entered guard may interrupt the claim of its block. */
	if (here.block)
		emit_add(here.shared, &here.block->lost[why], 1);
}

void emit_unseen_fd(void)
{
	atomic_fetch_add_explicit(&home.header->fds_unseen, 1, memory_order_relaxed);
}

void emit_unseen_way(enum rs_unseen way)
{
	atomic_fetch_or_explicit(&home.header->unseen, way, memory_order_relaxed);
}
