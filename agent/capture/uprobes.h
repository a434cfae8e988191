/*
 * uprobes - many probes in one file of programs, as one link of the kernel's (uprobe_multi).
 *
 * Threads:  any.
 * Memory:   none; a link is the caller's to let go, which detaches.
 * Errors:   a descriptor or -errno: -EINVAL: kernels before 6.6 know no such link; -ETIMEDOUT: the
 *           kernel waits for somebody who maps the file, or would have to; to be tried again.
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
void uprobes_detach(int link);
bool uprobes_wait(void); /* an attempt now would be too late at once, and nobody may fork */

/* Who does that in this process: the broker's keeper (keeper.h), else uprobes_link and close. */
struct uprobes_maker {
	int (*attach)(void *ctx, const struct uprobes *u);
	void (*detach)(void *ctx, int link);
	bool (*waits)(void *ctx);
	void *ctx;
};
void uprobes_maker_set(const struct uprobes_maker *maker); /* copied; NULL: it itself */

int uprobes_link(const struct uprobes *u); /* here and now, however long it takes */

#endif
