#include "refuse.h"

#include "hot.h"
#include "identity.h"
#include "mem.h"
#include "sys.h"

#include <ringside/list.h>

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>

#define REFUSE_LIBRARY "libringside.so"
#define REFUSE_LINK 1024 /* as much of it as the agent reads */
#define REFUSE_PATH 32   /* /proc/2147483647/cmdline and its NUL */

enum refuse_file { REFUSE_NONE, REFUSE_LIST, REFUSE_ODD };

static char refuse_text[RS_LIST_BYTES + 1];

/* What identity_name asks for. */
static struct refuse_ancestry {
	const char *arguments; /* of its own, as the segment would tell them */
	long pid;              /* of the ancestor that was gone up to; 0: itself */
	char text[IDENTITY_TEXT];
	char cgroup[IDENTITY_PATH_BYTES];
	char exe[IDENTITY_PATH_BYTES];
	char exe_above[IDENTITY_PATH_BYTES];
	char name[IDENTITY_BYTES];
} refuse_ancestry;

/* What could be read at once of a file that may be a pipe or a folder too; -errno. */
static START long refuse_read(const char *path, char *to, size_t bytes)
{
	long n, fd = sys_call(SYS_openat, AT_FDCWD, path,
			      O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (sys_failed(fd))
		return fd;
	n = sys_call(SYS_read, fd, to, bytes);
	sys_call(SYS_close, fd);
	return n;
}

static START enum refuse_file refuse_list(const char *path, size_t *bytes)
{
	long n = refuse_read(path, refuse_text, sizeof(refuse_text));

	*bytes = n > 0 ? (size_t)n : 0;
	if (n == -EACCES || n == -EPERM) /* the file itself, or the way to it? */
		return sys_call(SYS_faccessat, AT_FDCWD, path, F_OK) ? REFUSE_NONE : REFUSE_ODD;
	if (n == -ENOENT || n == -ENOTDIR || n == -ENAMETOOLONG || n == -ELOOP)
		return REFUSE_NONE;
	return n < 0 || n > (long)RS_LIST_BYTES ? REFUSE_ODD : REFUSE_LIST;
}

static bool refuse_begins(const char *text, const char *with)
{
	while (*with && *text == *with) {
		text++;
		with++;
	}
	return !*with;
}

/* /proc/PID/name */
static START const char *refuse_path(long pid, const char *name)
{
	static char path[REFUSE_PATH];
	char digits[20], *to = path + sizeof("/proc/") - 1;
	size_t n = 0;

	memcpy(path, "/proc/", sizeof("/proc/"));
	for (; pid > 0; pid /= 10)
		digits[n++] = (char)('0' + pid % 10);
	if (!n)
		to += mem_copy_text(to, sizeof("self"), "self");
	while (n)
		*to++ = digits[--n];
	*to++ = '/';
	mem_copy_text(to, (size_t)(path + sizeof(path) - to), name);
	return path;
}

/* Of a file of whom it has gone up to, without the NUL that ends it here. */
static START size_t refuse_read_text(struct refuse_ancestry *a, const char *name)
{
	long n = refuse_read(refuse_path(a->pid, name), a->text, sizeof(a->text) - 1);
	size_t bytes = n > 0 ? (size_t)n : 0;

	a->text[bytes] = 0;
	return bytes;
}

static START void refuse_read_exe(struct refuse_ancestry *a, char out[IDENTITY_PATH_BYTES])
{
	long n = sys_call(SYS_readlinkat, AT_FDCWD, refuse_path(a->pid, "exe"), a->text,
			  REFUSE_LINK);

	identity_exe(a->text, n > 0 ? (size_t)n : 0, out, IDENTITY_PATH_BYTES);
}

/* The fourth word of its stat; the second stands in brackets and may hold anything. */
static START long refuse_parent(struct refuse_ancestry *a)
{
	size_t bytes = refuse_read_text(a, "stat"), at = bytes;
	long pid = 0;

	while (at && a->text[at - 1] != ')')
		at--;
	if (!at)
		return 0;
	for (at += sizeof(" S ") - 1; at < bytes && a->text[at] >= '0' && a->text[at] <= '9'; at++)
		pid = pid * 10 + (a->text[at] - '0');
	return pid;
}

static START const char *refuse_above(void *ctx)
{
	struct refuse_ancestry *a = ctx;

	a->pid = refuse_parent(a);
	a->exe_above[0] = 0;
	if (a->pid > 0) /* 0: outside of its namespace of pids */
		refuse_read_exe(a, a->exe_above);
	return a->exe_above;
}

static START const char *refuse_arguments(void *ctx, size_t *bytes)
{
	struct refuse_ancestry *a = ctx;

	if (a->pid == 0 && a->arguments[0]) {
		*bytes = RS_ARGUMENTS_BYTES;
		return a->arguments;
	}
	*bytes = refuse_read_text(a, "cmdline");
	return a->text;
}

/* Is this process in the list that was read? By the name that the agent would give it. */
static START bool refuse_named(size_t bytes, const struct home_claims *claims)
{
	struct refuse_ancestry *a = &refuse_ancestry;
	const struct identity of = { .claim = claims->service,
				     .cgroup = a->cgroup,
				     .exe = a->exe,
				     .comm = "",
				     .arguments = refuse_arguments,
				     .above = refuse_above,
				     .ctx = a };

	a->arguments = claims->arguments;
	a->pid = 0;
	refuse_read_exe(a, a->exe);
	if (!claims->service[0]) {
		refuse_read_text(a, "cgroup");
		identity_cgroup(a->text, a->cgroup, sizeof(a->cgroup));
	}
	identity_name(&of, a->name);
	return rs_list_names(refuse_text, bytes, a->name, a->exe);
}

START bool refuse_off(const struct home_claims *claims)
{
	char path[128];
	size_t n = mem_copy_text(path, sizeof(path) - sizeof(RS_LIST_OFF) - 1, claims->run_dir),
	       bytes;
	enum refuse_file file;

	path[n] = '/';
	memcpy(path + n + 1, RS_LIST_OFF, sizeof(RS_LIST_OFF));
	file = refuse_list(path, &bytes);
	if (file != REFUSE_LIST)
		return file == REFUSE_ODD;
	return rs_list_empty(refuse_text, bytes) || refuse_named(bytes, claims);
}

START bool refuse_everywhere(const char *preload, const char *path,
			     const struct home_claims *claims)
{
	size_t bytes;

	for (; preload && *preload; preload++)
		if (refuse_begins(preload, REFUSE_LIBRARY))
			return false;
	return refuse_list(path, &bytes) != REFUSE_LIST || !refuse_named(bytes, claims);
}
