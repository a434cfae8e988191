/*
 * numbers - system calls by their number, up to six arguments.
 */
#include "calls.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static char buffer[256];

static void no_arguments(void)
{
	CALL("syscall", "-1", syscall(-1));
	CALL("syscall", "an unknown number", syscall(9999));
	CALL("syscall", "getpid", syscall(SYS_getpid) == getpid());
	CALL("syscall", "gettid", syscall(SYS_gettid) == getpid());
	CALL("syscall", "getuid", syscall(SYS_getuid));
	CALL("syscall", "sched_yield", syscall(SYS_sched_yield));
	CALL("syscall", "getrandom", syscall(SYS_getrandom, buffer, 16, 0));
	CALL("syscall", "getrandom to nowhere", syscall(SYS_getrandom, calls_nowhere, 16, 0));
}

static void of_connections(void)
{
	int listener = calls_listener(), client = calls_connect(listener, 0);
	int second = calls_connect(listener, 0), fd = listener + 3;

	CALL("syscall", "accept -1", syscall(SYS_accept, -1, calls_null, calls_null));
	CALL("syscall", "accept", syscall(SYS_accept, listener, calls_null, calls_null));
	CALL("syscall", "accept4, unknown flags",
	     syscall(SYS_accept4, listener, calls_null, calls_null, 0x10));
	CALL("syscall", "accept4",
	     syscall(SYS_accept4, listener, calls_null, calls_null, SOCK_CLOEXEC));
	CALL("syscall", "write", syscall(SYS_write, client, "GET ", 4));
	CALL("syscall", "read", syscall(SYS_read, fd, buffer, 2));
	CALL("syscall", "recvfrom",
	     syscall(SYS_recvfrom, fd, buffer, 8, 0, calls_null, calls_null));
	CALL("syscall", "sendto", syscall(SYS_sendto, fd, "abc", 3, 0, calls_null, 0));
	CALL("syscall", "sendto from nowhere",
	     syscall(SYS_sendto, fd, calls_nowhere, 3, 0, calls_null, 0));
	CALL("syscall", "shutdown", syscall(SYS_shutdown, fd, SHUT_WR));
	CALL("syscall", "dup", syscall(SYS_dup, fd));
	CALL("syscall", "fcntl", syscall(SYS_fcntl, fd, F_DUPFD, 50));
	CALL("syscall", "socket", syscall(SYS_socket, AF_INET, SOCK_STREAM, 0));
	calls_descriptors();
	for (int i = 3; i < 64; i++)
		syscall(SYS_close, i);
	(void)second;
}

static void six_arguments(void)
{
	const struct timespec soon = { 0, 1000000 };
	int file = calls_file("0123456789"), other = calls_file("");
	struct iovec from = { buffer, 4 }, to = { buffer + 8, 4 };
	uint32_t word = 7;
	int64_t at = 2;
	struct calls_pair pipe;
	long page;

	calls_pipe(&pipe);
	page = syscall(SYS_mmap, calls_null, 4096, PROT_READ, MAP_PRIVATE, file, 0);
	calls_say("syscall", "mmap", page != -1, page == -1 ? errno : CALLS_UNTOUCHED);
	CALLS_DO(page != -1);
	calls_bytes((const void *)page, 10);
	CALL("syscall", "munmap", syscall(SYS_munmap, page, 4096));
	CALL("syscall", "mmap at an odd offset",
	     syscall(SYS_mmap, calls_null, 4096, PROT_READ, MAP_PRIVATE, file, 3));
	CALL("syscall", "futex, another value",
	     syscall(SYS_futex, &word, FUTEX_WAIT, 8, &soon, calls_null, 0));
	CALL("syscall", "futex, nobody wakes",
	     syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 7, &soon, calls_null, -1));
	CALL("syscall", "futex, requeue",
	     syscall(SYS_futex, &word, FUTEX_CMP_REQUEUE, 1, 1L, &word + 1, 7));
	CALL("syscall", "splice", syscall(SYS_splice, file, &at, pipe.b, calls_null, 5, 0));
	calls_note("at", (long)at);
	calls_bytes(buffer, calls_drain(pipe.a, buffer, sizeof(buffer)));
	CALL("syscall", "copy_file_range",
	     syscall(SYS_copy_file_range, file, &at, other, calls_null, 100, 0));
	CALL("syscall", "process_vm_readv",
	     syscall(SYS_process_vm_readv, getpid(), &to, 1, &from, 1, 0));
	calls_bytes(buffer + 8, 4);
	CALL("syscall", "process_vm_readv, flags",
	     syscall(SYS_process_vm_readv, getpid(), &to, 1, &from, 1, 1));
	CALL("syscall", "pselect6",
	     syscall(SYS_pselect6, 0, calls_null, calls_null, calls_null, &soon, calls_null));
	CALL("syscall", "preadv2", syscall(SYS_preadv2, file, &from, 1, 3, 0, 0));
	calls_bytes(buffer, 4);
	calls_close(&pipe);
	close(file);
	close(other);
}

