/*
 * stamped - files of state whose first line says what the rest is: one that was cut off or
 *           corrupted is known by that.
 *
 * Threads:  any; what is written is given to a scribe.
 * Memory:   what was read is the caller's until stamped_free.
 * Errors:   0 or -errno. -ENOENT: there is none; -EBADMSG: it is not what was written, and why says
 *           from which byte on.
 *
 * "ringside NAME 1 SUM LENGTH\n", then LENGTH bytes whose sum that is, in 16 hexadecimal digits.
 */
#ifndef RULES_STAMPED_H
#define RULES_STAMPED_H

#include "scribe.h"

#define STAMPED_WHY 96
#define STAMPED_BYTES (64u << 20) /* no file is ever longer */

struct stamped {
	char *file; /* all of it */
	char *body; /* behind the first line; a NUL is behind it */
	size_t length;
};

/* The page with its first line in front; its bytes stay the caller's. */
int stamped_give(struct scribe *scribe, const struct scribe_page *page);

int stamped_read(const struct scribe *scribe, const char *name, struct stamped *out,
		 char why[STAMPED_WHY]);
void stamped_free(struct stamped *s);

/* FNV-1a. */
uint64_t stamped_sum(const char *bytes, size_t length);

#endif
