/*
 * uprobe - puts a program of the kernel into a file's functions, for one process alone.
 *
 * Threads:  any.
 * Memory:   none; the link is the caller's: when it is closed, all of it is gone.
 * Errors:   a link, or -errno: -EINVAL and -EOPNOTSUPP where the kernel has no uprobe_multi.
 * One system call, and one to end it, however many places there are: a probe each, of the kind that
 * perf makes, is ended in 100 ms each.
 */
#ifndef CAPTURE_UPROBE_H
#define CAPTURE_UPROBE_H

#include <stdbool.h>
#include <stdint.h>

struct uprobe {
	int program, file; /* descriptors */
	int32_t pid;
	const uint64_t *offsets; /* in the file */
	const uint64_t *cookies; /* for the program, by offset */
	uint32_t count;
	bool at_return; /* of the functions that begin there */
};

int uprobe_attach(const struct uprobe *u);

#endif
