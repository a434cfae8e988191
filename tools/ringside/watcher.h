/*
 * watcher - a process that sees by the maps of a command whether the library is in, and ends.
 *
 * Threads:  one, before exec. The watcher is nobody's child to reap, in a session of its own, and
 *           holds nothing of the command's but standard error, for WATCHER_SECONDS at most.
 * Memory:   none.
 * Errors:   watcher_start: 0 or -errno; what the watcher finds wrong it says on standard error.
 */
#ifndef RINGSIDE_WATCHER_H
#define RINGSIDE_WATCHER_H

#include <sys/types.h>

#define WATCHER_SECONDS 2

struct watcher {
	int go; /* closed by exec: the watcher looks from then on */
};

/* -ENOTSUP: whoever ends without a parent becomes the command's own child, or nobody listens. */
int watcher_start(struct watcher *w, const char *name);
void watcher_cancel(struct watcher *w); /* the command could not be started */

enum watcher_sight {
	WATCHER_SEES_NOTHING,
	WATCHER_SEES_LIBRARY, /* mapped, without a segment yet */
	WATCHER_SEES_SEGMENT, /* it records */
	WATCHER_SEES_END,     /* no such process any more, or not ours to look at */
};

enum watcher_sight watcher_look(pid_t pid);

/* Why the library of a process is not in, in words. */
void watcher_explain(pid_t pid, enum watcher_sight sight, char *out, size_t size);

#endif
