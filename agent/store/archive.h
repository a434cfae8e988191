/*
 * archive - the files of one step: blocks are appended to the newest, the oldest are deleted.
 *
 * Threads:  one writes; archive_walk anybody, of a copy of struct archive_file.
 * Memory:   archive_open allocates, archive_close frees.
 * Errors:   0 or -errno. What is not sound at the end of a file is cut off, a file that cannot be
 *           read is set aside; both are told in words. One that can be read again is up to where a
 *           later one begins, for which memory or finer steps stood in: nothing counts twice.
 * Format:   struct archive_head, then blocks. A file is of one boot, so that seconds are of one
 *           CLOCK_MONOTONIC. A writer that is killed leaves whole blocks and a part of one: reading
 *           takes what is whole, and opening again cuts off the rest.
 */
#ifndef STORE_ARCHIVE_H
#define STORE_ARCHIVE_H

#include "block.h"

#define ARCHIVE_BOOT_BYTES 40
#define ARCHIVE_TEXT 160
#define ARCHIVE_NAME 40
#define ARCHIVE_NEXT ".next"          /* behind the name of a file that is not whole yet */
#define ARCHIVE_FILE_BYTES (8u << 20) /* then a new one is begun */

struct archive_head {
	uint64_t magic;
	uint32_t version, step_s;
	char boot[ARCHIVE_BOOT_BYTES];
};

struct archive_file {
	uint64_t serial, bytes;
	uint32_t from_s, until_s; /* of its blocks; both 0: none */
	uint32_t over_s;        /* from here on a later file has it too, and counts; 0: none has */
	int64_t wall_offset_ms; /* as its boot told it last */
	char boot[ARCHIVE_BOOT_BYTES];
	uint32_t blocks;
	bool is_gauges;  /* of them alone, see block.h */
	bool is_compact; /* or cannot be */
	bool is_aside;   /* it cannot be read, as it is or by us: no blocks */
};

struct archive {
	int folder;
	enum series_step step;
	char boot[ARCHIVE_BOOT_BYTES];
	struct archive_file *files; /* the oldest first */
	uint32_t count, capacity;
	int fd; /* of the newest, while it is written to; -1 */
	struct block_names *names;
	bool is_only;           /* looked at: another one writes */
	uint64_t bytes;         /* of all files */
	uint64_t cuts;          /* ends that were not sound, files that are set aside */
	char cut[ARCHIVE_TEXT]; /* the last of them: file, offset, reason */
};

/* folder: a descriptor, borrowed. */
int archive_open(struct archive *a, int folder, enum series_step step,
		 const char boot[ARCHIVE_BOOT_BYTES]);
/* To read files beside who writes them: nothing is cut off nor deleted, and nothing written. */
int archive_open_only(struct archive *a, int folder, enum series_step step);
void archive_close(struct archive *a);

/* Names for the next block, of the newest file or of one that it begins. NULL: no memory. */
struct block_names *archive_names(struct archive *a);
int archive_append(struct archive *a, const struct block *block);
void archive_give_up(struct archive *a); /* the block of these names is not written */

/* A whole file of one block, of the boot that its slots are of. */
int archive_append_alone(struct archive *a, const struct block *block,
			 const char boot[ARCHIVE_BOOT_BYTES]);

/* Deletes a file, 0: the oldest; never the one being written. False: there is no such. */
bool archive_drop(struct archive *a, uint32_t index);

/* The oldest file that is complete and of small blocks; -1: there is none. */
int archive_loose(const struct archive *a);
void archive_compacted(struct archive *a, int index, uint64_t bytes); /* it has so many now */

void archive_name(enum series_step step, uint64_t serial, char out[ARCHIVE_NAME]);

/* Seconds up to which this boot's, or that boot's, slots are there; 0: none are. */
uint32_t archive_until(const struct archive *a);
uint32_t archive_until_of(const struct archive *a, const char boot[ARCHIVE_BOOT_BYTES]);

/* Is there a file of all these milliseconds of the wall clock? */
bool archive_covers(const struct archive *a, int64_t from_ms, int64_t until_ms);

/*
 * Hands out each run of each block: head, key, bytes. Its own answers decide: false from want
 * skips the run, from run ends the walk. want is asked once for a key and file, in the order of
 * their numbers.
 */
struct archive_walk {
	void *ctx;
	bool (*want)(void *ctx, const struct export_key *key);
	bool (*block)(void *ctx, const struct block_head *head); /* false: none of its runs */
	bool (*run)(void *ctx, const struct block_head *head, const uint8_t *bytes, size_t size);
	void (*number)(void *ctx, uint32_t number); /* NULL, or: of whom the next run is */
};
int archive_read(int folder, enum series_step step, const struct archive_file *file,
		 const struct archive_walk *walk);

#endif
