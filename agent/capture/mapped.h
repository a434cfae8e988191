/*
 * mapped - the files that a process executes from, opened for whoever finds names in them.
 *
 * Threads:  the broker's only one.
 * Memory:   the caller's; a descriptor handed to the callback is closed behind it.
 * Errors:   0 or -errno; a file that is not opened is told with the reason.
 * Files are reached by /proc/PID/map_files, so that they are those of the process's own container
 * and the ones it runs, even when they were replaced. None is opened before its mount is known to
 * be of a kind that no other process serves: an open on FUSE may never return. Layers are of such a
 * kind where who laid them could not lay them over one.
 */
#ifndef CAPTURE_MAPPED_H
#define CAPTURE_MAPPED_H

#include <stdbool.h>
#include <stdint.h>

#define MAPPED_FILES 192u /* of one process; more are told without a file */

enum mapped_why {
	MAPPED_OPENED,
	MAPPED_GONE,    /* unmapped meanwhile, or the process ended */
	MAPPED_REFUSED, /* may not be opened */
	MAPPED_KIND,    /* no regular file */
	MAPPED_MOUNT,   /* on a file system that may block */
	MAPPED_MANY,    /* more than MAPPED_FILES */
	MAPPED_MADE,    /* no file: code that the process or the kernel put there */
	MAPPED_WHYS,
};

struct mapped_file {
	uint64_t start, end; /* addresses; 0, 0: the names that a runtime wrote for its own code */
	uint64_t offset;     /* in the file, of start */
	char name[128];      /* canonical, its last part when it is long */
	uint32_t why;        /* enum mapped_why */
};

/* fd: -1 unless opened. A result other than 0 ends the walk. */
typedef int (*mapped_fn)(void *ctx, const struct mapped_file *file, int fd);

int mapped_each(int32_t pid, mapped_fn each, void *ctx);
/* Those alone that are wanted by their name; all others stay closed. No perf map. */
typedef bool (*mapped_wanted_fn)(const char *name);
int mapped_wanted(int32_t pid, mapped_wanted_fn wanted, mapped_fn each, void *ctx);
const char *mapped_why_text(uint32_t why);

struct mapped_mount {
	uint64_t id;
	uint32_t major, minor; /* of its file system */
};

/*
 * The parts of it: a line of maps; the type that a line of mountinfo names for this mount, or for
 * another of its file system.
 */
bool mapped_line(const char *line, struct mapped_file *out);
bool mapped_mount_line(const char *line, const struct mapped_mount *mount, char *type, int size);
bool mapped_type_is_safe(const char *type);

#endif