static void of_processes(void)
{
	struct rlimit limit = { 0 };
	long pid;

	CALL("syscall", "prlimit64", syscall(SYS_prlimit64, 0, RLIMIT_CORE, calls_null, &limit));
	CALL("syscall", "kill", syscall(SYS_kill, getpid(), 0));
	CALL("syscall", "tgkill", syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1));
	calls_signals();
	CALL("syscall", "prctl", syscall(SYS_prctl, PR_GET_DUMPABLE, 0, 0, 0));
	CALL("syscall", "prctl, an unknown option", syscall(SYS_prctl, 123456, 0, 0, 0, 0));
	CALL("syscall", "clone, bad flags", syscall(SYS_clone, 0x800 | SIGCHLD, 0, 0, 0, 0));
	CALL("syscall", "clone3, too small", syscall(SYS_clone3, buffer, 8));
	pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (!pid)
		syscall(SYS_exit_group, 31);
	calls_say("syscall", "clone", pid > 0, CALLS_UNTOUCHED);
	calls_child("it", (int)pid);
}

static void of_rings(void)
{
	struct io_uring_params parameters = { 0 };
	long ring;

	CALL("syscall", "io_uring_setup, no entries", syscall(SYS_io_uring_setup, 0, &parameters));
	CALL("syscall", "io_uring_setup nowhere", syscall(SYS_io_uring_setup, 4, calls_nowhere));
	errno = CALLS_UNTOUCHED;
	ring = syscall(SYS_io_uring_setup, 4, &parameters);
	calls_say("syscall", "io_uring_setup", ring, errno); /* refused in some containers */
	CALL("syscall", "io_uring_enter",
	     syscall(SYS_io_uring_enter, ring, 0, 0, 0, calls_null, 0));
	CALL("syscall", "io_uring_enter -1",
	     syscall(SYS_io_uring_enter, -1, 1, 0, 0, calls_null, 0));
	if (ring >= 0)
		close((int)ring);
}

static void *be_cancelled(void *reached)
{
	pthread_cancel(pthread_self());
	syscall(SYS_close, -1);
	syscall(SYS_accept, -1, calls_null, calls_null);
	*(int *)reached += 1;
	close(-1);
	*(int *)reached += 1;
	return NULL;
}

/* Functions of these names are cancellation points, numbers are not. */
static void cancelled(void)
{
	pthread_t thread;
	int reached = 0;
	void *end;

	CALL("pthread_create", "a thread", pthread_create(&thread, NULL, be_cancelled, &reached));
	CALL("pthread_join", "a thread", pthread_join(thread, &end));
	calls_note("cancelled", end == PTHREAD_CANCELED);
	calls_note("reached", reached);
}

void calls_of_numbers(void)
{
	no_arguments();
	of_connections();
	six_arguments();
	of_processes();
	of_rings();
	cancelled();
	calls_descriptors();
}
