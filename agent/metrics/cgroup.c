#include "cgroup.h"

#include "procfs.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CGROUP_UNLIMITED (UINT64_C(1) << 60) /* v1 writes LONG_MAX, cut to a page */
#define CGROUP_TEXT 65536

/* Where a controller's files are named differently. */
struct cgroup_names {
	const char *limit, *used, *inactive;
};

static const struct cgroup_names cgroup_v1 = { "memory.limit_in_bytes", "memory.usage_in_bytes",
					       "total_inactive_file" };
static const struct cgroup_names cgroup_v2 = { "memory.max", "memory.current", "inactive_file" };

/* Is the name in a list with commas? */
static bool cgroup_list_has(const char *list, const char *name)
{
	size_t length = strlen(name);

	while (list && *list) {
		if (!strncmp(list, name, length) && (list[length] == ',' || !list[length]))
			return true;
		list = strchr(list, ',');
		list = list ? list + 1 : NULL;
	}
	return false;
}

static void cgroup_mount_set(struct cgroup_mount *mount, const char *root, const char *point)
{
	if (mount->point[0])
		return;
	snprintf(mount->root, sizeof(mount->root), "%s", root);
	snprintf(mount->point, sizeof(mount->point), "%s", point);
}

static void cgroup_mount_line(const char *line, struct cgroup_mounts *out)
{
	char root[256], point[256], type[32], options[512];
	const char *dash = strstr(line, " - ");

	if (!dash || sscanf(line, "%*d %*d %*s %255s %255s", root, point) != 2 ||
	    sscanf(dash, " - %31s %*s %511s", type, options) != 2)
		return;
	if (!strcmp(type, "cgroup2"))
		cgroup_mount_set(&out->unified, root, point);
	if (strcmp(type, "cgroup") != 0)
		return;
	if (cgroup_list_has(options, "memory"))
		cgroup_mount_set(&out->memory, root, point);
	if (cgroup_list_has(options, "cpu"))
		cgroup_mount_set(&out->cpu, root, point);
}

int cgroup_mounts_read(const char *root, struct cgroup_mounts *out)
{
	char *text = malloc(CGROUP_TEXT), *rest = NULL, *line;
	long n;

	memset(out, 0, sizeof(*out));
	if (!text)
		return -ENOMEM;
	n = procfs_file_read(root, "/proc/self/mountinfo", text, CGROUP_TEXT);
	for (line = n > 0 ? strtok_r(text, "\n", &rest) : NULL; line;
	     line = strtok_r(NULL, "\n", &rest))
		cgroup_mount_line(line, out);
	free(text);
	return n < 0 ? (int)n : 0;
}

/* The folder's path below the mount point: a container's mount shows a part of the hierarchy. */
static int cgroup_path(const struct cgroup_mount *mount, const char *path, char *out, size_t size)
{
	size_t length = strlen(mount->root);

	if (length > 1 && !strncmp(path, mount->root, length) &&
	    (path[length] == '/' || !path[length]))
		path += length;
	if (strstr(path, "/.."))
		path = ""; /* outside of our view: what stands at the mount itself applies */
	if (snprintf(out, size, "%s%s", mount->point, strcmp(path, "/") ? path : "") >= (int)size)
		return -ENAMETOOLONG;
	return 0;
}

static long cgroup_file(const char *root, const char *folder, const char *name, char *out,
			size_t size)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	return procfs_file_read(root, path, out, size);
}

static uint64_t cgroup_number(const char *root, const char *folder, const char *name)
{
	char text[64];

	if (cgroup_file(root, folder, name, text, sizeof(text)) <= 0 || text[0] < '0' ||
	    text[0] > '9')
		return CGROUP_NONE;
	return strtoull(text, NULL, 10);
}

/* Of a line "name 7"; CGROUP_NONE: there is none. */
static uint64_t cgroup_value(const char *line, const char *name)
{
	size_t length = strlen(name);

	while (line && (strncmp(line, name, length) != 0 || line[length] != ' ')) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return line ? strtoull(line + length, NULL, 10) : CGROUP_NONE;
}

static uint64_t cgroup_used(const char *root, const char *folder, const struct cgroup_names *names)
{
	uint64_t used = cgroup_number(root, folder, names->used), inactive;
	char text[8192];

	if (used == CGROUP_NONE ||
	    cgroup_file(root, folder, "memory.stat", text, sizeof(text)) <= 0)
		return used == CGROUP_NONE ? 0 : used;
	inactive = cgroup_value(text, names->inactive);
	if (inactive == CGROUP_NONE)
		return used;
	return used > inactive ? used - inactive : 0;
}

static void cgroup_memory(const char *root, const char *folder, const struct cgroup_names *names,
			  struct cgroup_limits *out)
{
	uint64_t limit = cgroup_number(root, folder, names->limit), used;

	if (!limit || limit >= CGROUP_UNLIMITED)
		return;
	used = cgroup_used(root, folder, names);
	if (out->memory_limit != CGROUP_NONE &&
	    (double)used / (double)limit <= (double)out->memory_used / (double)out->memory_limit)
		return;
	out->memory_limit = limit;
	out->memory_used = used;
}

