#include "run.h"

#include "column.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RUN_BUCKETS_MAX (SLOT_PACKED_MAX + 8)

_Static_assert(SLOT_SUMS <= 32, "the mask of columns is a small number");

void run_begin(struct run *run, const struct run_span *span)
{
	run->span = *span;
	run->count = 0;
	run->size = 0;
}

void run_fini(struct run *run)
{
	free(run->buckets);
	run->buckets = NULL;
	run->capacity = 0;
}

static int run_grow(struct run *run)
{
	size_t capacity = run->size + 4 * RUN_BUCKETS_MAX;
	uint8_t *buckets;

	if (run->capacity - run->size >= RUN_BUCKETS_MAX)
		return 0;
	buckets = realloc(run->buckets, capacity);
	if (!buckets)
		return -ENOMEM;
	run->buckets = buckets;
	run->capacity = capacity;
	return 0;
}

/* The bucket of schema 3 that holds one of schema 5: of every fourth the bounds are the same. */
static uint32_t run_wide(uint32_t bucket)
{
	int index = (int)bucket - RS_HIST_BIAS;
	int wide = index > 0 ? (index + RUN_WIDE_OF - 1) / RUN_WIDE_OF : index / RUN_WIDE_OF;

	return (uint32_t)(wide + RUN_WIDE_BIAS);
}

static uint32_t run_narrow(uint32_t wide)
{
	int bucket = ((int)wide - RUN_WIDE_BIAS) * RUN_WIDE_OF + RS_HIST_BIAS;

	if (bucket < 0)
		return 0;
	return bucket < RS_HIST_SLOTS ? (uint32_t)bucket : RS_HIST_SLOTS - 1;
}

static void run_map(struct slot *to, const struct slot *from, uint32_t (*map)(uint32_t bucket))
{
	slot_init(to, from->second);
	to->sums = from->sums;
	for (uint64_t blocks = from->blocks; blocks;) {
		uint32_t at = slot_block_take(&blocks);

		for (uint32_t i = at; i < at + SLOT_BLOCK; i++) {
			if (from->buckets[i])
				slot_bucket_add(to, map(i), from->buckets[i]);
		}
	}
}

int run_add(struct run *run, uint32_t second, const uint8_t *packed, uint32_t size)
{
	uint64_t words[SLOT_SUMS];
	struct slot slot, wide;
	int ret;

	if (run->count == RUN_SLOTS)
		return -E2BIG;
	slot_init(&slot, second);
	ret = slot_unpack(packed, size, &slot);
	if (ret == 0)
		ret = run_grow(run);
	if (ret)
		return ret;
	slot_words_of(&slot.sums, words);
	for (uint32_t i = 0; i < SLOT_SUMS; i++)
		run->words[i][run->count] = words[i];
	if (run->span.is_wide)
		run_map(&wide, &slot, run_wide);
	run->size += slot_pack_buckets(run->span.is_wide ? &wide : &slot, run->buckets + run->size);
	run->places[run->count] = (second - run->span.from_s) / run->span.step_s - run->count;
	run->count++;
	return 0;
}

size_t run_size_max(const struct run *run)
{
	return 20 + (SLOT_SUMS + 1) * COLUMN_MAX(run->count) + run->size;
}

static bool run_column_is_plain(const struct run *run, uint32_t column)
{
	for (uint32_t i = 0; i < run->count; i++) {
		if (run->words[column][i])
			return false;
	}
	return true;
}

size_t run_pack(const struct run *run, uint8_t *out)
{
	uint64_t mask = 0;
	uint8_t *at = out;

	for (uint32_t i = 0; i < SLOT_SUMS; i++)
		mask |= (uint64_t)!run_column_is_plain(run, i) << i;
	at += column_number_put(at, run->count);
	at += column_put(at, run->places, run->count);
	at += column_number_put(at, mask);
	for (uint32_t i = 0; i < SLOT_SUMS; i++) {
		if (mask >> i & 1)
			at += column_put(at, run->words[i], run->count);
	}
	memcpy(at, run->buckets, run->size);
	return (size_t)(at - out) + run->size;
}

/* Everything of a run but the buckets, as it is read. */
struct run_columns {
	uint32_t count;
	uint64_t places[RUN_SLOTS];
	uint64_t words[SLOT_SUMS][RUN_SLOTS];
};

static int run_columns_get(struct column_reader *reader, struct run_columns *c)
{
	uint64_t count = column_number_get(reader), mask;

	if (reader->is_bad || !count || count > RUN_SLOTS)
		return -EBADMSG;
	c->count = (uint32_t)count;
	column_get(reader, c->places, c->count);
	mask = column_number_get(reader);
	if (mask >> SLOT_SUMS)
		return -EBADMSG;
	for (uint32_t i = 0; i < SLOT_SUMS; i++) {
		if (mask >> i & 1)
			column_get(reader, c->words[i], c->count);
	}
	return reader->is_bad ? -EBADMSG : 0;
}

static int run_slot_get(struct column_reader *reader, const struct run_columns *c, uint32_t i,
			struct slot *out)
{
	uint64_t words[SLOT_SUMS];
	struct metrics_sums sums;
	int used;

	for (uint32_t w = 0; w < SLOT_SUMS; w++)
		words[w] = c->words[w][i];
	slot_words_to(words, &sums);
	out->sums = sums;
	used = slot_unpack_buckets(reader->at, (size_t)(reader->end - reader->at), &sums, out);
	if (used < 0)
		return used;
	reader->at += used;
	return 0;
}

int run_unpack(const uint8_t *bytes, size_t size, const struct run_span *span,
	       const struct run_reader *to)
{
	struct column_reader reader = { .at = bytes, .end = bytes + size };
	struct run_columns *c = calloc(1, sizeof(*c));
	struct slot *wide = malloc(sizeof(*wide));
	int ret = c && wide ? run_columns_get(&reader, c) : -ENOMEM;
	bool goes_on = true;

	for (uint32_t i = 0; ret == 0 && goes_on && i < c->count; i++) {
		uint64_t place = c->places[i] + i;
		uint32_t second = span->from_s + (uint32_t)place * span->step_s;

		if (span->until_s && second >= span->until_s)
			break;
		slot_clear(to->scratch, second);
		ret = run_slot_get(&reader, c, i, to->scratch);
		if (ret == 0 && span->is_wide)
			run_map(wide, to->scratch, run_narrow);
		if (ret == 0)
			goes_on = to->fn(to->ctx, second, span->is_wide ? wide : to->scratch);
	}
	free(c);
	free(wide);
	return ret;
}
