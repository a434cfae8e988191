#include "watched.h"

#include "others.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define WATCHED_LATE_TURNS 2 /* in the first, others may be found ahead of theirs */

struct watched {
	struct watched_shared *shared;
	struct watched *owner;              /* whose kin's this is; NULL: a process's own */
	const struct capture_target *about; /* for the sink: the owner's */
	struct drain_ledger *ledger;        /* the owner's */
	struct segment *segment;
	const struct calibrate *clock;
	struct capture_target target;
	uint64_t inode;
	struct pace pace;
	struct shapes shapes;
	struct streams *streams; /* NULL: it speaks no HTTP/2 */
	struct drain_ledger kept, told;
	struct counters_words booked, at_first; /* at_first: when this agent began with it */
	uint64_t folded;                        /* of the header, when cells were last taken */
	struct lane *lanes;
	struct lane overflow;
	uint32_t lane_count;
	uint32_t listed; /* requests in progress told last */
	bool began;      /* had its first round */
	bool whole;      /* nobody else ever took anything of it: all must be accounted for */
	bool has_overflow, dead;     /* dead: no writer is left: a hole stays one */
	struct drain_counters known; /* in the first round: what has a record or a fold */
};

static struct lane watched_lane(struct watched *w, uint32_t n)
{
	struct lane lane = { .slots = segment_lane(w->segment, n), .count = rs_lane_slots(n) };

	lane.tail = ring_tail(segment_tail(w->segment, n));
	w->whole = w->whole && !lane.tail;
	return lane;
}

/* Lanes that came since the last look; without memory for them they wait for the next one. */
static void watched_grow(struct watched *w, const struct segment_state *state)
{
	if (state->lanes > w->lane_count) {
		struct lane *lanes = realloc(w->lanes, state->lanes * sizeof(*lanes));

		if (!lanes)
			return;
		w->lanes = lanes;
		while (w->lane_count < state->lanes) {
			lanes[w->lane_count] = watched_lane(w, w->lane_count);
			w->lane_count++;
		}
	}
	if (state->overflow && !w->has_overflow) {
		w->overflow = watched_lane(w, RS_OVERFLOW_LANE);
		w->has_overflow = true;
	}
}

/* What an earlier agent booked, and positions that its segment may not go back behind. */
static void watched_resume(struct watched *w, const struct checkpoint_entry *entry)
{
	const uint64_t *tails = checkpoint_tails(entry);
	struct segment_state state = { .lanes = entry->lanes,
				       .overflow = tails[entry->lanes] != 0 };

	w->booked = entry->booked;
	watched_grow(w, &state);
	w->whole = false;
	for (uint32_t i = 0; i < w->lane_count; i++)
		if (w->lanes[i].tail < tails[i])
			w->lanes[i].tail = tails[i];
	if (w->overflow.tail < tails[entry->lanes])
		w->overflow.tail = tails[entry->lanes];
}

static int watched_map(struct watched *w, int memfd, struct checkpoint *checkpoint)
{
	const struct checkpoint_entry *entry = NULL;
	struct rs_header claims = { .clock = RS_CLOCK_NONE };
	struct stat status;
	int result = fstat(memfd, &status) ? -errno : segment_open(&w->segment, memfd, &claims);

	if (result)
		return result;
	w->inode = status.st_ino;
	w->clock = claims.clock == RS_CLOCK_TSC ? &w->shared->tsc : &calibrate_monotonic;
	if (checkpoint)
		entry = checkpoint_take(checkpoint, w->target.pid, w->target.start_ticks, w->inode);
	if (entry)
		watched_resume(w, entry);
	w->at_first = w->booked;
	return 0;
}

static int watched_make(struct watched **out, struct watched_shared *shared,
			const struct capture_target *target, int memfd,
			struct checkpoint *checkpoint)
{
	struct watched *w = calloc(1, sizeof(*w));
	int result;

	*out = NULL;
	if (!w)
		return -ENOMEM;
	w->shared = shared;
	w->target = *target;
	w->about = &w->target;
	w->ledger = &w->kept;
	w->whole = true;
	shapes_init(&w->shapes, &shared->budget);
	pace_init(&w->pace, 0);
	result = watched_map(w, memfd, checkpoint);
	if (result)
		watched_close(w);
	else
		*out = w;
	return result;
}

