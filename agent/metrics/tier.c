#include "tier.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TIER_GROW 64u
#define TIER_SLACK 16u    /* grows by such a part */
#define TIER_OVERHEAD 16u /* what the allocator takes for a block */
#define TIER_HEAD 10u     /* at most, of a record */

static uint32_t tier_varint_put(uint8_t *out, uint32_t value)
{
	uint32_t n = 0;

	while (value >= 0x80) {
		out[n++] = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	out[n++] = (uint8_t)value;
	return n;
}

/* Of bytes that tier_varint_put wrote. */
static uint32_t tier_varint_get(const uint8_t **at)
{
	uint32_t value = 0;
	unsigned int shift = 0;
	uint8_t byte;

	do {
		byte = *(*at)++;
		value |= (uint32_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	return value;
}

/* The record that begins here; its steps are returned. */
static uint32_t tier_read(const struct tier *tier, uint32_t offset, struct tier_at *at)
{
	const uint8_t *bytes = tier->bytes + offset;
	uint32_t steps = tier_varint_get(&bytes);

	at->size = tier_varint_get(&bytes);
	at->packed = bytes;
	at->next = (uint32_t)(bytes - tier->bytes) + at->size;
	return steps;
}

bool tier_next(const struct tier *tier, uint32_t step, struct tier_at *at)
{
	uint32_t offset = at->next ? at->next : tier->begin, steps;
	bool is_first = offset == tier->begin;

	if (offset == tier->end)
		return false;
	steps = tier_read(tier, offset, at);
	at->second = is_first ? tier->first : at->second + steps * step;
	return true;
}

static uint32_t tier_mark_of(uint32_t step, uint32_t second)
{
	return second / step / TIER_MARK_STEPS;
}

void tier_seek(const struct tier *tier, uint32_t step, uint32_t second, struct tier_at *at)
{
	uint32_t newest = tier_mark_of(step, second);

	*at = (struct tier_at){ 0 };
	for (uint32_t k = 0; k < TIER_MARKS && k <= newest; k++) {
		const struct tier_mark *mark = &tier->marks[(newest - k) % TIER_MARKS];

		if (mark->second > second || mark->offset < tier->begin ||
		    tier_mark_of(step, mark->second) != newest - k)
			continue;
		at->second = mark->before;
		at->next = mark->offset;
		return;
	}
}

/* Records from here on are about to move. */
static void tier_unmark(struct tier *tier, uint32_t offset)
{
	for (uint32_t i = 0; i < TIER_MARKS; i++)
		if (tier->marks[i].offset >= offset)
			tier->marks[i] = (struct tier_mark){ .second = UINT32_MAX };
}

bool tier_last(const struct tier *tier, struct tier_at *at)
{
	if (!tier->count)
		return false;
	tier_read(tier, tier->tail, at);
	at->second = tier->last;
	return true;
}

bool tier_find(const struct tier *tier, uint32_t step, uint32_t second, struct tier_at *at)
{
	*at = (struct tier_at){ 0 };
	if (!tier->count || second < tier->first || second > tier->last)
		return false;
	if (second == tier->last)
		return tier_last(tier, at);
	tier_seek(tier, step, second, at);
	while (tier_next(tier, step, at) && at->second < second)
		;
	return at->second == second;
}

static int tier_grow(struct tier *tier, uint32_t more, struct series_budget *budget)
{
	uint32_t length = tier->end - tier->begin, capacity;
	uint8_t *bytes;

	if (tier->end + more <= tier->capacity)
		return 0;
	if (length + more <= tier->capacity && tier->begin > length / TIER_SLACK / 2) {
		memmove(tier->bytes, tier->bytes + tier->begin, length);
		for (uint32_t i = 0; i < TIER_MARKS; i++) {
			struct tier_mark *mark = &tier->marks[i];

			if (mark->offset < tier->begin)
				mark->second = UINT32_MAX;
			mark->offset -= mark->offset < tier->begin ? mark->offset : tier->begin;
		}
		tier->tail -= tier->begin;
		tier->end = length;
		tier->begin = 0;
		return 0;
	}
	capacity = tier->end + more + (tier->end + more) / TIER_SLACK;
	capacity += TIER_GROW - capacity % TIER_GROW;
	if (budget->used + (capacity - tier->capacity) + TIER_OVERHEAD > budget->limit)
		return -ENOSPC;
	bytes = realloc(tier->bytes, capacity);
	if (!bytes)
		return -ENOMEM;
	budget->used += capacity - tier->capacity + (tier->capacity ? 0 : TIER_OVERHEAD);
	tier->bytes = bytes;
	tier->capacity = capacity;
	return 0;
}

static uint32_t tier_record(uint8_t *out, uint32_t steps, const struct tier_at *record)
{
	uint32_t n = tier_varint_put(out, steps);

	n += tier_varint_put(out + n, record->size);
	memcpy(out + n, record->packed, record->size);
	return n + record->size;
}

static int tier_append(struct tier *tier, uint32_t step, const struct tier_at *record,
		       struct series_budget *budget)
{
	int ret = tier_grow(tier, TIER_HEAD + record->size, budget);
	uint32_t steps = tier->count ? (record->second - tier->last) / step : 0;
	uint32_t n = tier_mark_of(step, record->second);

	if (ret < 0)
		return ret;
	if (!tier->count)
		tier->first = tier->last = record->second;
	if (!tier->count || n != tier_mark_of(step, tier->last))
		tier->marks[n % TIER_MARKS] =
			(struct tier_mark){ record->second, tier->last, tier->end };
	tier->tail = tier->end;
	tier->last = record->second;
	tier->end += tier_record(tier->bytes + tier->end, steps, record);
	tier->count++;
	return 0;
}

/* The last one again, with other bytes. */
static int tier_replace_last(struct tier *tier, const struct tier_at *record,
			     struct series_budget *budget)
{
	struct tier_at old;
	uint32_t steps = tier_read(tier, tier->tail, &old);
	int ret = 0;

	if (record->size > old.size)
		ret = tier_grow(tier, TIER_HEAD + record->size, budget);
	if (ret < 0)
		return ret;
	tier->end = tier->tail;
	tier->end += tier_record(tier->bytes + tier->end, steps, record);
	return 0;
}

/* Before the last one: what is behind its place moves. */
static int tier_insert(struct tier *tier, uint32_t step, const struct tier_at *record,
		       struct series_budget *budget)
{
	uint8_t made[2 * TIER_HEAD + SLOT_PACKED_MAX];
	int ret = tier_grow(tier, sizeof(made), budget);
	uint32_t before, offset, behind, n, first;
	struct tier_at at = { 0 };

	if (ret < 0)
		return ret;
	do {
		before = at.second;
		offset = at.next ? at.next : tier->begin;
	} while (tier_next(tier, step, &at) && at.second < record->second);
	tier_unmark(tier, offset);
	n = first = tier_record(made, before ? (record->second - before) / step : 0, record);
	behind = at.next;
	if (at.second != record->second) {
		behind = (uint32_t)(at.packed - tier->bytes);
		n += tier_varint_put(made + n, (at.second - record->second) / step);
		n += tier_varint_put(made + n, at.size);
		tier->count++;
	}
	tier->tail = tier->tail == offset ? offset + first : tier->tail + n - (behind - offset);
	memmove(tier->bytes + offset + n, tier->bytes + behind, tier->end - behind);
	memcpy(tier->bytes + offset, made, n);
	tier->end += n - (behind - offset);
	if (record->second < tier->first)
		tier->first = record->second;
	return 0;
}

int tier_put(struct tier *tier, uint32_t step, const struct tier_at *record,
	     struct series_budget *budget)
{
	if (!tier->count || record->second > tier->last)
		return tier_append(tier, step, record, budget);
	if (record->second == tier->last)
		return tier_replace_last(tier, record, budget);
	return tier_insert(tier, step, record, budget);
}

uint32_t tier_drop(struct tier *tier, uint32_t step, uint32_t before, struct series_budget *budget)
{
	struct tier_at at = { 0 };
	uint32_t dropped = 0;

	if (!tier->count || tier->first >= before)
		return 0;
	if (tier->last < before) {
		dropped = tier->count;
		tier_fini(tier, budget);
		return dropped;
	}
	while (tier_next(tier, step, &at) && at.second < before) {
		tier->count--;
		dropped++;
		/* The look goes on from a record that is the first one now. */
		tier->begin = at.next;
		tier->first = at.second + step * tier_read(tier, at.next, &(struct tier_at){ 0 });
	}
	return dropped;
}

void tier_fini(struct tier *tier, struct series_budget *budget)
{
	if (tier->capacity)
		budget->used -= tier->capacity + TIER_OVERHEAD;
	free(tier->bytes);
	*tier = (struct tier){ 0 };
}
