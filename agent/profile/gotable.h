/*
 * gotable - the functions of a Go program, by the table that its runtime has of them (pclntab) and
 *           that stripping leaves in place.
 *
 * Threads:  one, in a locked-down child: files are hostile.
 * Memory:   a value, taken before: nothing is allocated here. The file is borrowed.
 * Errors:   0 or -errno: -ENODATA: there is none that we can read.
 * Of Go 1.18 and later: a header (16 bytes, then words of 8: functions, files, address of the text,
 * then where the names, three other tables and the functions begin); there, for each function and
 * one more for the end of the last, 4 bytes of place in the text and 4 of its record, which begins
 * with its place again and that of its name.
 */
#ifndef PROFILE_GOTABLE_H
#define PROFILE_GOTABLE_H

#include "image.h"

#define GOTABLE_FUNCTIONS (4u << 20)
#define GOTABLE_NAME 512u /* functions with longer names are left out */
#define GOTABLE_WINDOW 65536u

/* What was read last, of each of its parts. */
struct gotable_window {
	uint64_t at; /* in the table */
	size_t bytes;
	unsigned char room[GOTABLE_WINDOW];
};

enum { GOTABLE_PLACES, GOTABLE_RECORDS, GOTABLE_NAMES, GOTABLE_PARTS };

struct gotable {
	const struct image *file;
	uint64_t offset, bytes;    /* of the table, in the file */
	uint64_t text;             /* address */
	uint64_t names, functions; /* where they begin in the table */
	uint32_t count;
	struct gotable_window windows[GOTABLE_PARTS];
};

int gotable_open(struct gotable *t, struct image *file);

/* A result other than 0 ends it, and is the result. Names are those of the Go source. */
typedef int (*gotable_fn)(void *ctx, const char *name, uint64_t address, uint64_t size);
int gotable_each(struct gotable *t, gotable_fn each, void *ctx);

/* As image_look_up. */
int gotable_look_up(struct gotable *t, const struct image_name *names, uint32_t count,
		    image_fn each, void *ctx);

#endif
