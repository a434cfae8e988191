/*
 * bundle - the files of the rules' folder in one descriptor: made by who may read them, taken apart
 *          by who understands them.
 *
 * Threads:  any; a bundle by one thread.
 * Memory:   bundle_open copies it whole, bundle_close frees; files are borrowed from it.
 * Errors:   0 or -errno. A file that cannot be read is in it with its error; -EBADMSG: no bundle.
 */
#ifndef RULES_BUNDLE_H
#define RULES_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUNDLE_FILES 64u
#define BUNDLE_FILE_BYTES (1024u * 1024)
#define BUNDLE_NAME 256

struct bundle {
	char *bytes;
	size_t length, at;
};

struct bundle_file {
	char name[BUNDLE_NAME]; /* with its folder */
	const char *bytes;
	size_t length;
	int error; /* -errno; 0: it was read */
};

/* All *.json in a folder, by name. A folder that is not there has none. */
int bundle_make(const char *folder, int *fd);

/* Only these files; NULL ends them. */
int bundle_make_of(char *const *paths, int *fd);

/* Another one when a file came, went or was written since. */
uint64_t bundle_mark(const char *folder);

int bundle_open(struct bundle *b, int fd); /* fd stays the caller's */
void bundle_close(struct bundle *b);
bool bundle_next(struct bundle *b, struct bundle_file *out); /* false: that was all */

#endif
