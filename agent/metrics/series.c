#include "series.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

static void series_drop(struct series_tier *tier, uint32_t n, struct series_budget *budget)
{
	for (uint32_t i = 0; i < n; i++) {
		budget->used -= tier->packed[i].size;
		free(tier->packed[i].bytes);
	}
	tier->count -= n;
	memmove(tier->packed, tier->packed + n, tier->count * sizeof(*tier->packed));
}

static void series_tier_fini(struct series_tier *tier, struct series_budget *budget)
{
	if (tier->count)
		series_drop(tier, tier->count, budget);
	budget->used -= tier->capacity * sizeof(*tier->packed);
	free(tier->packed);
	series_slot_put(budget, tier->open);
	memset(tier, 0, sizeof(*tier));
}

void series_fini(struct series *series, struct series_budget *budget)
{
	series_tier_fini(&series->fine, budget);
	series_tier_fini(&series->coarse, budget);
}

/* The place of this second, or of the first one after it. */
static uint32_t series_find(const struct series_tier *tier, uint32_t second)
{
	uint32_t low = 0, high = tier->count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (tier->packed[middle].second < second)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int series_grow(struct series_tier *tier, struct series_budget *budget)
{
	uint32_t capacity = tier->capacity ? tier->capacity * 2 : 8;
	size_t more = (capacity - tier->capacity) * sizeof(*tier->packed);
	struct series_packed *packed;

	if (tier->count < tier->capacity)
		return 0;
	if (budget->used + more > budget->limit)
		return -ENOSPC;
	packed = realloc(tier->packed, capacity * sizeof(*packed));
	if (!packed)
		return -ENOMEM;
	tier->packed = packed;
	tier->capacity = capacity;
	budget->used += more;
	return 0;
}

static int series_put(struct series_tier *tier, uint32_t second, const uint8_t *bytes, size_t size,
		      struct series_budget *budget)
{
	uint32_t at = series_find(tier, second);
	bool same = at < tier->count && tier->packed[at].second == second;
	uint8_t *copy;

	if (budget->used + size > budget->limit)
		return -ENOSPC;
	if (!same && series_grow(tier, budget) < 0)
		return -ENOSPC;
	copy = malloc(size);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, bytes, size);
	if (same) {
		budget->used -= tier->packed[at].size;
		free(tier->packed[at].bytes);
	} else {
		memmove(tier->packed + at + 1, tier->packed + at,
			(tier->count - at) * sizeof(*tier->packed));
		tier->count++;
	}
	tier->packed[at] = (struct series_packed){ second, (uint32_t)size, copy };
	budget->used += size;
	return 0;
}

/* Packs a slot, together with what was packed for its second before. */
static int series_pack(struct series_tier *tier, struct slot *slot, struct series_budget *budget)
{
	uint8_t bytes[SLOT_PACKED_MAX];
	uint32_t at = series_find(tier, slot->second);

	if (at < tier->count && tier->packed[at].second == slot->second) {
		int ret = slot_unpack(tier->packed[at].bytes, tier->packed[at].size, slot);

		if (ret < 0)
			return ret;
	}
	return series_put(tier, slot->second, bytes, slot_pack(slot, bytes), budget);
}

static void series_close(struct series_tier *tier, struct series_budget *budget)
{
	if (!tier->open)
		return;
	if (series_pack(tier, tier->open, budget) < 0)
		budget->given_up += tier->open->sums.count;
	series_slot_put(budget, tier->open);
	tier->open = NULL;
}

static void series_tier_add(struct series_tier *tier, uint32_t second, const struct slot *slot,
			    struct series_budget *budget)
{
	struct slot *late;

	if (tier->open && tier->open->second < second)
		series_close(tier, budget);
	if (!tier->open)
		tier->open = series_slot_take(budget, second);
	if (tier->open && tier->open->second == second) {
		slot_add(tier->open, slot);
		return;
	}
	/* Older than the open one: it ended before the tick that opened the next second. */
	late = tier->open ? series_slot_take(budget, second) : NULL;
	if (late)
		slot_add(late, slot);
	if (!late || series_pack(tier, late, budget) < 0)
		budget->given_up += slot->sums.count;
	series_slot_put(budget, late);
}

void series_add(struct series *series, const struct slot *second, struct series_budget *budget)
{
	series_tier_add(&series->fine, second->second, second, budget);
	series_tier_add(&series->coarse, second->second - second->second % SERIES_COARSE_SECONDS,
			second, budget);
}

