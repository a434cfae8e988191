/*
 * null_shim - the floor of any preload: the hooks of the real one, which only pass through.
 *
 * Threads:  any.
 * Memory:   none.
 * Errors:   those of what stands behind.
 *
 * Only what servers call for each request is here: bytes, descriptors and memory.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

/* name(types) with the values a, b, …: the next definition, found in the constructor. */
#define NULL_HOOK(result, name, types, values)                                                     \
	static result(*null_##name) types;                                                         \
	EXPORT result name types                                                                   \
	{                                                                                          \
		if (__builtin_expect(!null_##name, 0))                                             \
			*(void **)&null_##name = dlsym(RTLD_NEXT, #name);                          \
		return null_##name values;                                                         \
	}

NULL_HOOK(ssize_t, read, (int fd, void *buffer, size_t n), (fd, buffer, n))
NULL_HOOK(ssize_t, readv, (int fd, const struct iovec *v, int n), (fd, v, n))
NULL_HOOK(ssize_t, recv, (int fd, void *buffer, size_t n, int flags), (fd, buffer, n, flags))
NULL_HOOK(ssize_t, recvfrom,
	  (int fd, void *buffer, size_t n, int flags, struct sockaddr *from, socklen_t *length),
	  (fd, buffer, n, flags, from, length))
NULL_HOOK(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags))
NULL_HOOK(ssize_t, write, (int fd, const void *buffer, size_t n), (fd, buffer, n))
NULL_HOOK(ssize_t, writev, (int fd, const struct iovec *v, int n), (fd, v, n))
NULL_HOOK(ssize_t, send, (int fd, const void *buffer, size_t n, int flags), (fd, buffer, n, flags))
NULL_HOOK(ssize_t, sendto,
	  (int fd, const void *buffer, size_t n, int flags, const struct sockaddr *to,
	   socklen_t length),
	  (fd, buffer, n, flags, to, length))
NULL_HOOK(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags))
NULL_HOOK(ssize_t, sendfile, (int out, int in, off_t *offset, size_t n), (out, in, offset, n))
NULL_HOOK(ssize_t, sendfile64, (int out, int in, off64_t *offset, size_t n), (out, in, offset, n))
NULL_HOOK(int, accept, (int fd, struct sockaddr *from, socklen_t *length), (fd, from, length))
NULL_HOOK(int, accept4, (int fd, struct sockaddr *from, socklen_t *length, int flags),
	  (fd, from, length, flags))
NULL_HOOK(int, connect, (int fd, const struct sockaddr *to, socklen_t length), (fd, to, length))
NULL_HOOK(int, socket, (int domain, int type, int protocol), (domain, type, protocol))
NULL_HOOK(int, shutdown, (int fd, int how), (fd, how))
NULL_HOOK(int, dup, (int fd), (fd))
NULL_HOOK(int, close, (int fd), (fd))

/* Another allocator's, where there is one; glibc's own while they are looked for. */
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *old, size_t bytes);
void __libc_free(void *block);

static void *(*null_malloc)(size_t bytes);
static void *(*null_calloc)(size_t count, size_t bytes);
static void *(*null_realloc)(void *old, size_t bytes);
static void (*null_free)(void *block);

static void null_find(void)
{
	static int finding;

	if (finding)
		return;
	finding = 1;
	*(void **)&null_calloc = dlsym(RTLD_NEXT, "calloc");
	*(void **)&null_realloc = dlsym(RTLD_NEXT, "realloc");
	*(void **)&null_free = dlsym(RTLD_NEXT, "free");
	*(void **)&null_malloc = dlsym(RTLD_NEXT, "malloc");
}

EXPORT void *malloc(size_t bytes)
{
	if (__builtin_expect(!null_malloc, 0))
		null_find();
	return null_malloc ? null_malloc(bytes) : __libc_malloc(bytes);
}

EXPORT void *calloc(size_t count, size_t bytes)
{
	if (__builtin_expect(!null_calloc, 0))
		null_find();
	return null_calloc ? null_calloc(count, bytes) : __libc_calloc(count, bytes);
}

EXPORT void *realloc(void *old, size_t bytes)
{
	if (__builtin_expect(!null_realloc, 0))
		null_find();
	return null_realloc ? null_realloc(old, bytes) : __libc_realloc(old, bytes);
}

EXPORT void free(void *block)
{
	if (__builtin_expect(!null_free, 0))
		null_find();
	if (null_free)
		null_free(block);
	else
		__libc_free(block);
}
