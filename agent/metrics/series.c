#include "series.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SERIES_WIDE_LAG 600u /* after so long all that happened is in the widest slots */

const uint32_t series_step_s[SERIES_STEPS] = { 1, SERIES_COARSE_SECONDS, SERIES_WIDE_SECONDS };
const uint32_t series_keep_s[SERIES_STEPS] = { SERIES_FINE_SLOTS, SERIES_SECONDS, SERIES_SPAN };

/* Of what must stay of a step while a wider one has some to spare. */
static const uint32_t series_spare_s[SERIES_STEPS] = { 60, 1200, 3600 };

static struct slot *series_slot_take(struct series_budget *budget, uint32_t second)
{
	struct slot *slot = budget->spare;

	if (slot) {
		budget->spare = slot->next;
		slot_clear(slot, second);
		return slot;
	}
	if (budget->used + sizeof(*slot) > budget->limit || !(slot = malloc(sizeof(*slot))))
		return NULL;
	budget->used += sizeof(*slot);
	slot_init(slot, second);
	return slot;
}

static void series_slot_put(struct series_budget *budget, struct slot *slot)
{
	if (!slot)
		return;
	slot->next = budget->spare;
	budget->spare = slot;
}

void series_budget_fini(struct series_budget *budget)
{
	while (budget->spare) {
		struct slot *slot = budget->spare;

		budget->spare = slot->next;
		budget->used -= sizeof(*slot);
		free(slot);
	}
}

static struct tier *series_tier(struct series *series, enum series_step step)
{
	struct tier *const tiers[SERIES_STEPS] = { &series->fine, &series->coarse, &series->wide };

	return tiers[step];
}

void series_fini(struct series *series, struct series_budget *budget)
{
	for (int i = 0; i < SERIES_STEPS; i++)
		tier_fini(series_tier(series, (enum series_step)i), budget);
	series_slot_put(budget, series->open);
	memset(series, 0, sizeof(*series));
}

/* Adds a slot to that of its step which holds its second. */
static int series_put(struct series *series, enum series_step step, const struct slot *slot,
		      struct series_budget *budget)
{
	uint32_t span_s = series_step_s[step], second = slot->second - slot->second % span_s;
	struct tier *tier = series_tier(series, step);
	struct tier_at found, record = { .second = second };
	uint8_t bytes[SLOT_PACKED_MAX];
	struct slot *sum;
	int ret = 0;

	record.packed = bytes;
	if (!tier_find(tier, span_s, second, &found)) {
		record.size = (uint32_t)slot_pack(slot, bytes);
		return tier_put(tier, span_s, &record, budget);
	}
	sum = series_slot_take(budget, second);
	if (!sum)
		return -ENOSPC;
	ret = slot_unpack(found.packed, found.size, sum);
	if (ret == 0) {
		slot_add(sum, slot);
		record.size = (uint32_t)slot_pack(sum, bytes);
		ret = tier_put(tier, span_s, &record, budget);
	}
	series_slot_put(budget, sum);
	return ret;
}

/* The newest ten seconds, which are complete, become a part of their five minutes. */
static int series_widen(struct series *series, struct series_budget *budget)
{
	struct slot *slot;
	struct tier_at at;
	int ret;

	if (series->is_wide || !tier_last(&series->coarse, &at))
		return 0;
	slot = series_slot_take(budget, at.second);
	if (!slot)
		return -ENOSPC;
	ret = slot_unpack(at.packed, at.size, slot);
	if (ret == 0)
		ret = series_put(series, SERIES_WIDE, slot, budget);
	series_slot_put(budget, slot);
	series->is_wide = true;
	return ret;
}

static int series_put_coarse(struct series *series, const struct slot *slot,
			     struct series_budget *budget)
{
	const struct tier *coarse = &series->coarse;
	uint32_t ten = slot->second - slot->second % SERIES_COARSE_SECONDS;
	int ret = 0;

	if (!coarse->count || ten > coarse->last) {
		ret = series_widen(series, budget);
		series->is_wide = false;
	} else if (ten < coarse->last || series->is_wide) {
		ret = series_put(series, SERIES_WIDE, slot, budget);
	}
	return series_put(series, SERIES_COARSE, slot, budget) < 0 ? -ENOSPC : ret;
}

/* One that is complete, or late. What finds no room in one step may find it in another. */
static void series_book(struct series *series, const struct slot *slot,
			struct series_budget *budget)
{
	int coarse = series_put_coarse(series, slot, budget);

	if (slot->second < budget->taken_s)
		budget->untaken += slot->sums.count;
	if (series_put(series, SERIES_FINE, slot, budget) < 0 || coarse < 0)
		budget->given_up += slot->sums.count;
}

