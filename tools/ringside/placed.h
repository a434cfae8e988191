/*
 * placed - the library as programs will see it: in the running system, or in a folder that is to
 *          become one.
 *
 * Threads:  one.
 * Memory:   the caller's.
 * Errors:   0 or -errno with a sentence.
 */
#ifndef RINGSIDE_PLACED_H
#define RINGSIDE_PLACED_H

#include "preload.h"

/*
 * root: "" or the folder; named: as with `ringside run --shim`, within root. out: without root,
 * absolute, no symbolic link.
 */
int placed_find(const char *root, const char *named, char out[PRELOAD_PATH],
		struct preload_error *error);

/* root as it is meant: "" for NULL and "/", without a slash at its end. -ENOTDIR. */
int placed_root(const char *given, char out[PRELOAD_PATH]);

#endif
