/*
 * slot - what happened to one series in one second or ten: sums and a histogram.
 *
 * Threads:  a value; its owner's.
 * Memory:   the caller's. Stored slots are packed: a mask of the sums that are not as they usually
 *           are and their differences as LEB128; twice the number of non-empty buckets, then
 *           (gap * 2 + several, count if several) of each, or 1: the one that the sums tell.
 * Errors:   -EBADMSG for bytes that slot_pack did not write.
 */
#ifndef METRICS_SLOT_H
#define METRICS_SLOT_H

#include "metrics.h"

#define SLOT_SUMS (sizeof(struct metrics_sums) / sizeof(uint64_t))
#define SLOT_PACKED_MAX (5 + SLOT_SUMS * 10 + 2 + RS_HIST_SLOTS * (2 + 5))

#define SLOT_BLOCK 16u                  /* buckets of a block: a cache line */
#define SLOT_BUCKETS (64u * SLOT_BLOCK) /* one bit of blocks each */

_Static_assert(SLOT_BUCKETS >= RS_HIST_SLOTS, "each bucket has a block");

struct slot {
	struct metrics_sums sums;
	uint32_t second; /* of CLOCK_MONOTONIC, its first */
	uint64_t blocks; /* bit n: of the buckets from n * SLOT_BLOCK on, some may not be 0 */
	struct slot *next;
	uint32_t buckets[SLOT_BUCKETS]; /* saturate */
};

/* What a window holds: its buckets are wider than those of a slot, and do not saturate. */
struct slot_window {
	struct metrics_sums sums;
	uint64_t blocks; /* as those of a slot */
	uint64_t buckets[SLOT_BUCKETS];
};

void slot_init(struct slot *slot, uint32_t second);
void slot_clear(struct slot *slot, uint32_t second); /* cheaper: only what was touched */

/* In line, since each request passes here. */
static inline void slot_bucket_add(struct slot *slot, uint32_t bucket, uint32_t count)
{
	uint32_t sum = slot->buckets[bucket] + count;

	slot->buckets[bucket] = sum < count ? UINT32_MAX : sum;
	slot->blocks |= UINT64_C(1) << bucket / SLOT_BLOCK;
}

/* The first bucket of the lowest block in the set, which is taken out of it. */
static inline uint32_t slot_block_take(uint64_t *blocks)
{
	uint32_t block = (uint32_t)__builtin_ctzll(*blocks);

	*blocks &= *blocks - 1;
	return block * SLOT_BLOCK;
}

void slot_add(struct slot *to, const struct slot *from);
void slot_window_add(const struct slot *slot, struct metrics_sums *sums,
		     uint64_t buckets[RS_HIST_SLOTS]);

/*
 * Slots being added up as they are stored: what is usual of a slot is usual of a sum of slots too,
 * so that it is reckoned once, for all. Of the least and the most it is not.
 */
struct slot_pile {
	uint64_t words[SLOT_SUMS];
	uint64_t min_ns, max_ns;
};

void slot_pile_init(struct slot_pile *pile);
void slot_pile_sums(const struct slot_pile *pile, struct metrics_sums *add_to);

void slot_window_init(struct slot_window *window);
void slot_window_clear(struct slot_window *window); /* cheaper: only what was touched */

void slot_sums_init(struct metrics_sums *sums);
void slot_sums_add(struct metrics_sums *to, const struct metrics_sums *from);

size_t slot_pack(const struct slot *slot, uint8_t out[SLOT_PACKED_MAX]);
int slot_unpack(const uint8_t *bytes, size_t size, struct slot *add_to);
/* The sums go to the pile, the buckets to the window. */
int slot_unpack_window(const uint8_t *bytes, size_t size, struct slot_pile *pile,
		       struct slot_window *add_to);
/* The sums as the differences that are stored, and back. */
void slot_words_of(const struct metrics_sums *sums, uint64_t words[SLOT_SUMS]);
void slot_words_to(const uint64_t words[SLOT_SUMS], struct metrics_sums *out);

/* The buckets alone; the sums of the slot tell the only one. Returns the bytes read; -EBADMSG. */
size_t slot_pack_buckets(const struct slot *slot, uint8_t *out);
int slot_unpack_buckets(const uint8_t *bytes, size_t size, const struct metrics_sums *sums,
			struct slot *add_to);

int slot_unpack_sums(const uint8_t *bytes, size_t size, struct metrics_sums *sums);
uint64_t slot_unpack_count(const uint8_t *bytes, size_t size); /* sums.count alone */

#endif
