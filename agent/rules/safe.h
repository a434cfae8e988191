/*
 * safe - the state of alerts on its way to the disk: how far it is, and which notices it has.
 *
 * Threads:  one owner at a time, which never waits for the disk: that is the scribe's.
 * Memory:   a value; the scribe is borrowed.
 * Errors:   0 or -errno; what the disk refuses is tried again each second, and said.
 */
#ifndef RULES_SAFE_H
#define RULES_SAFE_H

#include "diary.h"

#define SAFE_BAD 160

struct safe {
	struct diary diary;
	uint64_t saving;    /* the scribe's number of the state that is being written; 0: none is */
	uint64_t covering;  /* the sequence of the last notice that is in it */
	uint64_t covered;   /* the same of what is on disk, or was refused: it may be sent */
	uint64_t marked;    /* the sequence of the last one that was */
	uint32_t late;      /* seconds in a row in which something was not written */
	int error;          /* why the disk has it not, -errno */
	char bad[SAFE_BAD]; /* what was there could not be read, and why; "": it could */
};

void safe_init(struct safe *s, struct scribe *scribe);

/* Into an engine that is new. What cannot be read is set aside, and logged. */
void safe_load(struct safe *s, struct engine *e, int64_t now_ns);

/* Now, behind what is being written. -ENOBUFS: the scribe is far behind. */
int safe_save(struct safe *s, struct engine *e, int64_t now_ns);

void safe_second(struct safe *s, struct engine *e, int64_t now_ns); /* what changed, if need be */
void safe_look(struct safe *s, struct engine *e);                   /* has the scribe come to it? */
void safe_mark(struct safe *s, uint64_t sequence);

/* What is wrong with it, for people. False: nothing is. */
bool safe_complains(const struct safe *s, char *out, size_t size);

#endif
