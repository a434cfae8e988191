/*
 * scribe - writes the files of one folder on a thread of its own, in the order in which that is
 *          given to it: a disk that stalls holds up nobody who gives.
 *
 * Threads:  its own, which alone touches the files from scribe_run on; before that whoever gives
 *           writes himself. The functions are for any.
 * Memory:   scribe_open allocates; scribe_close writes what is left, ends the thread and frees. The
 *           folder and all names are borrowed until then; bytes that are given are the scribe's.
 * Errors:   0 or -errno: -ENOBUFS: too much is waiting. What the disk says: scribe_error.
 *
 * What was given is on its way, and safe when scribe_wrote says so: nobody is to be told earlier. A
 * kill costs what was given from some place on, and nothing before it.
 */
#ifndef BASE_SCRIBE_H
#define BASE_SCRIBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCRIBE_BYTES (64u << 20) /* that wait: what comes on top of that is refused */
#define SCRIBE_FILES 8           /* of a folder: more are refused with -ENOSPC */

struct scribe;

enum scribe_how {
	SCRIBE_WHOLE,  /* in place of the file, synced: after a kill it is the old or the new one */
	SCRIBE_APPEND, /* to what was written as a whole before; not synced */
	SCRIBE_SYNC,   /* what was appended */
	SCRIBE_OVER,   /* at the beginning of the file, in one call; not synced */
};

struct scribe_page {
	const char *file;
	enum scribe_how how;
	char *bytes; /* of malloc; given away whatever is answered; NULL: none */
	size_t length;
	const char *stop; /* of stops.h, behind it; NULL: none */
};

int scribe_open(struct scribe **out, const char *folder);
int scribe_run(struct scribe *s);    /* starts the thread */
void scribe_close(struct scribe *s); /* NULL is allowed */
const char *scribe_folder(const struct scribe *s);

int scribe_give(struct scribe *s, const struct scribe_page *page);

/* What was given last, by its number; has the disk taken, or refused, all up to that one? */
uint64_t scribe_given(struct scribe *s);
bool scribe_wrote(struct scribe *s, uint64_t number);
bool scribe_wait(struct scribe *s, uint64_t number, uint32_t most_ms); /* … within that time? */

/*
 * Of the file, as far as it came: -errno where the disk refused the last of it, 0 where it took it.
 * After that nothing is appended to the file until it is written as a whole.
 */
int scribe_error(struct scribe *s, const char *file);

/* Readable when the disk took or refused something since scribe_clear. */
int scribe_fd(const struct scribe *s);
void scribe_clear(struct scribe *s);

#endif
