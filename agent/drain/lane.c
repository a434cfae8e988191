#include "lane.h"

#define LANE_POSITION_BITS 56 /* what a sequence word has room for */

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

enum lane_result lane_take_further(struct lane *lane, uint64_t word, struct lane_record *out)
{
	const struct rs_head *slot = lane_slot(lane, lane->tail);
	uint32_t n = ring_word_n(word);

	if (word != ring_word(lane->tail, 0, n))
		return lane_none(lane, word);
	lane_copy(slot, &out->head.t0);
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