static void series_close(struct series *series, struct series_budget *budget)
{
	struct slot *open = series->open;

	if (!open)
		return;
	series->open = NULL;
	series_book(series, open, budget);
	series_slot_put(budget, open);
}

void series_add(struct series *series, const struct slot *second, struct series_budget *budget)
{
	if (series->open && series->open->second < second->second)
		series_close(series, budget);
	if (!series->open)
		series->open = series_slot_take(budget, second->second);
	if (series->open && series->open->second == second->second)
		slot_add(series->open, second);
	else /* it ended before the tick that opened the next second, or there is no room */
		series_book(series, second, budget);
}

static void series_unite_tier(struct series *to, enum series_step step, const struct tier *from,
			      struct series_budget *budget)
{
	struct tier_at at = { 0 };

	while (tier_next(from, series_step_s[step], &at)) {
		struct slot *slot = series_slot_take(budget, at.second);

		if (!slot || slot_unpack(at.packed, at.size, slot) ||
		    series_put(to, step, slot, budget))
			budget->given_up += slot_unpack_count(at.packed, at.size);
		series_slot_put(budget, slot);
	}
}

/* All steps hold the same requests: what finds no room is counted as it is in series_add. */
void series_unite(struct series *to, const struct series *from, struct series_budget *budget)
{
	struct series last = { .coarse = from->coarse, .is_wide = from->is_wide };
	struct tier_at at;

	if (series_widen(to, budget) < 0)
		budget->given_up++;
	series_unite_tier(to, SERIES_FINE, &from->fine, budget);
	series_unite_tier(to, SERIES_COARSE, &from->coarse, budget);
	series_unite_tier(to, SERIES_WIDE, &from->wide, budget);
	if (!last.is_wide && tier_last(&last.coarse, &at)) {
		struct slot *slot = series_slot_take(budget, at.second);

		if (!slot || slot_unpack(at.packed, at.size, slot) ||
		    series_put(to, SERIES_WIDE, slot, budget))
			budget->given_up += slot_unpack_count(at.packed, at.size);
		series_slot_put(budget, slot);
	}
	to->is_wide = to->coarse.count != 0;
	if (from->open)
		series_add(to, from->open, budget);
}

bool series_age(struct series *series, uint32_t now, struct series_budget *budget)
{
	/* A second of grace: late requests are cheap while the slot is open. */
	if (series->open && series->open->second + 1 < now)
		series_close(series, budget);
	if (!series->is_wide && series->coarse.count &&
	    series->coarse.last + SERIES_COARSE_SECONDS + 1 < now &&
	    series_widen(series, budget) < 0)
		budget->given_up++;
	/* One slot more than the span: a window begins inside a slot. */
	for (int i = 0; i < SERIES_STEPS; i++) {
		uint32_t keep = series_keep_s[i] + series_step_s[i];

		if (now > keep)
			tier_drop(series_tier(series, (enum series_step)i), series_step_s[i],
				  now - keep, budget);
	}
	return !series->open && !series->fine.count && !series->coarse.count && !series->wide.count;
}

enum series_step series_shed_step(struct series_budget *budget, uint32_t now, uint32_t begin)
{
	for (int i = 0; i < SERIES_STEPS; i++) {
		uint32_t oldest = now > series_keep_s[i] ? now - series_keep_s[i] : 0;

		oldest = oldest > begin ? oldest : begin;
		oldest = oldest > budget->kept_from[i] ? oldest : budget->kept_from[i];
		if (oldest + series_spare_s[i] >= now)
			continue;
		oldest += (now - oldest + 7) / 8;
		oldest += series_step_s[i] - 1;
		budget->kept_from[i] = oldest - oldest % series_step_s[i];
		return (enum series_step)i;
	}
	return SERIES_STEPS;
}

void series_shed(struct series *series, enum series_step step, struct series_budget *budget)
{
	budget->shed += tier_drop(series_tier(series, step), series_step_s[step],
				  budget->kept_from[step], budget);
}

uint32_t series_first(const struct series_budget *budget, enum series_step step, uint32_t begin,
		      uint32_t now)
{
	uint32_t step_s = series_step_s[step], first = begin - begin % step_s;
	uint32_t oldest = now + 1 > series_keep_s[step] ? now + 1 - series_keep_s[step] : 0;

	oldest += (step_s - oldest % step_s) % step_s;
	first = first > oldest ? first : oldest;
	return first > budget->kept_from[step] ? first : budget->kept_from[step];
}

struct series_sum {
	struct slot_pile pile;
	struct slot_window *window;
};

static void series_sum(const struct tier *tier, enum series_step step, uint32_t from, uint32_t to,
		       struct series_sum *out)
{
	struct tier_at at;

	tier_seek(tier, series_step_s[step], from, &at);
	while (from < to && tier_next(tier, series_step_s[step], &at) && at.second < to) {
		if (at.second >= from)
			slot_unpack_window(at.packed, at.size, &out->pile, out->window);
	}
}