int watched_open(struct watched **out, struct watched_shared *shared,
		 const struct capture_target *target, int memfd, struct checkpoint *checkpoint)
{
	int result = watched_make(out, shared, target, memfd, checkpoint);

	if (result)
		return result;
	watched_tell(*out, true);
	shared->told++;
	shared->sink.seen(shared->sink.ctx, (*out)->about);
	return 0;
}

int watched_kin_open(struct watched **out, struct watched *owner, int memfd,
		     struct checkpoint *checkpoint)
{
	int result = watched_make(out, owner->shared, &owner->target, memfd, checkpoint);

	if (result)
		return result;
	(*out)->owner = owner;
	(*out)->about = owner->about;
	(*out)->ledger = owner->ledger;
	watched_tell(*out, true);
	return 0;
}

void watched_close(struct watched *w)
{
	if (!w)
		return;
	segment_close(w->segment);
	shapes_fini(&w->shapes);
	streams_close(w->streams, &w->shared->streams);
	free(w->lanes);
	free(w);
}

uint64_t watched_key(const struct watched *w)
{
	return w->target.key;
}

uint64_t watched_due_ns(const struct watched *w)
{
	return pace_due_ns(&w->pace);
}

uint64_t watched_period_ns(const struct watched *w)
{
	return w->pace.period_ns;
}

bool watched_ready(const struct watched *w)
{
	return w->clock->ns_per_tick != 0;
}

void watched_tell(struct watched *w, bool listening)
{
	const struct watched_shared *shared = w->shared;
	struct segment_words words = {
		.epoch = listening ? shared->epoch : 0,
		.ns_per_tick = w->clock->ns_per_tick,
		.slow_warning = calibrate_ticks(w->clock, shared->slow_warning_ns),
		.slow_critical = calibrate_ticks(w->clock, shared->slow_critical_ns),
		.detail = w->ledger->detail.level,
		.sample = w->ledger->detail.sample,
	};

	if (watched_ready(w))
		segment_words_put(w->segment, &words);
}

void watched_off(struct watched *w)
{
	segment_off_put(w->segment);
}

void watched_detail(struct watched *w, const struct drain_detail *detail)
{
	w->ledger->detail = *detail;
	if (detail->level == DRAIN_DETAIL_OFF)
		watched_off(w);
	else
		watched_tell(w, true);
}

static void watched_hand_on(struct watched *w, struct drain_request *request,
			    const struct decode_raw *raw)
{
	shapes_fill(&w->shapes, w->segment, w->target.key, raw, request);
	w->ledger->delivered[RS_KIND_REQUEST]++;
	if (!w->began)
		counters_add_request(&w->known, request, w->shared->slow_warning_ns,
				     w->shared->slow_critical_ns);
	w->shared->sink.request(w->shared->sink.ctx, w->about, request);
}

/* With its path or without one. */
static void watched_hand_on_late(struct watched *w, struct drain_request *request,
				 struct decode_raw *raw)
{
	w->shared->streams.lost += !streams_fill(w->streams, request, raw);
	watched_hand_on(w, request, raw);
}

static void watched_request(struct watched *w, const struct lane_record *record, uint64_t now_ns)
{
	struct drain_request request;
	struct decode_raw raw;

	if (decode_request(record, w->clock, now_ns, &request, &raw)) {
		w->ledger->bad++;
		return;
	}
	if (streams_fill(w->streams, &request, &raw))
		watched_hand_on(w, &request, &raw);
	else if (!late_put(&w->shared->late, &request, &raw))
		watched_hand_on_late(w, &request, &raw);
}

static void watched_record(struct watched *w, const struct lane_record *record, uint64_t now_ns)
{
	uint8_t kind = record->head.kind;

	if (kind == RS_KIND_REQUEST)
		return watched_request(w, record, now_ns);
	if (kind == RS_KIND_NONE || kind >= RS_KINDS) {
		w->ledger->bad++;
		return;
	}
	w->ledger->delivered[kind]++;
	others_take(w->shared, w->about, &w->streams, record);
}

