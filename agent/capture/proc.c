#include "proc.h"

#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PROC_KERNEL_THREAD 0x00200000 /* PF_KTHREAD */
#define PROC_RING_NAME " anon_inode:[io_uring]"
#define PROC_SEGMENT_NAME "/memfd:ringside (deleted)"
#define PROC_KIN_NAME "/memfd:ringside-kin (deleted)"
#define PROC_SHIM_NAME "/libringside.so"

enum {
	PROC_PARENT = 4,
	PROC_FLAGS = 9,
	PROC_START_TICKS = 22,
	PROC_START_CODE = 26
}; /* fields of stat */

static int proc_open(void *ctx, int32_t pid, const char *name, int flags)
{
	char path[PROC_PATH_BYTES + PROC_RANGE_BYTES];
	int fd;

	(void)ctx;
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, flags | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}

/* Whom all of a process ask, so that no caller can forget to: the broker's scout. */
static struct {
	proc_opener_fn open;
	void *ctx;
} proc_opener = { .open = proc_open };

void proc_opener_set(proc_opener_fn opener, void *ctx)
{
	proc_opener.open = opener ? opener : proc_open;
	proc_opener.ctx = ctx;
}

int proc_memory_open(int32_t pid, const char *name, int flags)
{
	return proc_opener.open(proc_opener.ctx, pid, name, flags);
}

/* Takes fd over. */
static long proc_text(int fd, char *out, size_t size)
{
	ssize_t length;

	out[0] = '\0';
	if (fd < 0)
		return fd == -ENOENT ? -ESRCH : fd;
	length = file_read(fd, out, size - 1);
	close(fd);
	out[length > 0 ? length : 0] = '\0';
	return length;
}

long proc_file_read(int32_t pid, const char *name, char *out, size_t size)
{
	return proc_text(proc_open(NULL, pid, name, O_RDONLY), out, size);
}

long proc_memory_file_read(int32_t pid, const char *name, char *out, size_t size)
{
	return proc_text(proc_memory_open(pid, name, O_RDONLY), out, size);
}

int proc_stat_parse(const char *text, struct proc_stat *out)
{
	const char *open = strchr(text, '(');
	const char *close = strrchr(text, ')');
	size_t length;

	memset(out, 0, sizeof(*out));
	if (!open || !close || close < open || close[1] != ' ')
		return -EPROTO;
	out->pid = (int32_t)strtol(text, NULL, 10);
	length = (size_t)(close - open - 1);
	if (length >= sizeof(out->comm))
		length = sizeof(out->comm) - 1;
	memcpy(out->comm, open + 1, length);
	out->state = close[2];
	text = close + 2;
	for (int field = 3; field <= PROC_START_CODE; field++) {
		uint64_t value = strtoull(text, NULL, 10);

		if (field == PROC_PARENT)
			out->parent = (int32_t)value;
		if (field == PROC_FLAGS)
			out->kernel = value & PROC_KERNEL_THREAD;
		if (field == PROC_START_TICKS)
			out->start_ticks = value;
		if (field == PROC_START_CODE)
			out->start_code = value;
		text = strchr(text, ' ');
		if (!text)
			return -EPROTO;
		text++;
	}
	return 0;
}

int proc_stat_read(int32_t pid, struct proc_stat *out)
{
	char text[1024];
	long n = proc_file_read(pid, "stat", text, sizeof(text));

	return n < 0 ? (int)n : proc_stat_parse(text, out);
}

/* Anything but two addresses is a piece of somebody's long file name. */
static bool proc_range(const char *line, const char *blank, char out[PROC_RANGE_BYTES])
{
	size_t length = strspn(line, "0123456789abcdef-");

	if (line + length != blank || length >= PROC_RANGE_BYTES)
		return false;
	memcpy(out, line, length);
	out[length] = '\0';
	return true;
}

