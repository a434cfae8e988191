/*
 * run - the slots of one series in one block, column by column.
 *
 * Threads:  a value; its owner's.
 * Memory:   run_fini frees what run_add grew.
 * Errors:   -ENOMEM, -E2BIG, -EBADMSG.
 * Format:   number of slots; column of (place - index), places in steps since the block's begin;
 *           mask of the sums that are not all as usual, and a column of each; then the buckets of
 *           each slot as slot_pack_buckets writes them, at schema 3 where the block says so.
 */
#ifndef STORE_RUN_H
#define STORE_RUN_H

#include "slot.h"

#define RUN_SLOTS 64u

/* Schema 3: each bucket is four of schema 5; index of the one that holds bucket 0. */
#define RUN_WIDE_BIAS 160
#define RUN_WIDE_OF 4

struct run_span {
	uint32_t from_s, step_s;
	bool is_wide;     /* buckets at schema 3 */
	uint32_t until_s; /* of reading: no slot from there on; 0: all of them */
};

struct run {
	struct run_span span;
	uint32_t count;
	uint64_t places[RUN_SLOTS];
	uint64_t words[SLOT_SUMS][RUN_SLOTS];
	uint8_t *buckets;
	size_t size, capacity;
};

void run_begin(struct run *run, const struct run_span *span);
int run_add(struct run *run, uint32_t second, const uint8_t *packed, uint32_t size);
size_t run_size_max(const struct run *run);
size_t run_pack(const struct run *run, uint8_t *out);
void run_fini(struct run *run);

/*
 * Hands out each slot; buckets of schema 3 are where the last of the four is. scratch: a slot that
 * is no one else's. fn: false ends it.
 */
typedef bool (*run_fn)(void *ctx, uint32_t second, const struct slot *slot);
struct run_reader {
	struct slot *scratch;
	run_fn fn;
	void *ctx;
};
int run_unpack(const uint8_t *bytes, size_t size, const struct run_span *span,
	       const struct run_reader *reader);

#endif
