/*
 * slot - what happened to one series in one second or ten: sums and a histogram.
 *
 * Threads:  a value; its owner's.
 * Memory:   the caller's. Stored slots are packed: a mask of the sums that are not zero and
 *           these as LEB128, the number of non-empty buckets, then (gap, count) of each.
 * Errors:   -EBADMSG for bytes that slot_pack did not write.
 */
#ifndef METRICS_SLOT_H
#define METRICS_SLOT_H

#include "metrics.h"

#define SLOT_SUMS (sizeof(struct metrics_sums) / sizeof(uint64_t))
#define SLOT_PACKED_MAX (5 + SLOT_SUMS * 10 + 2 + RS_HIST_SLOTS * (2 + 5))

struct slot {
	struct metrics_sums sums;
	uint32_t second;               /* of CLOCK_MONOTONIC, its first */
	uint32_t touched;              /* non-empty buckets … */
	uint16_t touch[RS_HIST_SLOTS]; /* … and which they are, in the order of their first use */
	uint32_t buckets[RS_HIST_SLOTS]; /* saturate */
	struct slot *next;
};

void slot_init(struct slot *slot, uint32_t second);
void slot_clear(struct slot *slot, uint32_t second); /* cheaper: only what was touched */
/* count: 0 adds nothing. In line, since each request passes here twice. */
static inline void slot_bucket_add(struct slot *slot, uint32_t bucket, uint32_t count)
{
	uint32_t before = slot->buckets[bucket];

	if (!before && count)
		slot->touch[slot->touched++] = (uint16_t)bucket;
	slot->buckets[bucket] = before + count < before ? UINT32_MAX : before + count;
}

void slot_add(struct slot *to, const struct slot *from);

void slot_sums_init(struct metrics_sums *sums);
void slot_sums_add(struct metrics_sums *to, const struct metrics_sums *from);

size_t slot_pack(const struct slot *slot, uint8_t out[SLOT_PACKED_MAX]);
int slot_unpack(const uint8_t *bytes, size_t size, struct slot *add_to);
int slot_unpack_window(const uint8_t *bytes, size_t size, struct metrics_sums *sums,
		       uint64_t buckets[RS_HIST_SLOTS]);
uint64_t slot_unpack_count(const uint8_t *bytes, size_t size); /* sums.count alone */

#endif