/* The first second that a step still has; none: a window of all times has a first one too. */
static uint32_t series_oldest(const struct series_budget *budget, enum series_step step,
			      uint32_t now)
{
	uint32_t oldest = now + 1 > series_keep_s[step] ? now + 1 - series_keep_s[step] : 0;

	return oldest > budget->kept_from[step] ? oldest : budget->kept_from[step];
}

static uint32_t series_down(uint32_t second, uint32_t step_s)
{
	return second - second % step_s;
}

/* Ten seconds that lie in it are the sum of their seconds, and cost a tenth of them to add up. */
static void series_span_shorten(struct series_span *span, uint32_t coarse_from)
{
	uint32_t tens = series_down(span->from + SERIES_COARSE_SECONDS - 1, SERIES_COARSE_SECONDS);
	uint32_t fine = series_down(span->to, SERIES_COARSE_SECONDS);

	if (tens >= fine || tens < coarse_from)
		return;
	span->tens = tens;
	span->fine = fine;
}

struct series_span series_span_of(const struct series_budget *budget, uint32_t from, uint32_t to,
				  uint32_t now)
{
	struct series_span span = { .from = from, .tens = from, .fine = from, .to = to };

	if (to <= from)
		return span;
	if (from >= series_oldest(budget, SERIES_FINE, now)) {
		series_span_shorten(&span, series_oldest(budget, SERIES_COARSE, now));
		return span;
	}
	/* A ten-second slot that to cuts would bring seconds from after it. */
	span.fine = series_down(to, SERIES_COARSE_SECONDS);
	if (span.fine < series_oldest(budget, SERIES_FINE, now))
		span.to = span.fine;
	span.widest = SERIES_COARSE;
	span.from = span.tens = series_down(from, SERIES_COARSE_SECONDS);
	if (from >= series_oldest(budget, SERIES_COARSE, now))
		return span;
	span.widest = SERIES_WIDE;
	span.from = series_down(from, SERIES_WIDE_SECONDS);
	span.tens = series_oldest(budget, SERIES_COARSE, now) + SERIES_WIDE_SECONDS - 1;
	if (span.tens + SERIES_WIDE_LAG < to)
		span.tens = to - SERIES_WIDE_LAG;
	span.tens = series_down(span.tens, SERIES_WIDE_SECONDS);
	if (span.tens > span.fine)
		span.tens = span.fine = span.to = series_down(to, SERIES_WIDE_SECONDS);
	return span;
}

void series_window(const struct series *series, const struct series_span *span,
		   struct slot_window *out)
{
	const struct slot *open = series->open;
	bool wide = span->widest == SERIES_WIDE;
	struct series_sum sum = { .window = out };
	struct tier_at at;

	slot_pile_init(&sum.pile);
	series_sum(wide ? &series->wide : &series->fine, span->widest, span->from, span->tens,
		   &sum);
	if (wide && !series->is_wide && tier_last(&series->coarse, &at) &&
	    at.second >= span->from && at.second < span->tens)
		slot_unpack_window(at.packed, at.size, &sum.pile, out);
	series_sum(&series->coarse, SERIES_COARSE, span->tens, span->fine, &sum);
	series_sum(&series->fine, SERIES_FINE, span->fine, span->to, &sum);
	slot_pile_sums(&sum.pile, &out->sums);
	if (open && open->second >= span->from && open->second < span->to) {
		slot_window_add(open, &out->sums, out->buckets);
		out->blocks |= open->blocks;
	}
}

static void series_minute_add(uint32_t second, uint32_t first, uint64_t count,
			      uint64_t out[SERIES_MINUTES])
{
	if (second / 60 >= first && second / 60 - first < SERIES_MINUTES)
		out[second / 60 - first] += count;
}

void series_minutes(const struct series *series, uint32_t first, uint64_t out[SERIES_MINUTES])
{
	struct tier_at at = { 0 };

	while (tier_next(&series->coarse, SERIES_COARSE_SECONDS, &at))
		series_minute_add(at.second, first, slot_unpack_count(at.packed, at.size), out);
	if (series->open)
		series_minute_add(series->open->second, first, series->open->sums.count, out);
}

int series_restore(struct series *series, enum series_step step, const struct series_saved *saved,
		   struct series_budget *budget)
{
	struct slot *slot;
	int ret;

	if (saved->second % series_step_s[step])
		return -EBADMSG;
	slot = series_slot_take(budget, saved->second);
	if (!slot)
		return -ENOSPC;
	ret = slot_unpack(saved->bytes, saved->size, slot);
	if (!ret)
		ret = series_put(series, step, slot, budget);
	series_slot_put(budget, slot);
	series->is_wide = true; /* it is saved so */
	return ret;
}