/* The next record of this lane is in shared->record; false: there is none. */
static bool watched_next(struct watched *w, struct lane *lane, bool *whole)
{
	enum lane_result result = lane_take(lane, &w->shared->record);
	bool found, torn;

	*whole = result == LANE_RECORD;
	if (result == LANE_TORN)
		w->ledger->torn++;
	if (result != LANE_EMPTY || !w->dead)
		return result != LANE_EMPTY;
	found = lane_skip(lane, &torn);
	w->ledger->torn += torn;
	return found;
}

/* How full it was, of PACE_FULL. No more than a whole lane: its writer does not stop for us. */
static uint32_t watched_take_lane(struct watched *w, struct lane *lane, uint32_t n, uint64_t now_ns)
{
	uint64_t from = lane->tail, slots, room = rs_lane_slots(n);
	bool whole;

	if (!segment_lane_ready(w->segment, n))
		return 0;
	for (uint32_t i = 0; i < room && watched_next(w, lane, &whole); i++)
		if (whole)
			watched_record(w, &w->shared->record, now_ns);
	slots = lane->tail - from;
	if (!slots)
		return 0;
	lane_release(lane, segment_tail(w->segment, n));
	return slots < room ? (uint32_t)(slots * PACE_FULL / room) + 1 : PACE_FULL;
}

static uint32_t watched_take_lanes(struct watched *w, uint64_t now_ns)
{
	uint32_t fullest = 0;

	for (uint32_t i = 0; i < w->lane_count; i++) {
		uint32_t fill = watched_take_lane(w, &w->lanes[i], i, now_ns);

		fullest = fill > fullest ? fill : fullest;
	}
	if (w->has_overflow) {
		uint32_t fill = watched_take_lane(w, &w->overflow, RS_OVERFLOW_LANE, now_ns);

		fullest = fill > fullest ? fill : fullest;
	}
	return fullest;
}

/* Again, for the header blocks of requests that were found first. */
static void watched_take_late(struct watched *w, uint64_t now_ns)
{
	struct watched_shared *shared = w->shared;
	struct drain_request request;
	struct decode_raw raw;
	uint32_t at = 0, turn = 0;

	while ((shared->late.count || shared->streams.ahead.count) && turn++ < WATCHED_LATE_TURNS)
		watched_take_lanes(w, now_ns);
	while (late_take(&shared->late, &at, &request, &raw))
		watched_hand_on_late(w, &request, &raw);
	streams_settle(w->streams, &shared->streams);
}

static void watched_take_cell(struct watched *w, uint32_t n, uint64_t now_ns)
{
	struct watched_shared *shared = w->shared;
	struct segment_cell *cell = &shared->cell;
	struct drain_fold fold;

	if (!w->began)
		segment_cell_clean(w->segment, n);
	if (!segment_cell_take(w->segment, n, cell))
		return;
	decode_fold(cell, w->clock, &fold);
	fold.path = shapes_cell_path(&w->shapes, w->segment, n);
	if (!w->began)
		counters_add_fold(&w->known, &fold);
	shared->told++;
	shared->sink.fold(shared->sink.ctx, w->about, &fold, now_ns);
}

static void watched_take_cells(struct watched *w, const struct segment_state *state,
			       uint64_t now_ns)
{
	if (state->folded == w->folded)
		return;
	w->folded = state->folded;
	w->shapes.listed = false;
	for (uint32_t n = 0; n < RS_OTHER_CELL; n++)
		if (state->cells[n / 64] & UINT64_C(1) << n % 64)
			watched_take_cell(w, n, now_ns);
	watched_take_cell(w, RS_OTHER_CELL, now_ns);
}

static void watched_count(const struct watched *w, struct counters_words *out)
{
	memset(out, 0, sizeof(*out));
	for (uint32_t i = 0; i < w->lane_count; i++)
		segment_block_add(w->segment, i, out->word);
	if (w->has_overflow)
		segment_block_add(w->segment, RS_SHARED_BLOCK, out->word);
}

static void watched_book(struct watched *w, const struct drain_counters *delta, uint64_t now_ns,
			 bool gap)
{
	struct watched_shared *shared = w->shared;

	w->told = *w->ledger;
	shared->told++;
	shared->sink.counters(shared->sink.ctx, w->about, delta, w->ledger, now_ns, gap);
}

