/*
 * accept - is this file really a segment of ours? Asked before anybody maps it.
 *
 * Threads:  the broker's only one.
 * Memory:   accept_open keeps a memfd of its own to compare with; accept_close ends it.
 * Errors:   enum accept_reason; every refusal has its own.
 * A file of a target is first opened O_PATH, which runs no file system's code; what is not a memfd
 * of the kernel's own mount is not opened any further.
 */
#ifndef CAPTURE_ACCEPT_H
#define CAPTURE_ACCEPT_H

#include <ringside/segment.h>

#include <stdint.h>

#define ACCEPT_DEFAULT_RUN_DIR "/run/ringside"
#define ACCEPT_PER_UID 4096u
#define ACCEPT_IN_ALL 16384u

enum accept_reason {
	ACCEPT_OK,
	ACCEPT_GONE,    /* the mapping or its process ended meanwhile */
	ACCEPT_EARLY,   /* its header is not written yet */
	ACCEPT_LATER,   /* a rule waits for the port that it will listen on */
	ACCEPT_RULED,   /* no rule of the configuration admits it */
	ACCEPT_READER,  /* it maps another process's, and no shim: a worker of this agent does */
	ACCEPT_FOREIGN, /* it names another agent's run directory: the last that is no refusal */
	ACCEPT_ACCESS,  /* this agent may not open it */
	ACCEPT_DEVICE,
	ACCEPT_MOUNT,
	ACCEPT_TYPE,
	ACCEPT_SEALS,
	ACCEPT_SIZE,
	ACCEPT_MAGIC,
	ACCEPT_ABI,
	ACCEPT_PID,
	ACCEPT_TWICE,
	ACCEPT_QUOTA_UID,
	ACCEPT_QUOTA_ALL,
	ACCEPT_REASONS,
};

struct accept {
	int own;         /* a memfd of ours */
	uint64_t device; /* where memfds live */
	uint64_t mount;
	char run_dir[112];
};

struct accept_segment {
	int fd; /* open for reading and writing; the caller's to close */
	uint64_t inode;
	struct rs_header claims; /* a private copy, texts NUL-terminated */
};

int accept_open(struct accept *a, const char *run_dir); /* -errno */
void accept_close(struct accept *a);

/* path_fd: O_PATH of the file, borrowed. own_pid: what its process calls itself; 0: not checked. */
enum accept_reason accept_check(const struct accept *a, int path_fd, uint32_t own_pid,
				struct accept_segment *out);

/* As above, of one mapping of a process: range as map_files names it. */
enum accept_reason accept_mapping(const struct accept *a, int32_t pid, const char *range,
				  uint32_t own_pid, struct accept_segment *out);

/* Of a header that was copied; its texts are ended. */
enum accept_reason accept_claims(const struct accept *a, uint32_t own_pid, struct rs_header *h);

const char *accept_reason_text(enum accept_reason reason);

#endif
