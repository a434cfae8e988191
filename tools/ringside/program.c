#include "program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define PROGRAM_SCRIPTS 5   /* interpreters of interpreters, as many as the kernel follows */
#define PROGRAM_HEADERS 256 /* segments of a file that is still taken for a program */

#if defined(__x86_64__)
#define PROGRAM_MACHINE EM_X86_64
#else
#define PROGRAM_MACHINE EM_AARCH64
#endif

struct program_file {
	const char *path;
	char *reason;
	int fd;
	char head[256]; /* its first bytes, NUL-terminated */
	size_t bytes;
};

static int program_executable(const char *path)
{
	struct stat s;

	if (stat(path, &s))
		return -errno;
	return S_ISREG(s.st_mode) && access(path, X_OK) == 0 ? 0 : -EACCES;
}

int program_find(const char *name, const char *path_list, char out[PROGRAM_PATH])
{
	int result = -ENOENT;

	if (strchr(name, '/')) {
		if (snprintf(out, PROGRAM_PATH, "%s", name) >= PROGRAM_PATH)
			return -ENAMETOOLONG;
		return program_executable(out);
	}
	while (*name && path_list) {
		size_t n = strcspn(path_list, ":");
		/* an empty entry is the working directory */
		int length = snprintf(out, PROGRAM_PATH, "%.*s%s%s", (int)n, path_list,
				      n ? "/" : "./", name);
		int one = length < PROGRAM_PATH ? program_executable(out) : -ENOENT;

		if (one == 0)
			return 0;
		if (one == -EACCES)
			result = one; /* a later folder may still have one that runs */
		path_list = path_list[n] ? path_list + n + 1 : NULL;
	}
	return result;
}

static enum program_kind program_say(const struct program_file *f, enum program_kind kind,
				     const char *why)
{
	snprintf(f->reason, PROGRAM_REASON, "%s %s", f->path, why);
	return kind;
}

/* Will the kernel start it with rights that its caller has not? Then LD_PRELOAD is not honoured. */
static bool program_privileged(const struct program_file *f, const char **how)
{
	struct stat s;
	struct statvfs mount;

	if (fstat(f->fd, &s) || fstatvfs(f->fd, &mount) || mount.f_flag & ST_NOSUID ||
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return false;
	if (s.st_mode & S_ISUID && s.st_uid != getuid())
		*how = "is setuid";
	else if (s.st_mode & S_ISGID && s.st_mode & S_IXGRP && s.st_gid != getgid())
		*how = "is setgid";
	else if (getuid() != 0 && fgetxattr(f->fd, "security.capability", NULL, 0) > 0)
		*how = "has file capabilities";
	else
		return false;
	return true;
}

static bool program_has_loader(const struct program_file *f, const Elf64_Ehdr *e)
{
	Elf64_Phdr segment;

	for (uint64_t i = 0; i < e->e_phnum && i < PROGRAM_HEADERS; i++) {
		off_t at = (off_t)(e->e_phoff + i * sizeof(segment));

		if (pread(f->fd, &segment, sizeof(segment), at) != sizeof(segment))
			return false;
		if (segment.p_type == PT_INTERP)
			return true;
	}
	return false;
}

static enum program_kind program_look_elf(const struct program_file *f)
{
	char why[128];
	const char *how = NULL;
	Elf64_Ehdr e;

	memcpy(&e, f->head, sizeof(e));
	if (e.e_ident[EI_CLASS] != ELFCLASS64)
		return program_say(f, PROGRAM_FOREIGN,
				   "is a 32-bit program, and the library has 64 bits");
	if (e.e_machine != PROGRAM_MACHINE)
		return program_say(f, PROGRAM_FOREIGN, "is a program for another machine");
	if (program_privileged(f, &how)) {
		snprintf(why, sizeof(why), "%s: the loader ignores LD_PRELOAD for it", how);
		return program_say(f, PROGRAM_PRIVILEGED, why);
	}
	if (e.e_phentsize != sizeof(Elf64_Phdr) || !program_has_loader(f, &e))
		return program_say(f, PROGRAM_STATIC,
				   "is statically linked: it has no loader that would take a "
				   "library in");
	f->reason[0] = '\0';
	return PROGRAM_DYNAMIC;
}

/* The interpreter's path behind "#!", in place; NULL: there is none. */
static char *program_interpreter(struct program_file *f)
{
	char *at = f->head + 2;

	at[strcspn(at, "\n")] = '\0';
	at += strspn(at, " \t");
	at[strcspn(at, " \t")] = '\0';
	return *at ? at : NULL;
}

static int program_open(struct program_file *f)
{
	ssize_t n;

	/* O_NONBLOCK: it may be a FIFO */
	f->fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (f->fd < 0)
		return -errno;
	n = pread(f->fd, f->head, sizeof(f->head) - 1, 0);
	f->bytes = n > 0 ? (size_t)n : 0;
	f->head[f->bytes] = '\0';
	return 0;
}

static enum program_kind program_look_file(struct program_file *f, char next[PROGRAM_PATH])
{
	const char *interpreter;

	next[0] = '\0';
	if (f->bytes >= sizeof(Elf64_Ehdr) && memcmp(f->head, ELFMAG, SELFMAG) == 0)
		return program_look_elf(f);
	interpreter = memcmp(f->head, "#!", 2) == 0 ? program_interpreter(f) : NULL;
	if (!interpreter)
		return program_say(f, PROGRAM_UNKNOWN, "is neither a program nor a script");
	snprintf(next, PROGRAM_PATH, "%s", interpreter);
	return PROGRAM_UNKNOWN;
}

enum program_kind program_look(const char *path, char reason[PROGRAM_REASON])
{
	char names[2][PROGRAM_PATH] = { "" };
	enum program_kind kind = PROGRAM_UNKNOWN;

	for (int i = 0; i < PROGRAM_SCRIPTS; i++) {
		struct program_file f = { .path = path, .reason = reason };
		char *next = names[i % 2];

		if (program_open(&f))
			return program_say(&f, PROGRAM_UNKNOWN, "cannot be read");
		kind = program_look_file(&f, next);
		close(f.fd);
		if (!*next)
			return kind;
		path = next;
	}
	snprintf(reason, PROGRAM_REASON, "%.256s is a script of too many scripts", path);
	return kind;
}
