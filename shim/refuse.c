#include "refuse.h"

#include "hot.h"
#include "mem.h"
#include "sys.h"

#include <ringside/list.h>

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>

#define REFUSE_LIBRARY "libringside.so"
#define REFUSE_UNIT ".service"

enum refuse_file { REFUSE_NONE, REFUSE_LIST, REFUSE_ODD };

static char refuse_text[RS_LIST_BYTES + 1];
static char refuse_groups[RS_LIST_BYTES + 1];
static char refuse_exe[1024];
static char refuse_name[72];

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

/* The innermost unit in /proc/self/cgroup that is a service, without its ending; false: none. */
static bool refuse_unit(void)
{
	long n = refuse_read("/proc/self/cgroup", refuse_groups, sizeof(refuse_groups) - 1);
	const char *begin = refuse_groups, *name = NULL;
	size_t length = 0;

	refuse_groups[n > 0 ? n : 0] = 0;
	for (const char *at = refuse_groups; *at; at++) {
		const char *behind = at + sizeof(REFUSE_UNIT) - 1;

		if (*at == '/' || *at == '\n') {
			begin = at + 1;
		} else if (refuse_begins(at, REFUSE_UNIT) &&
			   (*behind == '/' || *behind == '\n' || !*behind)) {
			name = begin;
			length = (size_t)(at - begin);
		}
	}
	if (!name || !length || length >= sizeof(refuse_name) || refuse_begins(name, "user@"))
		return false;
	memcpy(refuse_name, name, length);
	refuse_name[length] = 0;
	return true;
}

static const char *refuse_find_exe(void)
{
	long n = sys_call(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", refuse_exe,
			  sizeof(refuse_exe) - 1);

	refuse_exe[n > 0 ? n : 0] = 0;
	return refuse_exe;
}

/* Is this process in the list that was read? By the name that the agent would give it. */
static START bool refuse_named(size_t bytes, const char *service)
{
	const char *exe = refuse_find_exe(), *base = exe;

	if (!service[0] && refuse_unit())
		service = refuse_name;
	for (const char *at = exe; !service[0] && *at; at++)
		if (*at == '/')
			base = at + 1;
	return rs_list_names(refuse_text, bytes, service[0] ? service : base, exe);
}

START bool refuse_off(const char *run_dir, const char *service)
{
	char path[128];
	size_t n = mem_copy_text(path, sizeof(path) - sizeof(RS_LIST_OFF) - 1, run_dir), bytes;
	enum refuse_file file;

	path[n] = '/';
	memcpy(path + n + 1, RS_LIST_OFF, sizeof(RS_LIST_OFF));
	file = refuse_list(path, &bytes);
	if (file != REFUSE_LIST)
		return file == REFUSE_ODD;
	return rs_list_empty(refuse_text, bytes) || refuse_named(bytes, service);
}

START bool refuse_everywhere(const char *preload, const char *path, const char *service)
{
	size_t bytes;

	for (; preload && *preload; preload++)
		if (refuse_begins(preload, REFUSE_LIBRARY))
			return false;
	return refuse_list(path, &bytes) != REFUSE_LIST || !refuse_named(bytes, service);
}
