#include "lane.h"

#include <string.h>

#define LANE_POSITION_BITS 56 /* what a sequence word has room for */

static const struct rs_head *lane_slot(const struct lane *lane, uint64_t position)
{
	return &lane->slots[position & (lane->count - 1)];
}

static inline void lane_copy_word(const struct rs_head *slot, uint8_t *out, uint32_t i)
{
	const _Atomic uint64_t *words = &slot->seq;
	uint64_t word = atomic_load_explicit(&words[i + 1], memory_order_relaxed);

	memcpy(out + i * sizeof(word), &word, sizeof(word));
}

/* The slot but for its sequence word, which was looked at before. A loop would cost 2 ns more. */
static inline void lane_copy(const struct rs_head *slot, uint8_t *out)
{
	_Static_assert(RS_SLOT_PAYLOAD == 7 * sizeof(uint64_t), "seven words");
	lane_copy_word(slot, out, 0);
	lane_copy_word(slot, out, 1);
	lane_copy_word(slot, out, 2);
	lane_copy_word(slot, out, 3);
	lane_copy_word(slot, out, 4);
	lane_copy_word(slot, out, 5);
	lane_copy_word(slot, out, 6);
}

/* How far ahead of the tail this word's position is; negative: behind it. */
static int64_t lane_ahead(const struct lane *lane, uint64_t word)
{
	uint64_t distance = ring_word_position(word) - lane->tail;

	return (int64_t)(distance << (64 - LANE_POSITION_BITS)) >> (64 - LANE_POSITION_BITS);
}

/*
 * Nothing of this position. A later one can only be here if our tail was overtaken, which an
 * honest writer never does: carry on from there, or we would wait for ever.
 */
static enum lane_result lane_none(struct lane *lane, uint64_t word)
{
	int64_t ahead = word ? lane_ahead(lane, word) : 0;

	if (ahead <= 0)
		return LANE_EMPTY;
	lane->tail += (uint64_t)ahead;
	return LANE_TORN;
}

enum lane_result lane_take(struct lane *lane, struct lane_record *out)
{
	const struct rs_head *slot = lane_slot(lane, lane->tail);
	uint64_t word = ring_look(&slot->seq);
	uint32_t n = ring_word_n(word);

	if (word != ring_word(lane->tail, 0, n))
		return lane_none(lane, word);
	lane_copy(slot, (uint8_t *)&out->head + sizeof(uint64_t));
	out->detail_bytes = (n - 1) * RS_SLOT_PAYLOAD;
	for (uint32_t k = 1; k < n; k++) {
		slot = lane_slot(lane, lane->tail + k);
		if (ring_look(&slot->seq) != ring_word(lane->tail + k, k, n)) {
			lane->tail += n;
			return LANE_TORN;
		}
		lane_copy(slot, out->detail + (k - 1) * (size_t)RS_SLOT_PAYLOAD);
	}
	lane->tail += n;
	return LANE_RECORD;
}

bool lane_skip(struct lane *lane, bool *torn)
{
	*torn = false;
	for (uint32_t i = 0; i < lane->count; i++) {
		uint64_t word = ring_look(&lane_slot(lane, lane->tail + i)->seq);

		if (!word || lane_ahead(lane, word) != i)
			continue;
		if (ring_word_k(word) == 0) {
			lane->tail += i;
			return true;
		}
		*torn = true;
	}
	return false;
}

void lane_release(const struct lane *lane, _Atomic uint64_t *tail)
{
	ring_release(tail, lane->tail);
}
