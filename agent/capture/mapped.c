#include "mapped.h"

#include "proc.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAPPED_MOUNT_ID 0x1000u /* STATX_MNT_ID, kernels from 5.8 */
#define MAPPED_PERF_BYTES (64 << 20)
#define MAPPED_TYPE 32
#define MAPPED_LAYERS "overlay"

static const char *const mapped_texts[MAPPED_WHYS] = {
	[MAPPED_OPENED] = "opened",
	[MAPPED_GONE] = "its file is gone",
	[MAPPED_REFUSED] = "its file may not be read",
	[MAPPED_KIND] = "it is no regular file",
	[MAPPED_MOUNT] = "its file system may block whoever reads it",
	[MAPPED_MADE] = "code that a runtime made; it has no perf map that may be read",
	[MAPPED_MANY] = "the process maps too many files",
};

const char *mapped_why_text(uint32_t why)
{
	return why < MAPPED_WHYS ? mapped_texts[why] : "unknown";
}

bool mapped_line(const char *line, struct mapped_file *out)
{
	const char *path = strchr(line, '/');
	char *at;

	memset(out, 0, sizeof(*out));
	out->start = strtoull(line, &at, 16);
	if (at == line || *at != '-')
		return false;
	out->end = strtoull(at + 1, &at, 16);
	if (out->end <= out->start || strlen(at) < 6 || at[3] != 'x' || at[5] != ' ')
		return false;
	out->offset = strtoull(at + 6, &at, 16);
	if (!path || path < at) {
		bool special = strchr(at, '[') != NULL; /* "[vdso]" */

		out->why = MAPPED_MADE;
		snprintf(out->name, sizeof(out->name), "%s",
			 special ? strchr(at, '[') : "[anonymous]");
		out->name[strcspn(out->name, "\n")] = '\0';
		return true;
	}
	if (strlen(path) >= sizeof(out->name))
		path += strlen(path) - sizeof(out->name) + 1;
	text_canonical(path, strcspn(path, "\n"), out->name, sizeof(out->name));
	return true;
}

bool mapped_mount_line(const char *line, const struct mapped_mount *mount, char *type, int size)
{
	const char *rest = strstr(line, " - ");
	uint64_t id, major;
	char *at;

	id = strtoull(line, &at, 10);
	strtoull(at, &at, 10); /* of its parent */
	major = strtoull(at, &at, 10);
	if (!rest || *at != ':')
		return false;
	if (id != mount->id &&
	    (major != mount->major || strtoull(at + 1, NULL, 10) != mount->minor))
		return false;
	snprintf(type, (size_t)size, "%.*s", (int)strcspn(rest + 3, " "), rest + 3);
	return true;
}

bool mapped_type_is_safe(const char *type)
{
	static const char *const safe[] = { "ext2",  "ext3",     "ext4",  "xfs",    "btrfs",
					    "tmpfs", "overlay",  "ramfs", "f2fs",   "zfs",
					    "erofs", "squashfs", "vfat",  "rootfs", "bcachefs" };

	for (size_t i = 0; i < sizeof(safe) / sizeof(safe[0]); i++)
		if (strcmp(type, safe[i]) == 0)
			return true;
	return false;
}

/* One process, and the mount that was looked at last: most of its files are on that one. */
struct mapped_walk {
	int32_t pid;
	struct mapped_mount mount;
	bool safe; /* of mount; false at first, and mount 0 */
};

