#include "slot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(struct metrics_sums) % sizeof(uint64_t) == 0, "sums are words only");
_Static_assert(SLOT_SUMS <= 32, "the mask of sums is 32 bits");

#define SLOT_USUAL 1u /* status[1]: 2xx */
#define SLOT_TOLD 1u  /* instead of a number of buckets */

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
	for (uint64_t blocks = slot->blocks; blocks;) {
		uint32_t at = slot_block_take(&blocks);

		for (uint32_t i = at; i < at + SLOT_BLOCK && i < RS_HIST_SLOTS; i++)
			buckets[i] += slot->buckets[i];
	}
}

void slot_window_init(struct slot_window *window)
{
	memset(window, 0, sizeof(*window));
	slot_sums_init(&window->sums);
}

void slot_window_clear(struct slot_window *window)
{
	for (uint64_t blocks = window->blocks; blocks;) {
		uint64_t *buckets = window->buckets + slot_block_take(&blocks);

		memset(buckets, 0, SLOT_BLOCK * sizeof(*buckets));
	}
	window->blocks = 0;
	slot_sums_init(&window->sums);
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

static uint64_t slot_get_long(struct slot_reader *reader)
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

/* Most numbers are of one byte. */
static inline uint64_t slot_get(struct slot_reader *reader)
{
	if (reader->at < reader->end && *reader->at < 0x80)
		return *reader->at++;
	return slot_get_long(reader);
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

/*
 * What four of the sums are where nothing special happened: those are stored as the difference, so
 * that they cost nothing. min_ns is one more than it is: "none" is 0.
 */
static void slot_usual(const struct metrics_sums *sums, struct metrics_sums *out)
{
	memset(out, 0, sizeof(*out));
	out->status[SLOT_USUAL] = sums->count - sums->aborted;
	for (uint32_t i = 0; i < RS_STATUS_CLASSES; i++)
		out->status[SLOT_USUAL] -= i == SLOT_USUAL ? 0 : sums->status[i];
	out->recorded = sums->count - sums->folded - sums->dropped;
	if (sums->count != 1)
		return;
	out->max_ns = sums->span_ns;
	out->min_ns = sums->span_ns + 1;
}

void slot_words_of(const struct metrics_sums *from, uint64_t words[SLOT_SUMS])
{
	struct metrics_sums sums = *from, usual;

	slot_usual(from, &usual);
	sums.status[SLOT_USUAL] -= usual.status[SLOT_USUAL];
	sums.recorded -= usual.recorded;
	sums.max_ns -= usual.max_ns;
	sums.min_ns -= usual.min_ns - 1;
	memcpy(words, &sums, sizeof(sums));
}

void slot_words_to(const uint64_t words[SLOT_SUMS], struct metrics_sums *out)
{
	struct metrics_sums usual;

	memcpy(out, words, sizeof(*out));
	slot_usual(out, &usual);
	out->status[SLOT_USUAL] += usual.status[SLOT_USUAL];
	out->recorded += usual.recorded;
	out->max_ns += usual.max_ns;
	out->min_ns += usual.min_ns - 1;
}

static size_t slot_pack_sums(const struct metrics_sums *from, uint8_t *out)
{
	uint64_t words[SLOT_SUMS], mask = 0;
	uint8_t *at;

	slot_words_of(from, words);
	for (size_t i = 0; i < SLOT_SUMS; i++)
		mask |= (uint64_t)(words[i] != 0) << i;
	at = slot_put(out, mask);
	for (size_t i = 0; i < SLOT_SUMS; i++) {
		if (words[i])
			at = slot_put(at, words[i]);
	}
	return (size_t)(at - out);
}

/* Its one request is in the bucket that its duration says. */
static bool slot_is_told(const struct metrics_sums *sums, uint32_t bucket, uint64_t count)
{
	return sums->count == 1 && count == 1 && bucket == rs_hist_slot(sums->span_ns);
}

size_t slot_pack(const struct slot *slot, uint8_t out[SLOT_PACKED_MAX])
{
	size_t size = slot_pack_sums(&slot->sums, out);

	return size + slot_pack_buckets(slot, out + size);
}

size_t slot_pack_buckets(const struct slot *slot, uint8_t *out)
{
	uint16_t list[RS_HIST_SLOTS];
	uint32_t count = slot_list(slot, list), last = 0;
	uint8_t *at = out;

	if (count == 1 && slot_is_told(&slot->sums, list[0], slot->buckets[list[0]])) {
		at = slot_put(at, SLOT_TOLD);
		return (size_t)(at - out);
	}
	at = slot_put(at, (uint64_t)count << 1);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t in = slot->buckets[list[i]];

		at = slot_put(at, (uint64_t)(list[i] - last) << 1 | (in > 1));
		if (in > 1)
			at = slot_put(at, in);
		last = list[i];
	}
	return (size_t)(at - out);
}

static void slot_get_sums(struct slot_reader *reader, struct metrics_sums *out)
{
	uint64_t mask = slot_get(reader), words[SLOT_SUMS] = { 0 };

	if (mask >> SLOT_SUMS) {
		reader->bad = true;
		mask = 0;
	}
	for (; mask; mask &= mask - 1)
		words[__builtin_ctzll(mask)] = slot_get(reader);
	slot_words_to(words, out);
}

/* The buckets behind the sums, one at a time. */
struct slot_buckets {
	uint64_t left;
	uint64_t bucket, count;
	bool is_told;
};

static void slot_buckets_begin(struct slot_reader *reader, uint64_t span_ns, struct slot_buckets *b)
{
	uint64_t head = slot_get(reader);

	*b = (struct slot_buckets){ .left = head >> 1, .is_told = head == SLOT_TOLD };
	if (b->is_told) {
		b->left = 1;
		b->bucket = rs_hist_slot(span_ns);
		b->count = 1;
	}
	if ((head & 1 && !b->is_told) || b->left > RS_HIST_SLOTS)
		reader->bad = true;
}

/* False: there is no further one, or bad bytes. */
static bool slot_buckets_next(struct slot_reader *reader, struct slot_buckets *b)
{
	uint64_t word;

	if (reader->bad || !b->left)
		return false;
	b->left--;
	if (b->is_told)
		return true;
	word = slot_get(reader);
	b->bucket += word >> 1;
	b->count = word & 1 ? slot_get(reader) : 1;
	if (word >> 1 >= RS_HIST_SLOTS || b->bucket >= RS_HIST_SLOTS || !b->count ||
	    b->count > UINT32_MAX)
		reader->bad = true;
	return !reader->bad;
}

/* Once over the buckets without a word of them kept: a bad pack must change nothing. */
static bool slot_is_sound(const uint8_t *bytes, size_t size)
{
	struct slot_reader reader = { .at = bytes, .end = bytes + size };
	struct metrics_sums sums;
	struct slot_buckets b;

	slot_get_sums(&reader, &sums);
	slot_buckets_begin(&reader, sums.span_ns, &b);
	while (slot_buckets_next(&reader, &b))
		;
	return !reader.bad && reader.at == reader.end;
}

int slot_unpack(const uint8_t *bytes, size_t size, struct slot *add_to)
{
	struct slot_reader reader = { .at = bytes, .end = bytes + size };
	struct metrics_sums sums;
	struct slot_buckets b;

	if (!slot_is_sound(bytes, size))
		return -EBADMSG;
	slot_get_sums(&reader, &sums);
	slot_sums_add(&add_to->sums, &sums);
	slot_buckets_begin(&reader, sums.span_ns, &b);
	while (slot_buckets_next(&reader, &b))
		slot_bucket_add(add_to, (uint32_t)b.bucket, (uint32_t)b.count);
	return 0;
}

int slot_unpack_buckets(const uint8_t *bytes, size_t size, const struct metrics_sums *sums,
			struct slot *add_to)
{
	struct slot_reader reader = { .at = bytes, .end = bytes + size };
	struct slot_buckets b;

	slot_buckets_begin(&reader, sums->span_ns, &b);
	while (slot_buckets_next(&reader, &b))
		slot_bucket_add(add_to, (uint32_t)b.bucket, (uint32_t)b.count);
	return reader.bad ? -EBADMSG : (int)(reader.at - bytes);
}

#define SLOT_WORD(member) (offsetof(struct metrics_sums, member) / sizeof(uint64_t))

void slot_pile_init(struct slot_pile *pile)
{
	memset(pile, 0, sizeof(*pile));
	pile->min_ns = UINT64_MAX;
}

void slot_pile_sums(const struct slot_pile *pile, struct metrics_sums *add_to)
{
	struct metrics_sums sums;

	slot_words_to(pile->words, &sums);
	sums.min_ns = pile->min_ns;
	sums.max_ns = pile->max_ns;
	slot_sums_add(add_to, &sums);
}

/* The span of its requests is returned. */
static uint64_t slot_pile_put(struct slot_pile *pile, struct slot_reader *reader)
{
	uint64_t mask = slot_get(reader), one[SLOT_SUMS], min_ns, max_ns;
	bool alone;

	if (mask >> SLOT_SUMS) {
		reader->bad = true;
		return 0;
	}
	one[SLOT_WORD(count)] = one[SLOT_WORD(span_ns)] = 0;
	one[SLOT_WORD(min_ns)] = one[SLOT_WORD(max_ns)] = 0;
	for (; mask; mask &= mask - 1) {
		int i = __builtin_ctzll(mask);

		one[i] = slot_get(reader);
		pile->words[i] += one[i];
	}
	alone = one[SLOT_WORD(count)] == 1;
	max_ns = one[SLOT_WORD(max_ns)] + (alone ? one[SLOT_WORD(span_ns)] : 0);
	min_ns = one[SLOT_WORD(min_ns)] + (alone ? one[SLOT_WORD(span_ns)] + 1 : 0) - 1;
	pile->max_ns = max_ns > pile->max_ns ? max_ns : pile->max_ns;
	pile->min_ns = min_ns < pile->min_ns ? min_ns : pile->min_ns;
	return one[SLOT_WORD(span_ns)];
}

int slot_unpack_window(const uint8_t *bytes, size_t size, struct slot_pile *pile,
		       struct slot_window *add_to)
{
	struct slot_reader reader = { .at = bytes, .end = bytes + size };
	uint64_t span_ns = slot_pile_put(pile, &reader);
	struct slot_buckets b;

	slot_buckets_begin(&reader, span_ns, &b);
	while (slot_buckets_next(&reader, &b)) {
		add_to->buckets[b.bucket] += b.count;
		add_to->blocks |= UINT64_C(1) << b.bucket / SLOT_BLOCK;
	}
	return reader.bad ? -EBADMSG : 0;
}

int slot_unpack_sums(const uint8_t *bytes, size_t size, struct metrics_sums *sums)
{
	struct slot_reader reader = { .at = bytes, .end = bytes + size };
	struct metrics_sums more;

	slot_get_sums(&reader, &more);
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