static void series_tier_unite(struct series_tier *to, const struct series_tier *from,
			      struct series_budget *budget)
{
	for (uint32_t i = 0; i < from->count; i++) {
		const struct series_packed *packed = &from->packed[i];
		struct slot *slot = series_slot_take(budget, packed->second);

		if (!slot || slot_unpack(packed->bytes, packed->size, slot) ||
		    series_pack(to, slot, budget))
			budget->given_up += slot_unpack_count(packed->bytes, packed->size);
		series_slot_put(budget, slot);
	}
	if (from->open)
		series_tier_add(to, from->open->second, from->open, budget);
}

/* Both tiers hold the same requests: what finds no room is counted as it is in series_add. */
void series_unite(struct series *to, const struct series *from, struct series_budget *budget)
{
	series_tier_unite(&to->fine, &from->fine, budget);
	series_tier_unite(&to->coarse, &from->coarse, budget);
}

static void series_tier_age(struct series_tier *tier, uint32_t step, uint32_t keep, uint32_t now,
			    struct series_budget *budget)
{
	uint32_t old = 0;

	/* A second of grace: late requests are cheap while the slot is open. */
	if (tier->open && tier->open->second + step < now)
		series_close(tier, budget);
	while (old < tier->count && tier->packed[old].second + keep < now)
		old++;
	if (old)
		series_drop(tier, old, budget);
}

bool series_age(struct series *series, uint32_t now, struct series_budget *budget)
{
	/* One slot more than the tier's span: a window begins inside a slot. */
	series_tier_age(&series->fine, 1, SERIES_FINE_SLOTS + 1, now, budget);
	series_tier_age(&series->coarse, SERIES_COARSE_SECONDS,
			SERIES_SECONDS + SERIES_COARSE_SECONDS, now, budget);
	return !series->fine.open && !series->coarse.open && !series->fine.count &&
	       !series->coarse.count;
}

void series_shed(struct series *series, struct series_budget *budget)
{
	struct series_tier *tiers[] = { &series->fine, &series->coarse };

	for (int i = 0; i < 2; i++) {
		uint32_t n = (tiers[i]->count + 7) / 8;

		if (!n)
			continue;
		series_drop(tiers[i], n, budget);
		budget->shed += n;
	}
}

static void series_sum(const struct series_tier *tier, uint32_t from, uint32_t to,
		       struct metrics_sums *sums, uint64_t buckets[RS_HIST_SLOTS])
{
	const struct slot *open = tier->open;

	for (uint32_t i = series_find(tier, from); i < tier->count; i++) {
		if (tier->packed[i].second >= to)
			break;
		slot_unpack_window(tier->packed[i].bytes, tier->packed[i].size, sums, buckets);
	}
	if (!open || open->second < from || open->second >= to)
		return;
	slot_window_add(open, sums, buckets);
}

uint32_t series_from(uint32_t from, uint32_t to)
{
	if (to <= from || to - from <= SERIES_FINE_SLOTS)
		return from;
	return from - from % SERIES_COARSE_SECONDS;
}

void series_window(const struct series *series, uint32_t from, uint32_t to,
		   struct metrics_sums *sums, uint64_t buckets[RS_HIST_SLOTS])
{
	uint32_t tail = to - to % SERIES_COARSE_SECONDS;

	if (to <= from)
		return;
	if (to - from <= SERIES_FINE_SLOTS) {
		series_sum(&series->fine, from, to, sums, buckets);
		return;
	}
	/* A ten-second slot that to cuts would bring seconds from after it. */
	series_sum(&series->coarse, series_from(from, to), tail, sums, buckets);
	series_sum(&series->fine, tail, to, sums, buckets);
}

void series_minutes(const struct series *series, uint32_t first, uint64_t out[SERIES_MINUTES])
{
	const struct series_tier *tier = &series->coarse;

	for (uint32_t i = series_find(tier, first * 60); i < tier->count; i++) {
		uint32_t minute = tier->packed[i].second / 60 - first;

		if (minute < SERIES_MINUTES)
			out[minute] +=
				slot_unpack_count(tier->packed[i].bytes, tier->packed[i].size);
	}
	if (tier->open && tier->open->second / 60 >= first &&
	    tier->open->second / 60 - first < SERIES_MINUTES)
		out[tier->open->second / 60 - first] += tier->open->sums.count;
}

int series_restore(struct series *series, bool coarse, const struct series_saved *saved,
		   struct series_budget *budget)
{
	struct series_tier *tier = coarse ? &series->coarse : &series->fine;
	struct slot *slot;
	int ret;

	if (coarse && saved->second % SERIES_COARSE_SECONDS)
		return -EBADMSG;
	slot = series_slot_take(budget, saved->second);
	if (!slot)
		return -ENOSPC;
	ret = slot_unpack(saved->bytes, saved->size, slot);
	if (!ret)
		ret = series_pack(tier, slot, budget);
	series_slot_put(budget, slot);
	return ret;
}
