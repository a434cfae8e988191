/*
 * real - the functions that the host would have called without us.
 *
 * Threads:  the table is filled by the constructor, before any second thread.
 * Memory:   static.
 * Errors:   a function that is not found keeps its plain system call.
 * Cost:     one dlsym a function at start, 0.3 us each.
 */
#include "real.h"

#include "arena.h"
#include "hot.h"
#include "sys.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>

#pragma weak dlsym
#pragma weak dlerror
#pragma weak __errno_location

long real_fail(int error)
{
	if (__errno_location)
		errno = error;
	return -1;
}

static long real_result(long result)
{
	return sys_failed(result) ? real_fail((int)-result) : result;
}

/* The plain forms of functions whose arguments are those of the system call. */
#define PLAIN_1(name, result, number, A)                                                           \
	static result plain_##name(A a)                                                            \
	{                                                                                          \
		return (result)real_result(sys_call(number, a));                                   \
	}
#define PLAIN_2(name, result, number, A, B)                                                        \
	static result plain_##name(A a, B b)                                                       \
	{                                                                                          \
		return (result)real_result(sys_call(number, a, b));                                \
	}
#define PLAIN_3(name, result, number, A, B, C)                                                     \
	static result plain_##name(A a, B b, C c)                                                  \
	{                                                                                          \
		return (result)real_result(sys_call(number, a, b, c));                             \
	}
#define PLAIN_4(name, result, number, A, B, C, D)                                                  \
	static result plain_##name(A a, B b, C c, D d)                                             \
	{                                                                                          \
		return (result)real_result(sys_call(number, a, b, c, d));                          \
	}
#define PLAIN_6(name, result, number, A, B, C, D, E, F)                                            \
	static result plain_##name(A a, B b, C c, D d, E e, F f)                                   \
	{                                                                                          \
		return (result)real_result(sys_call(number, a, b, c, d, e, f));                    \
	}

PLAIN_3(read, ssize_t, SYS_read, int, void *, size_t)
PLAIN_3(readv, ssize_t, SYS_readv, int, const struct iovec *, int)
PLAIN_6(recvfrom, ssize_t, SYS_recvfrom, int, void *, size_t, int, struct sockaddr *, socklen_t *)
PLAIN_3(recvmsg, ssize_t, SYS_recvmsg, int, struct msghdr *, int)
PLAIN_3(write, ssize_t, SYS_write, int, const void *, size_t)
PLAIN_3(writev, ssize_t, SYS_writev, int, const struct iovec *, int)
PLAIN_6(sendto, ssize_t, SYS_sendto, int, const void *, size_t, int, const struct sockaddr *,
	socklen_t)
PLAIN_3(sendmsg, ssize_t, SYS_sendmsg, int, const struct msghdr *, int)
PLAIN_4(sendmmsg, int, SYS_sendmmsg, int, struct mmsghdr *, unsigned int, int)
PLAIN_4(sendfile, ssize_t, SYS_sendfile, int, int, off_t *, size_t)
PLAIN_4(sendfile64, ssize_t, SYS_sendfile, int, int, off64_t *, size_t)
PLAIN_6(splice, ssize_t, SYS_splice, int, off64_t *, int, off64_t *, size_t, unsigned int)
PLAIN_3(accept, int, SYS_accept, int, struct sockaddr *, socklen_t *)
PLAIN_4(accept4, int, SYS_accept4, int, struct sockaddr *, socklen_t *, int)
PLAIN_3(connect, int, SYS_connect, int, const struct sockaddr *, socklen_t)
PLAIN_2(listen, int, SYS_listen, int, int)
PLAIN_3(socket, int, SYS_socket, int, int, int)
PLAIN_4(socketpair, int, SYS_socketpair, int, int, int, int *)
PLAIN_2(shutdown, int, SYS_shutdown, int, int)
PLAIN_2(sigaltstack, int, SYS_sigaltstack, const stack_t *, stack_t *)
PLAIN_2(clock_gettime, int, SYS_clock_gettime, clockid_t, struct timespec *)
PLAIN_1(dup, int, SYS_dup, int)
PLAIN_3(dup3, int, SYS_dup3, int, int, int)
PLAIN_1(close, int, SYS_close, int)
PLAIN_3(close_range, int, SYS_close_range, unsigned int, unsigned int, int)

/* The system call takes an offset in two halves, of which a 64-bit kernel looks at the first. */
static ssize_t plain_preadv2(int fd, const struct iovec *iov, int count, off_t at, int flags)
{
	return real_result(sys_call(SYS_preadv2, fd, iov, count, at, 0, flags));
}

static ssize_t plain_pwritev2(int fd, const struct iovec *iov, int count, off_t at, int flags)
{
	return real_result(sys_call(SYS_pwritev2, fd, iov, count, at, 0, flags));
}

static int plain_recvmmsg(int fd, struct mmsghdr *to, unsigned int count, int flags,
			  struct timespec *timeout)
{
	return (int)real_result(sys_call(SYS_recvmmsg, fd, to, count, flags, timeout));
}

