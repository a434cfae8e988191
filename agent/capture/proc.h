/*
 * proc - fixed columns of /proc that tell one process from another.
 *
 * Threads:  any; nothing is shared.
 * Memory:   the caller's.
 * Errors:   0 or -errno: -ESRCH the process is gone, -EPROTO a file in a form not known.
 */
#ifndef CAPTURE_PROC_H
#define CAPTURE_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROC_PATH_BYTES 64

struct proc_stat {
	int32_t pid, parent;
	char comm[16];
	char state;
	bool kernel; /* a kernel thread */
	uint64_t start_ticks;
	uint64_t start_code; /* 0 where it may not be read */
};

/* A mapping of a segment's first page, and whether the shim is mapped at all. */
#define PROC_RANGE_BYTES 40
#define PROC_SEGMENTS 8
#define PROC_KINS 4 /* an inherited one and its own, as a rule */
struct proc_maps {
	char range[PROC_SEGMENTS][PROC_RANGE_BYTES]; /* as the names in map_files have it */
	char kin[PROC_KINS][PROC_RANGE_BYTES];       /* of segments that are shared with children */
	uint32_t segments, kins;
	bool shim;
	bool rings;    /* and queues of io_uring */
	bool readable; /* false: not ours to look into */
};

/* The whole of a small file, NUL-terminated; its length or -errno. Never of proc_memory_open's. */
long proc_file_read(int32_t pid, const char *name, char *out, size_t size);

/*
 * Of what is told of its memory (cmdline, maps, smaps_rollup, io, map_files) whoever asks may be
 * kept waiting by the process for good: a descriptor, opened by whom proc_opener_set named, else
 * here; or -errno, as the opener's.
 */
typedef int (*proc_opener_fn)(void *ctx, int32_t pid, const char *name, int flags);
void proc_opener_set(proc_opener_fn opener, void *ctx); /* of this process; NULL: itself */
int proc_memory_open(int32_t pid, const char *name, int flags);
long proc_memory_file_read(int32_t pid, const char *name, char *out, size_t size);

int proc_stat_parse(const char *text, struct proc_stat *out);
int proc_stat_read(int32_t pid, struct proc_stat *out);

/* One line of maps; adds to out what it says of a segment or of the shim. */
void proc_maps_line(struct proc_maps *out, const char *line);
/* -ESRCH too when there are none: it is over, or its first thread is. Else as proc_memory_open. */
int proc_maps_read(int32_t pid, struct proc_maps *out);

/* The pid that a process has in its own namespace; 0: unknown. */
uint32_t proc_own_pid(int32_t pid);

/* Its effective uid; UINT32_MAX: unknown. (/proc/PID is root's while it is not dumpable.) */
uint32_t proc_uid(int32_t pid);
/*
 * Who answers for it: the maker of the outermost user namespace that it is in below ours, unless
 * that is root (his subordinate uids are all his); else as proc_uid.
 */
uint32_t proc_owner(int32_t pid);

struct proc_usage {
	double pss, anonymous;          /* bytes; negative: unknown */
	double read_bytes, write_bytes; /* totals; negative: unknown */
	bool rings;                     /* io_uring was found in use */
};

void proc_memory_read(int32_t pid, struct proc_usage *out); /* pss and anonymous */
void proc_io_read(int32_t pid, struct proc_usage *out);     /* the rest */

#endif
