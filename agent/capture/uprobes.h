/*
 * uprobes - many probes in one file of programs, as one link of the kernel's (uprobe_multi).
 *
 * Threads:  any.
 * Memory:   none; the descriptor is the caller's to close, which detaches.
 * Errors:   a descriptor or -errno: -EINVAL: kernels before 6.6 know no such link.
 * By the bare system call: the library that loads our programs is older than it.
 */
#ifndef CAPTURE_UPROBES_H
#define CAPTURE_UPROBES_H

#include <stdbool.h>
#include <stdint.h>

#define UPROBES_ATTACH_TYPE 48 /* BPF_TRACE_UPROBE_MULTI, what a program has to be loaded for */

struct uprobes {
	int program;
	int file;                   /* open; where a target of it maps it does not matter */
	const uint64_t *offsets;    /* in the file */
	const uint64_t *semaphores; /* in the file, 0: none; NULL: no probe has one */
	const uint64_t *cookies;    /* NULL: none is wanted */
	uint32_t count;
	bool returns; /* of the functions that begin there, not of their entry */
	int32_t pid;  /* 0: of whoever maps the file */
};

int uprobes_attach(const struct uprobes *u);

#endif