static bool mapped_same_file(int fd, const char *path)
{
	struct stat a, b;

	return !fstat(fd, &a) && !stat(path, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Are its mounts made by those who may make ours? */
static bool mapped_mounts_are_ours(int32_t pid)
{
	char path[PROC_PATH_BYTES];
	int mounts, owner = -1;
	bool ours;

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	mounts = open(path, O_RDONLY | O_CLOEXEC);
	if (mounts >= 0)
		owner = ioctl(mounts, NS_GET_USERNS);
	ours = owner >= 0 && mapped_same_file(owner, "/proc/self/ns/user");
	if (owner >= 0)
		close(owner);
	if (mounts >= 0)
		close(mounts);
	return ours;
}

/* In the mounts that a process sees. */
static bool mapped_mount_find(const char *path, const struct mapped_mount *mount,
			      char type[MAPPED_TYPE])
{
	FILE *file = fopen(path, "re");
	bool found = false;
	char *line = NULL;
	size_t size = 0;

	while (file && !found && getline(&line, &size, file) > 0)
		found = mapped_mount_line(line, mount, type, MAPPED_TYPE);
	free(line);
	if (file)
		fclose(file);
	return found;
}

/* Who has another root does not see the mount that it is on: we may, or another one of it. */
static bool mapped_mount_read(int32_t pid, const struct mapped_mount *mount)
{
	char path[PROC_PATH_BYTES], type[MAPPED_TYPE];

	snprintf(path, sizeof(path), "/proc/%d/mountinfo", pid);
	return (mapped_mount_find(path, mount, type) ||
		mapped_mount_find("/proc/self/mountinfo", mount, type)) &&
	       mapped_type_is_safe(type) &&
	       /* anybody may lay one over files that he serves, in a namespace of his own */
	       (strcmp(type, MAPPED_LAYERS) != 0 || mapped_mounts_are_ours(pid));
}

static bool mapped_mount_is_safe(struct mapped_walk *w, const struct statx *s)
{
	const struct mapped_mount mount = { s->stx_mnt_id, s->stx_dev_major, s->stx_dev_minor };

	if (mount.id != w->mount.id) {
		w->safe = mapped_mount_read(w->pid, &mount);
		w->mount = mount;
	}
	return w->safe;
}

/* What may be known of a file that is held by O_PATH alone. Nobody is asked who could block. */
static enum mapped_why mapped_look(struct mapped_walk *w, int path_fd, struct statx *s)
{
	if (statx(path_fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC,
		  STATX_BASIC_STATS | MAPPED_MOUNT_ID, s))
		return MAPPED_GONE;
	if (!(s->stx_mask & MAPPED_MOUNT_ID))
		return MAPPED_MOUNT;
	return mapped_mount_is_safe(w, s) ? MAPPED_OPENED : MAPPED_MOUNT;
}

static int mapped_reopen(int path_fd)
{
	char again[32];

	snprintf(again, sizeof(again), "/proc/self/fd/%d", path_fd);
	return open(again, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

static enum mapped_why mapped_open(struct mapped_walk *w, const struct mapped_file *file, int *out)
{
	char name[PROC_PATH_BYTES];
	enum mapped_why why;
	struct statx s;
	int fd;

	snprintf(name, sizeof(name), "map_files/%" PRIx64 "-%" PRIx64, file->start, file->end);
	fd = proc_memory_open(w->pid, name, O_PATH);
	if (fd < 0)
		return fd == -EPERM || fd == -EACCES ? MAPPED_REFUSED : MAPPED_GONE;
	why = mapped_look(w, fd, &s);
	if (!why && !S_ISREG(s.stx_mode))
		why = MAPPED_KIND;
	if (!why) {
		*out = mapped_reopen(fd);
		why = *out < 0 ? MAPPED_REFUSED : MAPPED_OPENED;
	}
	close(fd);
	return why;
}

/* From a folder whose mount is known; each step is looked at before the next goes through it. */
static int mapped_step(struct mapped_walk *w, int folder, const char *name, struct statx *s)
{
	int fd = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 && mapped_look(w, fd, s)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* The process's own /tmp/perf-PID.map: its user's, regular, and not endless. -1: there is none. */
static int mapped_perf_open(struct mapped_walk *w)
{
	char root_path[PROC_PATH_BYTES], name[40];
	int root, tmp = -1, path_fd = -1, fd = -1;
	struct statx s;

	snprintf(root_path, sizeof(root_path), "/proc/%d/root", w->pid);
	snprintf(name, sizeof(name), "perf-%u.map", proc_own_pid(w->pid));
	root = open(root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root >= 0 && !mapped_look(w, root, &s))
		tmp = mapped_step(w, root, "tmp", &s);
	if (tmp >= 0)
		path_fd = mapped_step(w, tmp, name, &s);
	if (path_fd >= 0 && S_ISREG(s.stx_mode) && s.stx_uid == proc_uid(w->pid) &&
	    s.stx_size <= MAPPED_PERF_BYTES)
		fd = mapped_reopen(path_fd);
	if (path_fd >= 0)
		close(path_fd);
	if (tmp >= 0)
		close(tmp);
	if (root >= 0)
		close(root);
	return fd;
}

static int mapped_tell(mapped_fn each, void *ctx, const struct mapped_file *file, int fd)
{
	int result = each(ctx, file, fd);

	if (fd >= 0)
		close(fd);
	return result;
}

static int mapped_lines(struct mapped_walk *w, FILE *maps, mapped_wanted_fn wanted, mapped_fn each,
			void *ctx)
{
	struct mapped_file file;
	uint32_t opened = 0;
	char *line = NULL;
	size_t size = 0;
	int result = 0;

	while (!result && getline(&line, &size, maps) > 0) {
		int fd = -1;

		if (!mapped_line(line, &file) || (wanted && !wanted(file.name)))
			continue;
		if (!file.why)
			file.why =
				opened++ < MAPPED_FILES ? mapped_open(w, &file, &fd) : MAPPED_MANY;
		result = mapped_tell(each, ctx, &file, fd);
	}
	free(line);
	return result;
}

static int mapped_maps(int32_t pid, FILE **out)
{
	int fd = proc_memory_open(pid, "maps", O_RDONLY);

	if (fd < 0)
		return fd;
	*out = fdopen(fd, "re");
	if (*out)
		return 0;
	close(fd);
	return -ENOMEM;
}

int mapped_each(int32_t pid, mapped_fn each, void *ctx)
{
	const struct mapped_file own = { .name = "perf.map" };
	struct mapped_walk walk = { .pid = pid };
	FILE *maps;
	int result = mapped_maps(pid, &maps), fd;

	if (result)
		return result;
	fd = mapped_perf_open(&walk);
	if (fd >= 0)
		result = mapped_tell(each, ctx, &own, fd);
	if (!result)
		result = mapped_lines(&walk, maps, NULL, each, ctx);
	fclose(maps);
	return result;
}

int mapped_wanted(int32_t pid, mapped_wanted_fn wanted, mapped_fn each, void *ctx)
{
	struct mapped_walk walk = { .pid = pid };
	FILE *maps;
	int result = mapped_maps(pid, &maps);

	if (result)
		return result;
	result = mapped_lines(&walk, maps, wanted, each, ctx);
	fclose(maps);
	return result;
}
