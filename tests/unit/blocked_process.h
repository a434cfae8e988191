/*
 * blocked_process - a child process that keeps its mmap_lock until it is ended: whoever asks for
 * its arguments or its memory waits so long.
 *
 * It unmaps a page of a file on FUSE that it wrote to, whose server (another child) never takes the
 * page back; that holds the lock for reading. A thread that wants it for writing then holds up all
 * who come later.
 */
#ifndef BLOCKED_PROCESS_H
#define BLOCKED_PROCESS_H

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCKED_BYTES 4096u
#define BLOCKED_FILE 2u /* its node; 1 is the folder */
#define BLOCKED_REQUEST (FUSE_MIN_READ_BUFFER + 131072u)

struct blocked_how {
	const char *maps; /* a file that it maps besides, as if to execute it; NULL: none */
	bool quiet;       /* nobody wants the lock for writing: who reads is not held up */
};

struct blocked {
	pid_t pid, server; /* pid 0: it may not be done here */
};

static inline void blocked_reply(int fuse, uint64_t unique, const void *body, size_t size)
{
	struct {
		struct fuse_out_header head;
		char body[BLOCKED_BYTES];
	} out = { .head = { .len = (uint32_t)(sizeof(out.head) + size), .unique = unique } };

	memcpy(out.body, body, size);
	if (write(fuse, &out, out.head.len) < 0)
		_exit(1);
}

static inline struct fuse_attr blocked_attributes(uint64_t node)
{
	return (struct fuse_attr){ .ino = node,
				   .size = BLOCKED_BYTES,
				   .mode = node == BLOCKED_FILE ? S_IFREG | 0666 : S_IFDIR | 0777,
				   .nlink = 1 };
}

static inline void blocked_serve_one(int fuse, const struct fuse_in_header *in)
{
	const struct fuse_init_out init = { .major = FUSE_KERNEL_VERSION,
					    .minor = FUSE_KERNEL_MINOR_VERSION,
					    .max_write = BLOCKED_BYTES };
	const struct fuse_entry_out entry = { .nodeid = BLOCKED_FILE,
					      .attr = blocked_attributes(BLOCKED_FILE) };
	const struct fuse_attr_out attributes = { .attr = blocked_attributes(in->nodeid) };
	static const struct fuse_open_out opened;
	static const char page[BLOCKED_BYTES];

	if (in->opcode == FUSE_INIT)
		blocked_reply(fuse, in->unique, &init, sizeof(init));
	else if (in->opcode == FUSE_LOOKUP)
		blocked_reply(fuse, in->unique, &entry, sizeof(entry));
	else if (in->opcode == FUSE_GETATTR)
		blocked_reply(fuse, in->unique, &attributes, sizeof(attributes));
	else if (in->opcode == FUSE_OPEN)
		blocked_reply(fuse, in->unique, &opened, sizeof(opened));
	else if (in->opcode == FUSE_READ)
		blocked_reply(fuse, in->unique, page, sizeof(page));
}

/* All but what writes the page back; told hears of that. */
_Noreturn static inline void blocked_serve(int fuse, int told)
{
	static char bytes[BLOCKED_REQUEST];
	struct fuse_in_header in;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(fuse, bytes, sizeof(bytes)) > 0 || errno == EINTR) {
		memcpy(&in, bytes, sizeof(in));
		if (in.opcode == FUSE_WRITE && write(told, "w", 1) != 1)
			break;
		blocked_serve_one(fuse, &in);
	}
	_exit(0);
}

static inline void *blocked_unmap(void *page)
{
	munmap(page, BLOCKED_BYTES);
	return NULL;
}

/* In mounts of its own. */
static inline int blocked_mount(const char *folder)
{
	int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char options[80];

	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse);
	if (fuse < 0 || mount("blocked", folder, "fuse", 0, options))
		return -1;
	return fuse;
}

static inline void blocked_map(const char *path)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	off_t size = lseek(file, 0, SEEK_END);

	if (mmap(NULL, (size_t)size, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0) == MAP_FAILED)
		_exit(1);
}

/* Its main thread is the one that wants the lock for writing, if any does. */
_Noreturn static inline void blocked_live(const char *folder, const struct blocked_how *how)
{
	pthread_t thread;
	char path[64], *page;
	int file;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(path, sizeof(path), "%s/f", folder);
	file = open(path, O_RDWR | O_CLOEXEC);
	page = mmap(NULL, BLOCKED_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (page == MAP_FAILED)
		_exit(1);
	*page = 'x';
	if (how->maps)
		blocked_map(how->maps);
	if (how->quiet)
		blocked_unmap(page);
	pthread_create(&thread, NULL, blocked_unmap, page);
	for (;;)
		mmap(NULL, BLOCKED_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static inline void blocked_fork(struct blocked *b, const char *folder, int told,
				const struct blocked_how *how)
{
	int fuse = blocked_mount(folder);

	b->server = fuse < 0 ? 0 : fork();
	if (b->server == 0 && fuse >= 0)
		blocked_serve(fuse, told);
	if (fuse < 0)
		return;
	close(fuse);
	b->pid = fork();
	if (b->pid == 0)
		blocked_live(folder, how);
}

/* Does its main thread wait where no signal ends it? */
static inline bool blocked_waits(pid_t pid)
{
	char path[32], text[512] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	return strstr(text, ") D ") != NULL;
}

/* The mount is seen by nobody but us and our children. */
static inline struct blocked blocked_start_so(const struct blocked_how *how)
{
	char folder[] = "/tmp/blocked.XXXXXX", byte;
	struct blocked b = { .pid = 0 };
	int told[2];

	if (!mkdtemp(folder) || pipe2(told, O_CLOEXEC))
		return b;
	if (unshare(CLONE_NEWNS) == 0 && mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)
		blocked_fork(&b, folder, told[1], how);
	close(told[1]);
	if (b.pid && read(told[0], &byte, 1) == 1)
		for (int i = 0; i < 1000 && !blocked_waits(b.pid); i++)
			usleep(1000);
	close(told[0]);
	umount2(folder, MNT_DETACH);
	rmdir(folder);
	return b;
}

static inline struct blocked blocked_start(void)
{
	const struct blocked_how how = { .maps = NULL };

	return blocked_start_so(&how);
}

/* Its server first: before, it cannot even be killed. */
static inline void blocked_end(const struct blocked *b)
{
	kill(b->server, SIGKILL);
	waitpid(b->server, NULL, 0);
	kill(b->pid, SIGKILL);
	waitpid(b->pid, NULL, 0);
}

#endif
