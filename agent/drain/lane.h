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

struct lane {
	const struct rs_head *slots; /* shared */
	uint64_t tail;               /* ours; the process is only told */
	uint32_t count;              /* of slots, a power of two */
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

enum lane_result lane_take(struct lane *lane, struct lane_record *out);

/*
 * Of a process known to be dead: moves the tail over a hole to the next record; false: none is
 * left. *torn: what was passed over had begun to be published.
 */
bool lane_skip(struct lane *lane, bool *torn);

/* Tells the writer that all before the tail may be reused. */
void lane_release(const struct lane *lane, _Atomic uint64_t *tail);

#endif
