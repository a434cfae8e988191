#include "accept.h"

#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#define ACCEPT_SEALS_WANTED (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
#define ACCEPT_SEAL_EXEC 0x20   /* the kernel's own doing where vm.memfd_noexec is 1 */
#define ACCEPT_MOUNT_ID 0x1000u /* STATX_MNT_ID, kernels from 5.8 */

static const char *const accept_texts[ACCEPT_REASONS] = {
	[ACCEPT_OK] = "accepted",
	[ACCEPT_GONE] = "gone before it was opened",
	[ACCEPT_EARLY] = "its header is not written yet",
	[ACCEPT_LATER] = "a rule waits for the port that it will listen on",
	[ACCEPT_RULED] = "the rules of targets leave it out",
	[ACCEPT_READER] = "it only reads another process's",
	[ACCEPT_FOREIGN] = "it belongs to another agent's run directory",
	[ACCEPT_ACCESS] = "this agent may not open it (CAP_CHECKPOINT_RESTORE, CAP_SYS_PTRACE)",
	[ACCEPT_DEVICE] = "not on the device of memfds",
	[ACCEPT_MOUNT] = "not on the kernel's own mount",
	[ACCEPT_TYPE] = "not a memory file",
	[ACCEPT_SEALS] = "its seals are not SHRINK, GROW and SEAL",
	[ACCEPT_SIZE] = "its size is not that of a segment",
	[ACCEPT_MAGIC] = "its first word is not a segment's",
	[ACCEPT_ABI] = "written by a shim of another version",
	[ACCEPT_PID] = "its header names another process",
	[ACCEPT_TWICE] = "another process has it already",
	[ACCEPT_QUOTA_UID] = "its user has as many segments as allowed",
	[ACCEPT_QUOTA_ALL] = "as many segments as allowed are watched",
};

const char *accept_reason_text(enum accept_reason reason)
{
	return reason < ACCEPT_REASONS ? accept_texts[reason] : "unknown";
}

static int accept_stat(int fd, struct statx *out)
{
	/* whoever serves the file must not be asked */
	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC_STATS | ACCEPT_MOUNT_ID,
		  out))
		return -errno;
	if (!(out->stx_mask & ACCEPT_MOUNT_ID))
		out->stx_mnt_id = 0; /* an old kernel: the device alone must do */
	return 0;
}

static uint64_t accept_device(const struct statx *s)
{
	return (uint64_t)s->stx_dev_major << 32 | s->stx_dev_minor;
}

int accept_open(struct accept *a, const char *run_dir)
{
	struct statx s;
	int result;

	memset(a, 0, sizeof(*a));
	if (strlen(run_dir) >= sizeof(a->run_dir))
		return -ENAMETOOLONG;
	memcpy(a->run_dir, run_dir, strlen(run_dir));
	a->own = memfd_create("ringside-measure", MFD_CLOEXEC);
	if (a->own < 0)
		return -errno;
	result = accept_stat(a->own, &s);
	if (result) {
		close(a->own);
		return result;
	}
	a->device = accept_device(&s);
	a->mount = s.stx_mnt_id;
	return 0;
}

void accept_close(struct accept *a)
{
	close(a->own);
	a->own = -1;
}

/* What may be known of a file without opening it. */
static enum accept_reason accept_outside(const struct accept *a, int path_fd, uint64_t *inode)
{
	struct statx s;

	if (accept_stat(path_fd, &s))
		return ACCEPT_GONE;
	*inode = s.stx_ino;
	if (accept_device(&s) != a->device)
		return ACCEPT_DEVICE;
	if (s.stx_mnt_id != a->mount)
		return ACCEPT_MOUNT;
	if (!S_ISREG(s.stx_mode))
		return ACCEPT_TYPE;
	return s.stx_size == RS_SEGMENT_BYTES ? ACCEPT_OK : ACCEPT_SIZE;
}

/* What can only be asked of the open file. The size cannot change any more once it is sealed. */
static enum accept_reason accept_inside(int fd)
{
	struct statfs f;
	struct stat s;
	int seals;

	if (fstatfs(fd, &f) || f.f_type != TMPFS_MAGIC)
		return ACCEPT_TYPE;
	seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0 || (seals & ~ACCEPT_SEAL_EXEC) != ACCEPT_SEALS_WANTED)
		return ACCEPT_SEALS;
	return !fstat(fd, &s) && s.st_size == RS_SEGMENT_BYTES ? ACCEPT_OK : ACCEPT_SIZE;
}

/* The same folder as text: "/run//x/" is "/run/x". */
static bool accept_same_folder(const char *a, const char *b)
{
	while (*a && *a == *b) {
		if (*a != '/') {
			a++;
			b++;
			continue;
		}
		a += strspn(a, "/");
		b += strspn(b, "/");
	}
	return a[strspn(a, "/")] == '\0' && b[strspn(b, "/")] == '\0';
}

enum accept_reason accept_claims(const struct accept *a, uint32_t own_pid, struct rs_header *h)
{
	const char *named;

	if (h->magic == 0)
		return ACCEPT_EARLY;
	if (h->magic != RS_MAGIC)
		return ACCEPT_MAGIC;
	if (h->abi != RS_ABI_VERSION || h->bytes != RS_SEGMENT_BYTES)
		return ACCEPT_ABI;
	h->run_dir[sizeof(h->run_dir) - 1] = '\0';
	h->service[sizeof(h->service) - 1] = '\0';
	h->environment[sizeof(h->environment) - 1] = '\0';
	h->arguments[sizeof(h->arguments) - 1] = '\0';
	named = h->run_dir[0] ? h->run_dir : ACCEPT_DEFAULT_RUN_DIR;
	if (!accept_same_folder(named, a->run_dir))
		return ACCEPT_FOREIGN;
	return own_pid && h->pid != own_pid ? ACCEPT_PID : ACCEPT_OK;
}

enum accept_reason accept_check(const struct accept *a, int path_fd, uint32_t own_pid,
				struct accept_segment *out)
{
	char again[32];
	enum accept_reason reason;

	out->fd = -1;
	reason = accept_outside(a, path_fd, &out->inode);
	if (reason)
		return reason;
	snprintf(again, sizeof(again), "/proc/self/fd/%d", path_fd);
	out->fd = open(again, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (out->fd < 0)
		return ACCEPT_ACCESS;
	reason = accept_inside(out->fd);
	if (!reason && pread(out->fd, &out->claims, sizeof(out->claims), 0) != sizeof(out->claims))
		reason = ACCEPT_SIZE;
	if (!reason)
		reason = accept_claims(a, own_pid, &out->claims);
	if (reason) {
		close(out->fd);
		out->fd = -1;
	}
	return reason;
}

enum accept_reason accept_mapping(const struct accept *a, int32_t pid, const char *range,
				  uint32_t own_pid, struct accept_segment *out)
{
	char name[16 + PROC_RANGE_BYTES];
	enum accept_reason reason;
	int fd;

	out->fd = -1;
	snprintf(name, sizeof(name), "map_files/%s", range);
	fd = proc_memory_open(pid, name, O_PATH);
	if (fd < 0)
		return fd == -EPERM || fd == -EACCES ? ACCEPT_ACCESS : ACCEPT_GONE;
	reason = accept_check(a, fd, own_pid, out);
	close(fd);
	return reason;
}
