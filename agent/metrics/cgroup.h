/*
 * cgroup - the memory limit and the CPU quota that stand above a process: v1, v2 or both at once;
 *          and how often the group of that quota was throttled.
 *
 * Threads:  any; nothing is shared.
 * Memory:   none beyond the caller's.
 * Errors:   0 or -errno; a controller that is not there sets no limit.
 */
#ifndef METRICS_CGROUP_H
#define METRICS_CGROUP_H

#include <stdint.h>

#define CGROUP_NONE UINT64_MAX

struct cgroup_mount {
	char point[256]; /* "" where it is not mounted */
	char root[256];  /* the folder of the hierarchy that is mounted there */
};

struct cgroup_mounts {
	struct cgroup_mount memory, cpu; /* v1 */
	struct cgroup_mount unified;     /* v2 */
};

struct cgroup_limits {
	uint64_t memory_limit;  /* bytes, of the group nearest to its limit; CGROUP_NONE */
	uint64_t memory_used;   /* of that group, without what the kernel would drop first */
	double cpus;            /* quota / period, the smallest on the way up; negative: none */
	char quota_folder[256]; /* of the group that sets it; "": none, or its name is too long */
};

/* Totals of the group that sets the quota, all its processes together. */
struct cgroup_throttle {
	uint64_t group; /* which one: a hash of its folder; 0: nothing is known */
	uint64_t periods, throttled;
	uint64_t throttled_ns; /* of each processor that stood still */
};

int cgroup_mounts_read(const char *root, struct cgroup_mounts *out);
int cgroup_limits_read(const char *root, const struct cgroup_mounts *mounts, int32_t pid,
		       struct cgroup_limits *out);
void cgroup_throttle_read(const char *root, const struct cgroup_limits *limits,
			  struct cgroup_throttle *out);

#endif