static void cgroup_cpus(const char *folder, double quota, double period, struct cgroup_limits *out)
{
	if (quota <= 0 || period <= 0 || (out->cpus >= 0 && quota / period >= out->cpus))
		return;
	out->cpus = quota / period;
	if (snprintf(out->quota_folder, sizeof(out->quota_folder), "%s", folder) >=
	    (int)sizeof(out->quota_folder))
		out->quota_folder[0] = '\0';
}

static void cgroup_cpu_v1(const char *root, const char *folder, struct cgroup_limits *out)
{
	uint64_t quota = cgroup_number(root, folder, "cpu.cfs_quota_us");
	uint64_t period = cgroup_number(root, folder, "cpu.cfs_period_us");

	if (quota != CGROUP_NONE && period != CGROUP_NONE)
		cgroup_cpus(folder, (double)quota, (double)period, out);
}

static void cgroup_cpu_v2(const char *root, const char *folder, struct cgroup_limits *out)
{
	uint64_t pair[2]; /* quota, or "max"; period */
	char text[64];

	if (cgroup_file(root, folder, "cpu.max", text, sizeof(text)) > 0 &&
	    procfs_numbers(text, pair, 2) == 2)
		cgroup_cpus(folder, (double)pair[0], (double)pair[1], out);
}

static void cgroup_memory_v1(const char *root, const char *folder, struct cgroup_limits *out)
{
	cgroup_memory(root, folder, &cgroup_v1, out);
}

static void cgroup_both_v2(const char *root, const char *folder, struct cgroup_limits *out)
{
	cgroup_memory(root, folder, &cgroup_v2, out);
	cgroup_cpu_v2(root, folder, out);
}

/* From the process's own folder up to the mount point: each of them limits it. */
static void cgroup_walk(const char *root, const struct cgroup_mount *mount, const char *path,
			void (*look)(const char *, const char *, struct cgroup_limits *),
			struct cgroup_limits *out)
{
	char folder[1024], *slash;

	if (!mount->point[0] || cgroup_path(mount, path, folder, sizeof(folder)) < 0)
		return;
	for (;;) {
		look(root, folder, out);
		slash = strrchr(folder, '/');
		if (!slash || (size_t)(slash - folder) < strlen(mount->point))
			return;
		*slash = '\0';
	}
}

/* A line "4:memory:/path"; the unified hierarchy's is "0::/path". */
static void cgroup_line(const char *root, const struct cgroup_mounts *mounts, char *line,
			struct cgroup_limits *out)
{
	char *controllers = strchr(line, ':'), *path;

	if (!controllers || !(path = strchr(++controllers, ':')))
		return;
	*path++ = '\0';
	if (!*controllers)
		cgroup_walk(root, &mounts->unified, path, cgroup_both_v2, out);
	if (cgroup_list_has(controllers, "memory"))
		cgroup_walk(root, &mounts->memory, path, cgroup_memory_v1, out);
	if (cgroup_list_has(controllers, "cpu"))
		cgroup_walk(root, &mounts->cpu, path, cgroup_cpu_v1, out);
}

int cgroup_limits_read(const char *root, const struct cgroup_mounts *mounts, int32_t pid,
		       struct cgroup_limits *out)
{
	char path[64], text[4096], *rest = NULL;
	long n;

	*out = (struct cgroup_limits){ .memory_limit = CGROUP_NONE, .cpus = -1 };
	snprintf(path, sizeof(path), "/proc/%" PRId32 "/cgroup", pid);
	n = procfs_file_read(root, path, text, sizeof(text));
	if (n < 0)
		return (int)n;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		cgroup_line(root, mounts, line, out);
	return 0;
}

static uint64_t cgroup_hash(const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (; *text; text++)
		hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
	return hash | 1;
}

void cgroup_throttle_read(const char *root, const struct cgroup_limits *limits,
			  struct cgroup_throttle *out)
{
	uint64_t periods, throttled, ns, us;
	char text[4096];

	memset(out, 0, sizeof(*out));
	if (!limits->quota_folder[0] ||
	    cgroup_file(root, limits->quota_folder, "cpu.stat", text, sizeof(text)) <= 0)
		return;
	periods = cgroup_value(text, "nr_periods");
	throttled = cgroup_value(text, "nr_throttled");
	ns = cgroup_value(text, "throttled_time"); /* v1 */
	us = cgroup_value(text, "throttled_usec"); /* v2 */
	if (ns == CGROUP_NONE && us != CGROUP_NONE)
		ns = us * 1000;
	if (periods == CGROUP_NONE || throttled == CGROUP_NONE || ns == CGROUP_NONE)
		return;
	*out = (struct cgroup_throttle){ .group = cgroup_hash(limits->quota_folder),
					 .periods = periods,
					 .throttled = throttled,
					 .throttled_ns = ns };
}