static ssize_t plain_recv(int fd, void *to, size_t bytes, int flags)
{
	return plain_recvfrom(fd, to, bytes, flags, NULL, NULL);
}

static ssize_t plain_send(int fd, const void *from, size_t bytes, int flags)
{
	return plain_sendto(fd, from, bytes, flags, NULL, 0);
}

/* The room that the fortified forms check was proved by the compiler or is checked by libc. */
static ssize_t plain___read_chk(int fd, void *to, size_t bytes, size_t room)
{
	return plain_read(fd, to, bytes < room ? bytes : room);
}

static ssize_t plain___recv_chk(int fd, void *to, size_t bytes, size_t room, int flags)
{
	return plain_recv(fd, to, bytes < room ? bytes : room, flags);
}

static ssize_t plain___recvfrom_chk(int fd, void *to, size_t bytes, size_t room, int flags,
				    struct sockaddr *from, socklen_t *length)
{
	return plain_recvfrom(fd, to, bytes < room ? bytes : room, flags, from, length);
}

static int plain_dup2(int fd, int to)
{
	if (fd == to) /* dup3 refuses what dup2 answers */
		return sys_call(SYS_fcntl, fd, F_GETFD) < 0 ? (int)real_fail(EBADF) : to;
	return plain_dup3(fd, to, 0);
}

static int plain_fcntl(int fd, int command, ...)
{
	va_list list;
	long argument;

	va_start(list, command);
	argument = va_arg(list, long);
	va_end(list);
	return (int)real_result(sys_call(SYS_fcntl, fd, command, argument));
}

static void plain_closefrom(int fd)
{
	sys_call(SYS_close_range, fd < 0 ? 0 : fd, -1U, 0);
}

#if defined(SYS_fork)
static pid_t plain__Fork(void)
{
	return (pid_t)real_result(sys_call(SYS_fork));
}
#else
static pid_t plain__Fork(void)
{
	return (pid_t)real_result(sys_call(SYS_clone, 17 /* SIGCHLD */, 0, 0, 0, 0));
}
#endif

static int plain_prctl(int option, ...)
{
	va_list list;
	long a, b, c, d;

	va_start(list, option);
	a = va_arg(list, long);
	b = va_arg(list, long);
	c = va_arg(list, long);
	d = va_arg(list, long);
	va_end(list);
	return (int)real_result(sys_call(SYS_prctl, option, a, b, c, d));
}

static long plain_syscall(long number, ...)
{
	va_list list;
	long a, b, c, d, e, f;

	va_start(list, number);
	a = va_arg(list, long);
	b = va_arg(list, long);
	c = va_arg(list, long);
	d = va_arg(list, long);
	e = va_arg(list, long);
	f = va_arg(list, long);
	va_end(list);
	return real_result(sys_call(number, a, b, c, d, e, f));
}

/* Who has no stdio does not ask for a stream. */
static FILE *plain_fdopen(int fd, const char *mode)
{
	(void)fd;
	(void)mode;
	real_fail(ENOSYS);
	return NULL;
}

/* The child of a clone begins on another stack: there is no plain form. */
static int plain_clone(int (*run)(void *), void *stack, int flags, void *argument, ...)
{
	(void)run;
	(void)stack;
	(void)flags;
	(void)argument;
	return (int)real_fail(ENOSYS);
}

int real_no_dlclose(void *object)
{
	(void)object;
	return (int)real_fail(ENOSYS);
}

#define plain_dlclose real_no_dlclose
#define plain_fcntl64 plain_fcntl
#define plain_preadv64v2 plain_preadv2
#define plain_pwritev64v2 plain_pwritev2
#define plain_vfork plain__Fork /* a full copy is a correct vfork */
#define plain_malloc arena_malloc
#define plain_calloc arena_calloc
#define plain_realloc arena_realloc
#define plain_reallocarray arena_reallocarray
#define plain_free arena_free
#define plain_posix_memalign arena_posix_memalign
#define plain_aligned_alloc arena_memalign
#define plain_memalign arena_memalign
#define plain_valloc arena_valloc
#define plain_pvalloc arena_pvalloc
#define plain_malloc_usable_size arena_usable

#define REAL_PLAIN(name, result, parameters) .name = plain_##name,
HOT_DATA struct real real = { REAL_FUNCTIONS(REAL_PLAIN) };

#define REAL_NAME(name, result, parameters) #name "\0"
static const char real_names[] = REAL_FUNCTIONS(REAL_NAME);

START bool real_find(void)
{
	const char *name = real_names;
	void **entry = (void **)&real;

	if (!dlsym)
		return false;
	for (; *name; entry++) {
		void *found = dlsym(RTLD_NEXT, name);

		if (found)
			*entry = found;
		while (*name++)
			;
	}
	/* The host must not find our misses in its dlerror. */
	if (dlerror)
		dlerror();
	return true;
}