void proc_maps_line(struct proc_maps *out, const char *line)
{
	const char *blank = strchr(line, ' ');
	const char *path = strchr(line, '/');
	bool kin;

	if (strstr(line, PROC_RING_NAME))
		out->rings = true;
	if (!blank || !path)
		return;
	if (strstr(path, PROC_SHIM_NAME))
		out->shim = true;
	kin = strncmp(path, PROC_KIN_NAME, sizeof(PROC_KIN_NAME) - 1) == 0;
	if (!kin && strncmp(path, PROC_SEGMENT_NAME, sizeof(PROC_SEGMENT_NAME) - 1) != 0)
		return;
	/* a file's beginning */
	if (strncmp(blank, " rw-s ", 6) != 0 || strtoul(blank + 6, NULL, 16) != 0)
		return;
	if (kin && out->kins < PROC_KINS)
		out->kins += proc_range(line, blank, out->kin[out->kins]);
	else if (!kin && out->segments < PROC_SEGMENTS)
		out->segments += proc_range(line, blank, out->range[out->segments]);
}

int proc_maps_read(int32_t pid, struct proc_maps *out)
{
	char line[512]; /* longer lines come in pieces, of which only the first has an address */
	bool any = false;
	FILE *file;
	int fd;

	memset(out, 0, sizeof(*out));
	fd = proc_memory_open(pid, "maps", O_RDONLY);
	if (fd < 0)
		return fd == -ENOENT ? -ESRCH : fd;
	file = fdopen(fd, "re");
	if (!file) {
		close(fd);
		return -ENOMEM;
	}
	out->readable = true;
	while (fgets(line, sizeof(line), file)) {
		any = true;
		proc_maps_line(out, line);
	}
	fclose(file);
	return any ? 0 : -ESRCH;
}

uint32_t proc_own_pid(int32_t pid)
{
	char text[4096];
	const char *line, *word, *end;

	if (proc_file_read(pid, "status", text, sizeof(text)) < 0)
		return 0;
	line = strstr(text, "\nNSpid:");
	if (!line)
		return (uint32_t)pid; /* a kernel without pid namespaces */
	line++;
	end = strchr(line, '\n');
	word = end;
	while (word && word > line && word[-1] != '\t' && word[-1] != ' ')
		word--;
	return word ? (uint32_t)strtoul(word, NULL, 10) : 0;
}

uint32_t proc_uid(int32_t pid)
{
	char text[4096];
	const char *line;

	if (proc_file_read(pid, "status", text, sizeof(text)) < 0)
		return UINT32_MAX;
	line = strstr(text, "\nUid:\t");
	line = line ? strchr(line + 6, '\t') : NULL; /* real, then effective */
	return line ? (uint32_t)strtoul(line, NULL, 10) : UINT32_MAX;
}

uint32_t proc_owner(int32_t pid)
{
	uint32_t uid = proc_uid(pid), maker;
	char path[PROC_PATH_BYTES];
	int space, outer;

	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	space = open(path, O_RDONLY | O_CLOEXEC);
	while (space >= 0 && (outer = ioctl(space, NS_GET_PARENT)) >= 0) { /* ours has none */
		if (ioctl(space, NS_GET_OWNER_UID, &maker) == 0 && maker)
			uid = maker;
		close(space);
		space = outer;
	}
	if (space >= 0)
		close(space);
	return uid;
}

/* The number behind a key at the start of a line; negative: it is not there. */
static double proc_number(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? (double)strtoull(at + strlen(key), NULL, 10) : -1.0;
}

void proc_memory_read(int32_t pid, struct proc_usage *out)
{
	char text[2048];

	out->pss = -1.0;
	out->anonymous = -1.0;
	if (proc_memory_file_read(pid, "smaps_rollup", text, sizeof(text)) <= 0)
		return;
	out->pss = proc_number(text, "\nPss:");
	out->anonymous = proc_number(text, "\nAnonymous:");
	if (out->pss > 0)
		out->pss *= 1024;
	if (out->anonymous > 0)
		out->anonymous *= 1024;
}

void proc_io_read(int32_t pid, struct proc_usage *out)
{
	char text[512];

	out->read_bytes = -1.0;
	out->write_bytes = -1.0;
	if (proc_memory_file_read(pid, "io", text, sizeof(text)) <= 0)
		return;
	out->read_bytes = proc_number(text, "\nread_bytes: ");
	out->write_bytes = proc_number(text, "\nwrite_bytes: ");
}
