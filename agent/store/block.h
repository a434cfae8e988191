/*
 * block - what is appended to a file at once: the runs of all series over some seconds, summed.
 *
 * Threads:  a value; its owner's.
 * Memory:   block_fini frees.
 * Errors:   -ENOMEM, -ENOSPC: more series than a file may name.
 * Format:   struct block_head in native order; a table: number of the series in its file, its key
 *           where it is the first time (then it is the next number), size of its run; the runs: of
 *           gauges as levels.h says, all others as run.h does.
 */
#ifndef STORE_BLOCK_H
#define STORE_BLOCK_H

#include "column.h"
#include "levels.h"

#include "export.h"

#define BLOCK_MAGIC 0x4b4c4252u /* "RBLK" */
#define BLOCK_MOST (64u << 20)
#define BLOCK_SERIES 16384u /* of a file; hostile targets alone name more */
#define BLOCK_KEY_MAX 320u

struct block_head {
	uint32_t magic, bytes; /* of the whole block */
	uint64_t sum;          /* of all behind it */
	int64_t wall_offset_ms;
	uint32_t from_s, until_s; /* all of the step's slots in [from_s, until_s) */
	uint32_t series, table_bytes;
	uint32_t keys;  /* that the file has before this block */
	uint32_t flags; /* BLOCK_WIDE, BLOCK_MENDED */
};

#define BLOCK_WIDE 1u    /* schema 3 */
#define BLOCK_MENDED 2u  /* by mend.h: of an agent whose memory nobody has */
#define BLOCK_GAUGES 4u  /* of its gauges alone: the rest is to come from memory */
#define BLOCK_COMPACT 8u /* by compact.h: made of several */

/* The numbers of the series of one file, by a hash that outsiders do not know. */
struct block_names {
	uint64_t seed;
	uint32_t count;
	uint32_t numbers[2 * BLOCK_SERIES]; /* number + 1; 0: free */
	uint64_t hashes[2 * BLOCK_SERIES];
};

struct block_bytes {
	uint8_t *at;
	size_t size, capacity;
};

struct block {
	struct block_head head;
	struct block_names *names; /* of the file that it goes to */
	struct block_bytes table, runs;
	struct run run;       /* of the series under way, or … */
	struct levels levels; /* … of gauges */
	uint32_t step_s;
	uint64_t slots, lost; /* lost: slots of series that found no number, or no memory */
	bool is_open;         /* a series is under way … */
	bool is_gauges;       /* … that is gauges */
	uint8_t key[BLOCK_KEY_MAX];
	size_t key_size;
	int error;
};

void block_begin(struct block *b, struct block_names *names, const struct export_span *span);
void block_series(struct block *b, const struct export_key *key);
void block_slot(struct block *b, uint32_t second, const uint8_t *packed, uint32_t size);
void block_gauges(struct block *b, uint32_t second, const double values[METRICS_GAUGES]);
/*
 * Head, table, runs: in this order they are the block. -ENOMEM. One that is not written leaves
 * names that its file lacks: the file is at its end then.
 */
int block_end(struct block *b);
void block_fini(struct block *b);

size_t block_key_put(const struct export_key *key, uint8_t out[BLOCK_KEY_MAX]);
bool block_is_gauges(enum export_kind kind);
/* Texts point into bytes. */
int block_key_get(const uint8_t *bytes, size_t size, struct export_key *out);

uint64_t block_sum(uint64_t sum, const void *bytes, size_t count);
/* Of a whole block in memory. Why it is none, or NULL. */
const char *block_check(const uint8_t *bytes, size_t size);

#endif
