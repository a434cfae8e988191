/*
 * lane - takes the records of one lane, in order, into private memory.
 *
 * Threads:  the drain thread; the writer is a thread of another process (ring.h).
 * Memory:   the slots are shared and may change at any time; each word is copied once.
 * Errors:   enum lane_result. A call looks at no more than one record.
 */
#ifndef DRAIN_LANE_H
#define DRAIN_LANE_H

#include <ringside/ring.h>

#include <stdbool.h>
#include <string.h>

struct lane {
	struct rs_head *slots; /* shared */
	uint64_t tail;         /* ours; the process is only told */
	uint32_t count;        /* of slots, a power of two */
};

enum lane_result {
	LANE_EMPTY,  /* nothing published at the tail */
	LANE_RECORD, /* *out is a whole record */
	LANE_TORN,   /* a record with a gap was passed over */
};

struct lane_record {
	struct rs_head head;             /* a private copy */
	uint8_t detail[RS_DETAIL_BYTES]; /* the bodies of the continuation slots, joined */
	uint32_t detail_bytes;
};

static inline struct rs_head *lane_slot(const struct lane *lane, uint64_t position)
{
	return &lane->slots[position & (lane->count - 1)];
}

static inline void lane_copy_word(const struct rs_head *slot, void *out, uint32_t i)
{
	const _Atomic uint64_t *words = &slot->seq;
	uint64_t word = atomic_load_explicit(&words[i + 1], memory_order_relaxed);

	memcpy((uint8_t *)out + i * sizeof(word), &word, sizeof(word));
}

/* The slot but for its sequence word, which was looked at before. A loop would cost 2 ns more. */
static inline void lane_copy(const struct rs_head *slot, void *out)
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

/* What lane_take does not do itself: a record of several slots, or none. */
enum lane_result lane_take_further(struct lane *lane, uint64_t word, struct lane_record *out);

/* In line down to here, since each request passes. */
static inline enum lane_result lane_take(struct lane *lane, struct lane_record *out)
{
	const struct rs_head *slot = lane_slot(lane, lane->tail);
	uint64_t word = ring_look(&slot->seq);

	if (word != ring_word(lane->tail, 0, 1))
		return lane_take_further(lane, word, out);
	lane_copy(slot, &out->head.t0);
	out->detail_bytes = 0;
	lane->tail++;
	return LANE_RECORD;
}

/*
 * Of a process known to be dead: moves the tail over a hole to the next record; false: none is
 * left. *torn: what was passed over had begun to be published.
 */
bool lane_skip(struct lane *lane, bool *torn);

/* Tells the writer that all before the tail may be reused. */
void lane_release(const struct lane *lane, _Atomic uint64_t *tail);

#endif
