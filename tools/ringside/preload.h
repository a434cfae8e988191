/*
 * preload - where libringside.so is, and LD_PRELOAD with it in front.
 *
 * Threads:  one.
 * Memory:   preload_join allocates, the caller frees; the rest is the caller's.
 * Errors:   0 or -errno with a sentence in error.
 */
#ifndef RINGSIDE_PRELOAD_H
#define RINGSIDE_PRELOAD_H

#include <stddef.h>

#define PRELOAD_PATH 4096
#define PRELOAD_LIBRARY "libringside.so"

struct preload_error {
	char text[PRELOAD_PATH + 256];
};

/*
 * named: by --shim or RINGSIDE_SHIM; NULL: looked for beside program (the path of ringside itself:
 * a build tree, then an installation), then in the system's folders. out: absolute, no symlink.
 */
int preload_find(const char *named, const char *program, char out[PRELOAD_PATH],
		 struct preload_error *error);

/* The library, then what rest (an LD_PRELOAD, NULL: none) holds but other copies of it. */
char *preload_join(const char *library, const char *rest);

#endif
