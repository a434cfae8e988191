/*
 * library - a shared library that is opened by who needs it first, so that others stay small.
 *
 * Threads:  any, but one at a time for the same pointers.
 * Memory:   an opened library stays for good.
 * Errors:   0 or -errno: -ELIBACC: it, or one of the functions, is not there: none is to be called.
 */
#ifndef BASE_LIBRARY_H
#define BASE_LIBRARY_H

#include <stddef.h>

struct library_function {
	const char *name;
	void *to; /* the pointer to it that is filled */
};

/* name: as the linker knows it ("libdw.so.1"). Again is fine. */
int library_open(const char *name, const struct library_function *functions, size_t count);

#endif
