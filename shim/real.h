/*
 * real - the functions that the host would have called without us.
 *
 * Threads:  written once by real_find in the constructor, before any second thread; then read only.
 * Memory:   static.
 * Errors:   an entry is always callable: until and unless the real function is found it is a plain
 *           system call that sets errno as libc would.
 * Cost:     one load and an indirect call.
 */
#ifndef SHIM_REAL_H
#define SHIM_REAL_H

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

/* name, result, parameters */
#define REAL_FUNCTIONS(X)                                                                          \
	X(read, ssize_t, (int, void *, size_t))                                                    \
	X(readv, ssize_t, (int, const struct iovec *, int))                                        \
	X(recv, ssize_t, (int, void *, size_t, int))                                               \
	X(recvfrom, ssize_t, (int, void *, size_t, int, struct sockaddr *, socklen_t *))           \
	X(recvmsg, ssize_t, (int, struct msghdr *, int))                                           \
	X(recvmmsg, int, (int, struct mmsghdr *, unsigned int, int, struct timespec *))            \
	X(__read_chk, ssize_t, (int, void *, size_t, size_t))                                      \
	X(__recv_chk, ssize_t, (int, void *, size_t, size_t, int))                                 \
	X(__recvfrom_chk, ssize_t,                                                                 \
	  (int, void *, size_t, size_t, int, struct sockaddr *, socklen_t *))                      \
	X(write, ssize_t, (int, const void *, size_t))                                             \
	X(writev, ssize_t, (int, const struct iovec *, int))                                       \
	X(send, ssize_t, (int, const void *, size_t, int))                                         \
	X(sendto, ssize_t, (int, const void *, size_t, int, const struct sockaddr *, socklen_t))   \
	X(sendmsg, ssize_t, (int, const struct msghdr *, int))                                     \
	X(sendmmsg, int, (int, struct mmsghdr *, unsigned int, int))                               \
	X(sendfile, ssize_t, (int, int, off_t *, size_t))                                          \
	X(sendfile64, ssize_t, (int, int, off64_t *, size_t))                                      \
	X(preadv2, ssize_t, (int, const struct iovec *, int, off_t, int))                          \
	X(preadv64v2, ssize_t, (int, const struct iovec *, int, off64_t, int))                     \
	X(pwritev2, ssize_t, (int, const struct iovec *, int, off_t, int))                         \
	X(pwritev64v2, ssize_t, (int, const struct iovec *, int, off64_t, int))                    \
	X(fdopen, FILE *, (int, const char *))                                                     \
	X(splice, ssize_t, (int, off64_t *, int, off64_t *, size_t, unsigned int))                 \
	X(accept, int, (int, struct sockaddr *, socklen_t *))                                      \
	X(accept4, int, (int, struct sockaddr *, socklen_t *, int))                                \
	X(connect, int, (int, const struct sockaddr *, socklen_t))                                 \
	X(listen, int, (int, int))                                                                 \
	X(socket, int, (int, int, int))                                                            \
	X(socketpair, int, (int, int, int, int *))                                                 \
	X(shutdown, int, (int, int))                                                               \
	X(dup, int, (int))                                                                         \
	X(dup2, int, (int, int))                                                                   \
	X(dup3, int, (int, int, int))                                                              \
	X(fcntl, int, (int, int, ...))                                                             \
	X(fcntl64, int, (int, int, ...))                                                           \
	X(close, int, (int))                                                                       \
	X(close_range, int, (unsigned int, unsigned int, int))                                     \
	X(closefrom, void, (int))                                                                  \
	X(_Fork, pid_t, (void))                                                                    \
	X(vfork, pid_t, (void))                                                                    \
	X(prctl, int, (int, ...))                                                                  \
	X(syscall, long, (long, ...))                                                              \
	X(clone, int, (int (*)(void *), void *, int, void *, ...))                                 \
	X(sigaltstack, int, (const stack_t *, stack_t *))                                          \
	X(clock_gettime, int, (clockid_t, struct timespec *))                                      \
	X(malloc, void *, (size_t))                                                                \
	X(calloc, void *, (size_t, size_t))                                                        \
	X(realloc, void *, (void *, size_t))                                                       \
	X(reallocarray, void *, (void *, size_t, size_t))                                          \
	X(free, void, (void *))                                                                    \
	X(posix_memalign, int, (void **, size_t, size_t))                                          \
	X(aligned_alloc, void *, (size_t, size_t))                                                 \
	X(memalign, void *, (size_t, size_t))                                                      \
	X(valloc, void *, (size_t))                                                                \
	X(pvalloc, void *, (size_t))                                                               \
	X(malloc_usable_size, size_t, (void *))                                                    \
	X(dlclose, int, (void *))

#define REAL_MEMBER(name, result, parameters) result(*name) parameters;

struct real {
	REAL_FUNCTIONS(REAL_MEMBER)
};

extern struct real real;

bool real_find(void); /* false: there is no dlsym, the plain system calls stay in place */

/* The plain form of dlclose: an older C library has it elsewhere, loaded later maybe. */
int real_no_dlclose(void *object);

/* errno = error, where there is one, and -1. */
long real_fail(int error);

#endif
