/*
 * handover - what the broker is asked for, and hands over in its own time: the files that a process
 *            executes, the slots of its snapshots, what it waited for.
 *
 * Threads:  any; one question at a time, the others wait for their turn.
 * Memory:   handover_fini closes what came for nobody; an answer's descriptors are the asker's.
 * Errors:   0 or -errno, or a sentence that says why not.
 */
#ifndef PROFILE_HANDOVER_H
#define PROFILE_HANDOVER_H

#include "symbols.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct handover_files {
	struct symbols_file files[SYMBOLS_FILES];
	uint32_t count;
};

struct handover {
	int (*ask)(void *ctx, uint64_t key);
	int (*unwind)(void *ctx, uint64_t key, uint32_t seconds);
	int (*offcpu)(void *ctx, uint64_t key, uint32_t seconds);
	void *ctx;
	pthread_mutex_t turn, lock;
	pthread_cond_t came;
	uint64_t key;               /* 0: nothing is asked for */
	struct handover_files *out; /* NULL: no files are */
	bool complete;
	bool rows;     /* they are asked for, not slots */
	int fd, error; /* the answer to a question for either */
};

void handover_init(struct handover *h);
void handover_fini(struct handover *h);

/* What came, whoever it was for. */
void handover_file_put(struct handover *h, uint64_t key, const struct symbols_file *file);
void handover_files_end(struct handover *h, uint64_t key);
void handover_slots_put(struct handover *h, uint64_t key, int slots, int error);
void handover_rows_put(struct handover *h, uint64_t key, int rows, int error);

/* Waits a second at most. NULL, or why there are none; *out is to be closed by handover_close. */
const char *handover_files(struct handover *h, uint64_t key, struct handover_files *out);
void handover_close(struct handover_files *files);

/* Its snapshots begin; so many seconds at most, or until they are ended. */
int handover_slots(struct handover *h, uint64_t key, uint32_t seconds, int *out);
void handover_slots_end(struct handover *h, uint64_t key);

/* Its waits are summed from now on, so many seconds at most; and what they were. */
int handover_rows_begin(struct handover *h, uint64_t key, uint32_t seconds);
int handover_rows(struct handover *h, uint64_t key, int *out);

#endif
