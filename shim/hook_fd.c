/*
 * hook_fd - the calls that make, copy and close descriptors.
 *
 * Threads:  any.
 * Memory:   none.
 * Errors:   result and errno are the real function's; nothing is called after it that changes them.
 * Cost:     a few loads for a descriptor that is no connection of a server.
 */
#include "emit.h"
#include "fdtable.h"
#include "guard.h"
#include "hooks.h"
#include "real.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#pragma weak __errno_location

#define FD_TYPE 15 /* SOCK_STREAM and its kin, without their flags */

/* A word of ours or of a predecessor of the same number, which was closed behind our back. */
static __attribute__((noinline)) void fd_become(int fd, uint64_t word)
{
	if (!guard_enter())
		return;
	fdtable_set(fd, word);
	guard_leave();
}

static void fd_forget(int fd)
{
	if (fdtable_word(fd))
		fd_become(fd, FDTABLE_UNKNOWN);
}

static __attribute__((noinline)) void fd_accepted(int fd)
{
	if (!guard_enter())
		return;
	fdtable_accepted(fd);
	guard_leave();
}

static __attribute__((noinline)) void fd_copied_to(int from, int to)
{
	if (!guard_enter())
		return;
	fdtable_copied(from, to);
	guard_leave();
}

static void fd_copied(int from, int to)
{
	if (to >= 0 && (fdtable_word(from) || fdtable_word(to)))
		fd_copied_to(from, to);
}

EXPORT int accept(int fd, struct sockaddr *restrict address, socklen_t *restrict length)
{
	int result = real.accept(fd, address, length);

	if (result >= 0)
		fd_accepted(result);
	return result;
}

EXPORT int accept4(int fd, struct sockaddr *restrict address, socklen_t *restrict length, int flags)
{
	int result = real.accept4(fd, address, length, flags);

	if (result >= 0)
		fd_accepted(result);
	return result;
}

EXPORT int socket(int domain, int type, int protocol)
{
	int result = real.socket(domain, type, protocol);

	if (result < 0)
		return result;
	fd_forget(result);
	if ((type & FD_TYPE) != SOCK_STREAM && (unsigned int)result < FDTABLE_LEAF)
		fd_become(result, FDTABLE_IGNORED);
	return result;
}

EXPORT int socketpair(int domain, int type, int protocol, int pair[2])
{
	int result = real.socketpair(domain, type, protocol, pair);

	if (!result) {
		fd_forget(pair[0]);
		fd_forget(pair[1]);
	}
	return result;
}

/* A client's socket: what it reads are answers. No leaf is made for it. */
EXPORT int connect(int fd, const struct sockaddr *address, socklen_t length)
{
	int result = real.connect(fd, address, length);

	if ((unsigned int)fd < FDTABLE_LEAF && fdtable_word(fd) < FDTABLE_IGNORED)
		fd_become(fd, FDTABLE_IGNORED);
	return result;
}

static __attribute__((noinline)) void fd_shut(int fd, uint64_t word, int result)
{
	int error = result && __errno_location ? errno : 0;
	struct connection *c;

	if ((result && error != ENOTCONN) || !guard_enter())
		return;
	c = fdtable_connection(fd, word);
	if (c && result)
		connection_gone(c, true); /* it was reset before */
	else if (c)
		connection_shutdown(c);
	guard_leave();
}

EXPORT int shutdown(int fd, int how)
{
	int result = real.shutdown(fd, how);
	uint64_t word = fdtable_word(fd);

	if (how != SHUT_RD && word > FDTABLE_IGNORED)
		fd_shut(fd, word, result);
	return result;
}

static __attribute__((noinline)) void fd_unseen(int fd, uint64_t word)
{
	struct connection *c;

	if (!guard_enter())
		return;
	emit_unseen_way(RS_UNSEEN_STDIO);
	c = fdtable_connection(fd, word);
	if (c)
		connection_lose(c);
	guard_leave();
}

/* What stdio moves, no hook sees. */
EXPORT FILE *fdopen(int fd, const char *mode)
{
	FILE *result = real.fdopen(fd, mode);
	uint64_t word = fdtable_word(fd);

	if (result && word > FDTABLE_IGNORED)
		fd_unseen(fd, word);
	return result;
}

EXPORT int dup(int fd)
{
	int result = real.dup(fd);

	fd_copied(fd, result);
	return result;
}

EXPORT int dup2(int from, int to)
{
	int result = real.dup2(from, to);

	fd_copied(from, result);
	return result;
}

EXPORT int dup3(int from, int to, int flags)
{
	int result = real.dup3(from, to, flags);

	fd_copied(from, result);
	return result;
}

EXPORT int fcntl(int fd, int command, ...)
{
	va_list list;
	void *argument;
	int result;

	va_start(list, command);
	argument = va_arg(list, void *);
	va_end(list);
	result = real.fcntl(fd, command, argument);
	if (command == F_DUPFD || command == F_DUPFD_CLOEXEC)
		fd_copied(fd, result);
	return result;
}

EXPORT int fcntl64(int fd, int command, ...)
{
	va_list list;
	void *argument;
	int result;

	va_start(list, command);
	argument = va_arg(list, void *);
	va_end(list);
	result = real.fcntl64(fd, command, argument);
	if (command == F_DUPFD || command == F_DUPFD_CLOEXEC)
		fd_copied(fd, result);
	return result;
}

/* Ahead of the call: afterwards the number may be another thread's already. */
EXPORT int close(int fd)
{
	fd_forget(fd);
	return real.close(fd);
}

static __attribute__((noinline)) void fd_forget_range(unsigned int from, unsigned int to)
{
	if (!guard_enter())
		return;
	fdtable_forget_range(from, to);
	guard_leave();
}

static void fd_close_range(unsigned int from, unsigned int to, int flags)
{
	if (from <= to && !(flags & ~CLOSE_RANGE_UNSHARE))
		fd_forget_range(from, to);
}

EXPORT int close_range(unsigned int from, unsigned int to, int flags)
{
	fd_close_range(from, to, flags);
	return real.close_range(from, to, flags);
}

EXPORT void closefrom(int from)
{
	fd_forget_range(from > 0 ? (unsigned int)from : 0, ~0u);
	real.closefrom(from);
}

/* A number is no function: no cancellation point, and nothing that a C library does besides. */
long hook_fd_by_number(long number, long a, long b, long c, long d)
{
	long result;

	if (number == SYS_close)
		fd_forget((int)a);
	else if (number == SYS_close_range)
		fd_close_range((unsigned int)a, (unsigned int)b, (int)c);
	result = real.syscall(number, a, b, c, d);
	if ((number == SYS_accept || number == SYS_accept4) && result >= 0)
		fd_accepted((int)result);
	return result;
}
