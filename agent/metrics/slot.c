#include "slot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(struct metrics_sums) % sizeof(uint64_t) == 0, "sums are words only");
_Static_assert(SLOT_SUMS <= 32, "the mask of sums is 32 bits");

struct slot_reader {
	const uint8_t *at, *end;
	bool bad;
};

void slot_sums_init(struct metrics_sums *sums)
{
	memset(sums, 0, sizeof(*sums));
	sums->min_ns = UINT64_MAX;
}

void slot_sums_add(struct metrics_sums *to, const struct metrics_sums *from)
{
	uint64_t min = from->min_ns < to->min_ns ? from->min_ns : to->min_ns;
	uint64_t max = from->max_ns > to->max_ns ? from->max_ns : to->max_ns;
	uint64_t a[SLOT_SUMS], b[SLOT_SUMS];

	memcpy(a, to, sizeof(a));
	memcpy(b, from, sizeof(b));
	for (size_t i = 0; i < SLOT_SUMS; i++)
		a[i] += b[i];
	memcpy(to, a, sizeof(a));
	to->min_ns = min;
	to->max_ns = max;
}

void slot_init(struct slot *slot, uint32_t second)
{
	memset(slot, 0, sizeof(*slot));
	slot_sums_init(&slot->sums);
	slot->second = second;
}

void slot_clear(struct slot *slot, uint32_t second)
{
	for (uint64_t blocks = slot->blocks; blocks;) {
		uint32_t *buckets = slot->buckets + slot_block_take(&blocks);

		memset(buckets, 0, SLOT_BLOCK * sizeof(*buckets));
	}
	slot->blocks = 0;
	slot_sums_init(&slot->sums);
	slot->second = second;
	slot->next = NULL;
}

/* Without a branch, so that the compiler takes several at once. */
static void slot_block_add(uint32_t *restrict to, const uint32_t *restrict from)
{
	for (uint32_t i = 0; i < SLOT_BLOCK; i++) {
		uint32_t sum = to[i] + from[i];

		to[i] = sum | -(uint32_t)(sum < from[i]);
	}
}

void slot_add(struct slot *to, const struct slot *from)
{
	slot_sums_add(&to->sums, &from->sums);
	for (uint64_t blocks = from->blocks; blocks;) {
		uint32_t at = slot_block_take(&blocks);

		slot_block_add(to->buckets + at, from->buckets + at);
	}
	to->blocks |= from->blocks;
}

void slot_window_add(const struct slot *slot, struct metrics_sums *sums,
		     uint64_t buckets[RS_HIST_SLOTS])
{
	slot_sums_add(sums, &slot->sums);
	for (uint32_t i = 0; i < RS_HIST_SLOTS; i++)
		buckets[i] += slot->buckets[i];
}

static uint8_t *slot_put(uint8_t *out, uint64_t value)
{
	while (value >= 0x80) {
		*out++ = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	*out++ = (uint8_t)value;
	return out;
}

static uint64_t slot_get(struct slot_reader *reader)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; shift < 64 && reader->at < reader->end; shift += 7) {
		uint8_t byte = *reader->at++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
	reader->bad = true;
	return 0;
}

/* Number of buckets that are not 0, and which these are. */
static uint32_t slot_list(const struct slot *slot, uint16_t out[RS_HIST_SLOTS])
{
	uint32_t n = 0;

	for (uint64_t blocks = slot->blocks; blocks;) {
		uint32_t at = slot_block_take(&blocks);

		for (uint32_t i = at; i < at + SLOT_BLOCK; i++) {
			if (slot->buckets[i])
				out[n++] = (uint16_t)i;
		}
	}
	return n;
}

