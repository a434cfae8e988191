/*
 * segment - the agent's hand in a process's shared memory: bounded readers that copy once.
 *
 * Threads:  the drain thread only; any thread may be interrupted by the guard's signal handler.
 * Memory:   segment_open maps, segment_close unmaps; what is read is copied to the caller.
 * Errors:   0 or -errno. The file was accepted before (accept.h); its contents are never believed.
 * Besides this file only drain/lane.c dereferences shared memory: the slots of segment_lane.
 */
#ifndef CAPTURE_SEGMENT_H
#define CAPTURE_SEGMENT_H

#include <ringside/histogram.h>
#include <ringside/segment.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The part of a block that is words, all of them sums but span_min and span_max. */
#define SEGMENT_WORDS (offsetof(struct rs_block, thread) / sizeof(uint64_t))
#define SEGMENT_WORD(field) (offsetof(struct rs_block, field) / sizeof(uint64_t))

struct segment;

struct segment_state {
	uint32_t state, why, clock; /* enum rs_state, rs_why, rs_clock; as claimed, any value */
	uint32_t lanes;             /* 0 … RS_LANES */
	bool overflow;
	uint32_t shapes;
	uint64_t folded;
	uint64_t cells[4];
	uint32_t fds_unseen, unseen;
};

struct segment_words {
	uint32_t epoch;
	uint64_t ns_per_tick;                 /* 32.32 fixed point */
	uint64_t slow_warning, slow_critical; /* ticks */
	uint32_t detail, sample;              /* as in struct rs_agent */
};

struct segment_shape {
	uint16_t cell; /* 0 … RS_CELLS - 1 */
	uint16_t length;
	char path[RS_PATH_BYTES + 1]; /* canonical: 0x21–0x7e, %XX */
};

struct segment_cell {
	uint64_t count, status[RS_STATUS_CLASSES], aborted, cut_by_server, cut_by_client;
	uint64_t bytes_in, bytes_out, span, span_min, span_max; /* ticks; span_min 0: none */
	uint64_t slow_warning, slow_critical;
	uint32_t buckets[RS_HIST_SLOTS];
	uint32_t methods; /* bit per enum rs_method, and any other */
};

struct segment_open_request {
	uint64_t t0, bytes_out;
	uint32_t connection, queued, thread;
	uint16_t shape;
	uint8_t method, state; /* as claimed, any value */
};

/*
 * Once, before the first segment_open: a SIGBUS inside a segment gives its reader zeros and marks
 * the segment broken; any other one ends the program as before.
 */
int segment_guard(void);

/* memfd is borrowed. -EPROTO: not the layout that we know. claims: its header, texts ended. */
int segment_open(struct segment **out, int memfd, struct rs_header *claims);
void segment_close(struct segment *s); /* NULL is fine */
bool segment_broken(const struct segment *s);

void segment_state_get(const struct segment *s, struct segment_state *out);
void segment_words_put(struct segment *s, const struct segment_words *words);
void segment_off_put(struct segment *s); /* the process is to be silent for good */

/* Adds the words of block n (RS_SHARED_BLOCK: the shared one) to sums[SEGMENT_WORDS]. */
void segment_block_add(const struct segment *s, uint32_t n, uint64_t *sums);

/* False: lane n has no slots yet, and a look at them would make a page, of our own memory. */
bool segment_lane_ready(const struct segment *s, uint32_t n);

/* The slots of lane n (RS_OVERFLOW_LANE: the shared one), rs_lane_slots(n) of them. */
struct rs_head *segment_lane(const struct segment *s, uint32_t n);
_Atomic uint64_t *segment_tail(struct segment *s, uint32_t n);

/* -ENOENT: no such shape, or not one that could be. */
int segment_shape_get(const struct segment *s, uint16_t id, struct segment_shape *out);

/* The id in word i of the shape index, 0: free or not one that could be. */
uint16_t segment_shape_at(const struct segment *s, uint32_t i);

/* Takes what cell n holds, leaving zeros; false: nothing was finished there. */
bool segment_cell_take(struct segment *s, uint32_t n, struct segment_cell *out);

/* Leaves zeros where only sums are, without their number: a reader before us died in between. */
void segment_cell_clean(struct segment *s, uint32_t n);

/* Requests in progress; how many, room at most. */
uint32_t segment_open_list(const struct segment *s, struct segment_open_request *out,
			   uint32_t room);

#endif
