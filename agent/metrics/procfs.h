/*
 * procfs - what /proc says of one process, as any user may read it.
 *
 * Threads:  any; nothing is shared.
 * Memory:   procfs_threads keeps what was last seen of each thread; the rest is the caller's.
 * Errors:   -ESRCH: the process is gone; -EPROTO: a file in a form not known.
 */
#ifndef METRICS_PROCFS_H
#define METRICS_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROCFS_NONE UINT64_MAX   /* no limit */
#define PROCFS_THREADS_MAX 1024u /* above, /proc/PID/stat alone: 10 ms steps and no run queue */

struct procfs_process {
	uint64_t start_ticks;
	uint64_t user_ns, system_ns; /* in 10 ms steps, ended threads included */
	uint64_t minor_faults, major_faults;
	uint32_t threads;
	uint32_t cpus;                          /* allowed by affinity and cpuset; 0: unknown */
	uint64_t rss, anonymous, data, virtual; /* bytes */
};

struct procfs_limits {
	uint64_t address_space, data; /* RLIMIT_AS, RLIMIT_DATA: bytes, PROCFS_NONE */
};

struct procfs_thread {
	int32_t tid;
	uint64_t run_ns, wait_ns, disk_ns;
	uint64_t before_ns; /* run_ns at the look before */
	uint32_t looks;     /* before this one */
	char name[16];
};

/* Never goes back: what an ended thread was last seen with stays in the sums. */
struct procfs_threads {
	struct procfs_thread *seen; /* in the order of tid */
	uint32_t count;
	uint64_t gone_run_ns, gone_wait_ns, gone_disk_ns;
	uint64_t run_ns, wait_ns;
	uint64_t disk_ns; /* waited for disks, in 10 ms steps of each thread */
	bool delays;      /* the caller's: the kernel counts that; else it is not read */
};

/* The whole of a small file, NUL-terminated; its length or -errno. path is below root. */
long procfs_file_read(const char *root, const char *path, char *out, size_t size);

int procfs_process_read(const char *root, int32_t pid, struct procfs_process *out);
int procfs_limits_read(const char *root, int32_t pid, struct procfs_limits *out);

/* A thread's, in 10 ms steps. */
int procfs_thread_times(const char *root, int32_t pid, int32_t tid, uint64_t *user_ns,
			uint64_t *system_ns);

/* Does the kernel count what threads wait for disks? An administrator turns it on. */
bool procfs_delays(const char *root);

/* Sums schedstat over the threads. stat_ns: the total of stat, below which run_ns never falls. */
int procfs_threads_read(struct procfs_threads *threads, const char *root, int32_t pid,
			uint64_t stat_ns);
void procfs_threads_fini(struct procfs_threads *threads);

/* Reads up to n numbers with blanks between them; returns how many there were. */
uint32_t procfs_numbers(const char *text, uint64_t *out, uint32_t n);

/* How many numbers a list like "0-3,8" names; 0: not such a list. */
uint32_t procfs_list_count(const char *list);

#endif