/*
 * before: counted ahead of the first round. What is in there and has neither a record nor a fold
 * was counted while nobody listened, or was told to an agent that died before it was saved.
 */
static void watched_book_first(struct watched *w, const struct counters_words *before,
			       uint64_t now_ns)
{
	struct drain_counters all, rest, gap;

	counters_difference(before, &w->booked, w->clock, &all);
	rest = all;
	counters_split(&rest, &w->known, &gap);
	if (gap.requests) {
		w->ledger->gap_requests += gap.requests;
		watched_book(w, &gap, now_ns, true);
		all = rest;
	}
	watched_book(w, &all, now_ns, false);
}

static void watched_book_round(struct watched *w, uint64_t now_ns)
{
	static const struct drain_counters none;
	struct counters_words now;
	struct drain_counters delta;

	watched_count(w, &now);
	/* Words that went back are a liar's own loss. */
	counters_difference(&now, &w->booked, w->clock, &delta);
	if (memcmp(&delta, &none, sizeof(delta)) != 0 || !counters_ledger_same(w->ledger, &w->told))
		watched_book(w, &delta, now_ns, false);
}

static uint32_t watched_pass(struct watched *w, uint64_t now_ns)
{
	struct counters_words before;
	struct segment_state state;
	uint32_t fill;

	segment_state_get(w->segment, &state);
	if (w->owner)
		state.lanes = 0; /* what a kin's header says of lanes is a lie */
	watched_grow(w, &state);
	if (!w->owner)
		decode_ledger(&state, w->has_overflow, w->ledger);
	if (!w->began)
		watched_count(w, &before);
	fill = w->owner ? 0 : watched_take_lanes(w, now_ns);
	watched_take_late(w, now_ns);
	watched_take_cells(w, &state, now_ns);
	if (!w->began)
		watched_book_first(w, &before, now_ns);
	w->began = true;
	watched_book_round(w, now_ns);
	return fill;
}

static void watched_gone(struct watched *w, uint64_t now_ns)
{
	if (w->owner)
		return;
	w->shared->told++;
	w->shared->sink.gone(w->shared->sink.ctx, w->about, now_ns);
}

bool watched_round(struct watched *w, uint64_t now_ns)
{
	pace_step(&w->pace, now_ns, watched_pass(w, now_ns));
	if (!segment_broken(w->segment))
		return true;
	w->shared->broken++;
	watched_gone(w, now_ns);
	return false;
}

void watched_list(struct watched *w, uint64_t now_ns)
{
	struct watched_shared *shared = w->shared;
	uint32_t taken = segment_open_list(w->segment, shared->taken, RS_OPEN_ENTRIES);
	uint32_t count = 0;

	for (uint32_t i = 0; i < taken; i++) {
		const struct segment_open_request *from = &shared->taken[i];
		const char *path = shapes_path(&w->shapes, w->segment, from->shape);

		if (decode_open(from, w->clock, now_ns, &shared->open[count]))
			continue;
		shared->open[count++].path = path ? path : "";
	}
	if (!count && !w->listed)
		return;
	w->listed = count;
	shared->told++;
	shared->sink.open(shared->sink.ctx, w->about, shared->open, count, now_ns);
}

void watched_end(struct watched *w, uint64_t now_ns)
{
	w->dead = true;
	watched_pass(w, now_ns);
	if (segment_broken(w->segment))
		w->shared->broken++;
	else if (!w->owner && w->whole && !counters_account(&w->at_first, &w->booked, w->ledger))
		w->shared->unequal++;
	watched_gone(w, now_ns);
}

int watched_save(const struct watched *w, struct checkpoint *checkpoint)
{
	struct checkpoint_entry entry = { .start_ticks = w->target.start_ticks,
					  .inode = w->inode,
					  .pid = w->target.pid,
					  .lanes = w->lane_count,
					  .booked = w->booked };
	uint64_t tails[RS_LANES + 1];

	for (uint32_t i = 0; i < w->lane_count; i++)
		tails[i] = w->lanes[i].tail;
	tails[w->lane_count] = w->overflow.tail;
	return checkpoint_put(checkpoint, &entry, tails);
}
