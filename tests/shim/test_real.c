/*
 * Every hooked function with good and with bad arguments: result and errno, a line each.
 * programs.py runs it with and without the shim, and compares.
 */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHOW(call)                                                                                 \
	do {                                                                                       \
		long result_;                                                                      \
		errno = 0;                                                                         \
		result_ = (long)(call);                                                            \
		printf("%s = %ld, errno %d\n", #call, result_, errno);                             \
	} while (0)
#define SHOW_NULL(call)                                                                            \
	do {                                                                                       \
		errno = 0;                                                                         \
		printf("%s is %s, errno %d\n", #call, (call) ? "something" : "NULL", errno);       \
	} while (0)

static char bytes[64] = "0123456789";
static struct iovec parts[2] = { { bytes, 3 }, { bytes + 3, 4 } };
static struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
static struct mmsghdr messages[1] = { { .msg_hdr = { .msg_iov = parts, .msg_iovlen = 2 } } };

static void show_bad_descriptors(void)
{
	SHOW(read(-1, bytes, 4));
	SHOW(readv(-1, parts, 2));
	SHOW(preadv2(-1, parts, 2, -1, 0));
	SHOW(recv(-1, bytes, 4, 0));
	SHOW(recvfrom(-1, bytes, 4, 0, NULL, NULL));
	SHOW(recvmsg(-1, &message, 0));
	SHOW(recvmmsg(-1, messages, 1, 0, NULL));
	SHOW(write(-1, bytes, 4));
	SHOW(writev(-1, parts, 2));
	SHOW(pwritev2(-1, parts, 2, -1, 0));
	SHOW_NULL(fdopen(-1, "r"));
	SHOW(send(-1, bytes, 4, 0));
	SHOW(sendto(-1, bytes, 4, 0, NULL, 0));
	SHOW(sendmsg(-1, &message, 0));
	SHOW(sendmmsg(-1, messages, 1, 0));
	SHOW(sendfile(-1, -1, NULL, 4));
	SHOW(sendfile64(-1, -1, NULL, 4));
	SHOW(splice(-1, NULL, -1, NULL, 4, 0));
	SHOW(accept(-1, NULL, NULL));
	SHOW(accept4(-1, NULL, NULL, 0));
	SHOW(connect(-1, NULL, 0));
	SHOW(listen(-1, 1));
	SHOW(shutdown(-1, SHUT_RDWR));
	SHOW(dup(-1));
	SHOW(dup2(-1, 5));
	SHOW(dup2(0, -1));
	SHOW(dup3(0, 0, 0));
	SHOW(fcntl(-1, F_GETFD));
	SHOW(close(-1));
	SHOW(close_range(9, 3, 0));
}

static void show_sockets(void)
{
	int ends[2];
	int more;

	SHOW(socket(AF_INET, 77, 0));
	SHOW(socketpair(AF_INET, SOCK_STREAM, 0, ends));
	SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	SHOW(write(ends[0], bytes, 10));
	SHOW(recv(ends[1], bytes + 20, 4, MSG_PEEK));
	SHOW(read(ends[1], bytes + 20, 4));
	SHOW(pwritev2(ends[0], parts, 2, -1, 0));
	SHOW(pwritev2(ends[0], parts, 2, 5, 0));
	SHOW(preadv2(ends[1], parts, 2, -1, 0));
	SHOW(preadv2(ends[1], parts, 2, 5, 0));
	SHOW(preadv2(ends[1], parts, 2, -1, RWF_NOWAIT));
	SHOW_NULL(fdopen(ends[0], "x"));
	SHOW(writev(ends[0], parts, 2));
	SHOW(readv(ends[1], parts, 2));
	SHOW(sendmsg(ends[1], &message, 0));
	SHOW(recvmsg(ends[0], &message, MSG_DONTWAIT));
	SHOW(sendmmsg(ends[1], messages, 1, 0));
	SHOW(recvmmsg(ends[0], messages, 1, MSG_DONTWAIT, NULL));
	SHOW(recv(ends[0], bytes, 1, MSG_DONTWAIT));
	SHOW(more = dup(ends[0]));
	SHOW(dup2(more, 40));
	SHOW(dup3(more, 41, O_CLOEXEC));
	SHOW(fcntl(41, F_GETFD));
	SHOW(fcntl(more, F_DUPFD_CLOEXEC, 50));
	SHOW(fcntl(more, F_SETFL, O_NONBLOCK));
	SHOW(read(more, bytes, 1));
	SHOW(close_range(40, 60, CLOSE_RANGE_CLOEXEC));
	SHOW(close_range(40, 60, 0));
	SHOW(close(40));
	SHOW(shutdown(ends[1], SHUT_WR));
	SHOW(recv(ends[0], bytes, 1, 0));
	SHOW(close(ends[1]));
	signal(SIGPIPE, SIG_IGN);
	SHOW(write(ends[0], bytes, 1));
	SHOW(send(ends[0], bytes, 1, MSG_NOSIGNAL));
	SHOW(close(ends[0]));
	SHOW(close(more));
}

static void show_files(void)
{
	int in = open("/etc/hostname", O_RDONLY | O_CLOEXEC);
	int out = open("/dev/null", O_WRONLY | O_CLOEXEC);
	off_t from = 1;

	SHOW(sendfile(out, in, &from, 2));
	SHOW(from);
	SHOW(read(in, bytes, 2));
	SHOW(syscall(SYS_close, in));
	SHOW(syscall(SYS_close, in));
	SHOW(syscall(SYS_accept, out, NULL, NULL));
	SHOW(syscall(SYS_accept4, out, NULL, NULL, 0));
	SHOW(syscall(SYS_close_range, out, out, 0));
	SHOW(close(out));
}

static void show_process(void)
{
	/* The seventh argument travels on the stack: a page of mmap needs all of them. */
	void *page = (void *)syscall(SYS_mmap, NULL, 4096, 3, 0x22, -1, 0);
	int pid;

	SHOW(page != (void *)-1 && page);
	SHOW(syscall(SYS_munmap, page, 4096));
	SHOW(syscall(-5));
	SHOW(syscall(SYS_prctl, PR_GET_DUMPABLE, 0, 0, 0, 0));
	SHOW(syscall(SYS_prctl, -1, 0, 0, 0, 0));
	SHOW(syscall(SYS_seccomp, 99, 0, NULL));
	SHOW(prctl(PR_GET_DUMPABLE));
	SHOW(prctl(-1));
	SHOW(sigaltstack(NULL, NULL));
	SHOW(sigaltstack(&(stack_t){ .ss_flags = SS_DISABLE }, NULL));
	SHOW(sigaltstack(&(stack_t){ .ss_size = 1 }, NULL));
	SHOW(sigaltstack(&(stack_t){ .ss_flags = 77 }, NULL));
	SHOW(prctl(PR_SET_NAME, "named"));
	SHOW(prctl(PR_SET_TSC, 77));
	pid = vfork();
	if (!pid)
		_exit(7);
	SHOW(host_wait(pid, 5000));
	pid = _Fork();
	if (!pid)
		_exit(8);
	SHOW(host_wait(pid, 5000));
}

static void show_memory(void)
{
	volatile size_t absurd = SIZE_MAX / 2;
	void *block = NULL;

	SHOW_NULL(malloc(absurd));
	SHOW_NULL(calloc(absurd, 4));
	SHOW_NULL(realloc(NULL, absurd));
	SHOW_NULL(reallocarray(NULL, absurd, 4));
	SHOW_NULL(malloc(0));
	SHOW_NULL(realloc(malloc(10), 0));
	SHOW_NULL(aligned_alloc(64, 128));
	SHOW_NULL(memalign(64, 100));
	SHOW_NULL(memalign(64, absurd));
	SHOW_NULL(valloc(100));
	SHOW_NULL(pvalloc(100));
	SHOW(posix_memalign(&block, 3, 10));
	SHOW(posix_memalign(&block, 64, 10));
	SHOW((uintptr_t)block % 64);
	SHOW(malloc_usable_size(block));
	SHOW(malloc_usable_size(NULL));
	errno = 5;
	free(block);
	printf("errno after free is %d\n", errno);
}

int main(void)
{
	show_bad_descriptors();
	show_sockets();
	show_files();
	show_process();
	show_memory();
	return 0;
}
