/*
 * checkpoint - what of each process was booked, and the next stage's state of the same moment.
 *
 * Threads:  the drain thread; checkpoint_open before it.
 * Memory:   checkpoint_open maps and allocates, checkpoint_close frees.
 * Errors:   0 or -errno; see each.
 * Format:   two halves of CHECKPOINT_HALF_BYTES, written in turn: head, blob, entries. The newest
 *           one whose sum is right counts. The sum is over everything, so that it matters neither
 *           at which instruction a writer was killed nor what it had stored by then: the half it
 *           was in is not right or is as it was, and the other half was not touched.
 */
#ifndef DRAIN_CHECKPOINT_H
#define DRAIN_CHECKPOINT_H

#include "counters.h"

#include <stddef.h>

#define CHECKPOINT_BOOT_BYTES 40
#define CHECKPOINT_HEAD_BYTES 4096u
#define CHECKPOINT_BLOB_BYTES (1u << 20)
#define CHECKPOINT_ENTRIES_BYTES (31u << 20) /* 16,384 processes of 140 threads; sparse */
#define CHECKPOINT_HALF_BYTES                                                                      \
	(CHECKPOINT_HEAD_BYTES + CHECKPOINT_BLOB_BYTES + CHECKPOINT_ENTRIES_BYTES)

/* One process; its tails follow: lanes of them, then that of the overflow lane. */
struct checkpoint_entry {
	uint64_t start_ticks; /* with pid and inode: the same segment of the same process */
	uint64_t inode;       /* of the memfd */
	int32_t pid;
	uint32_t lanes;               /* 0 … RS_LANES */
	struct counters_words booked; /* the next stage has all up to here */
};

struct checkpoint;

/*
 * boot: of the running kernel; what another one left is not taken. Takes what there is out of the
 * file. -EBUSY: another agent keeps its own there; -ENOSPC, and what open(2) says.
 */
int checkpoint_open(struct checkpoint **out, const char *path,
		    const char boot[CHECKPOINT_BOOT_BYTES]);
void checkpoint_close(struct checkpoint *c); /* NULL is fine */

/* What was found, until checkpoint_forget_blob; NULL: no good half was there. */
const void *checkpoint_blob(const struct checkpoint *c, size_t *bytes);
void checkpoint_forget_blob(struct checkpoint *c);

/* The entry of this process, once; NULL: none. It and its tails are good until the next call. */
const struct checkpoint_entry *checkpoint_take(struct checkpoint *c, int32_t pid,
					       uint64_t start_ticks, uint64_t inode);
const uint64_t *checkpoint_tails(const struct checkpoint_entry *entry);

/* Entries not taken are written again with each checkpoint, until this. */
void checkpoint_forget(struct checkpoint *c);

/*
 * A new one: room of CHECKPOINT_BLOB_BYTES for the blob, then the entries, then its end. Without
 * the end the newest is still the last one.
 */
void *checkpoint_begin(struct checkpoint *c);
int checkpoint_put(struct checkpoint *c, const struct checkpoint_entry *entry,
		   const uint64_t *tails);                   /* -ENOSPC */
int checkpoint_end(struct checkpoint *c, size_t blob_bytes); /* -ENOSPC: now or at a put */

#endif