size_t slot_pack(const struct slot *slot, uint8_t out[SLOT_PACKED_MAX])
{
	struct metrics_sums sums = slot->sums;
	uint64_t words[SLOT_SUMS], mask = 0;
	uint16_t list[RS_HIST_SLOTS];
	uint32_t count = slot_list(slot, list), last = 0;
	uint8_t *at;

	sums.min_ns++; /* "none" becomes 0, which costs nothing */
	memcpy(words, &sums, sizeof(words));
	for (size_t i = 0; i < SLOT_SUMS; i++)
		mask |= (uint64_t)(words[i] != 0) << i;
	at = slot_put(out, mask);
	for (size_t i = 0; i < SLOT_SUMS; i++) {
		if (words[i])
			at = slot_put(at, words[i]);
	}
	at = slot_put(at, count);
	for (uint32_t i = 0; i < count; i++) {
		at = slot_put(at, list[i] - last);
		at = slot_put(at, slot->buckets[list[i]]);
		last = list[i];
	}
	return (size_t)(at - out);
}

static void slot_get_sums(struct slot_reader *reader, struct metrics_sums *out)
{
	uint64_t mask = slot_get(reader), words[SLOT_SUMS];

	if (mask >> SLOT_SUMS)
		reader->bad = true;
	for (size_t i = 0; i < SLOT_SUMS; i++)
		words[i] = mask & (UINT64_C(1) << i) ? slot_get(reader) : 0;
	memcpy(out, words, sizeof(words));
	out->min_ns--;
}

/* Once over the buckets without a word of them kept: a bad pack must change nothing. */
static bool slot_is_sound(const uint8_t *bytes, size_t size)
{
	struct slot_reader reader = { .at = bytes, .end = bytes + size };
	struct metrics_sums sums;
	uint64_t touched, bucket = 0;

	slot_get_sums(&reader, &sums);
	touched = slot_get(&reader);
	if (touched > RS_HIST_SLOTS)
		return false;
	for (uint64_t i = 0; i < touched && !reader.bad; i++) {
		uint64_t gap = slot_get(&reader), count = slot_get(&reader);

		bucket += gap;
		if (gap >= RS_HIST_SLOTS || bucket >= RS_HIST_SLOTS || !count || count > UINT32_MAX)
			return false;
	}
	return !reader.bad && reader.at == reader.end;
}

int slot_unpack(const uint8_t *bytes, size_t size, struct slot *add_to)
{
	struct slot_reader reader = { .at = bytes, .end = bytes + size };
	struct metrics_sums sums;
	uint64_t touched, bucket = 0;

	if (!slot_is_sound(bytes, size))
		return -EBADMSG;
	slot_get_sums(&reader, &sums);
	slot_sums_add(&add_to->sums, &sums);
	touched = slot_get(&reader);
	for (uint64_t i = 0; i < touched; i++) {
		bucket += slot_get(&reader);
		slot_bucket_add(add_to, (uint32_t)bucket, (uint32_t)slot_get(&reader));
	}
	return 0;
}

int slot_unpack_window(const uint8_t *bytes, size_t size, struct metrics_sums *sums,
		       uint64_t buckets[RS_HIST_SLOTS])
{
	struct slot_reader reader = { .at = bytes, .end = bytes + size };
	struct metrics_sums more;
	uint64_t touched, bucket = 0;

	slot_get_sums(&reader, &more);
	touched = slot_get(&reader);
	for (uint64_t i = 0; i < touched && !reader.bad; i++) {
		uint64_t gap = slot_get(&reader), count = slot_get(&reader);

		bucket += gap;
		if (gap >= RS_HIST_SLOTS || bucket >= RS_HIST_SLOTS)
			return -EBADMSG;
		buckets[bucket] += count;
	}
	if (reader.bad)
		return -EBADMSG;
	slot_sums_add(sums, &more);
	return 0;
}

uint64_t slot_unpack_count(const uint8_t *bytes, size_t size)
{
	struct slot_reader reader = { .at = bytes, .end = bytes + size };

	_Static_assert(offsetof(struct metrics_sums, count) == 0, "count is the mask's first bit");
	return slot_get(&reader) & 1 ? slot_get(&reader) : 0;
}
