/*
 * The child of a raw clone maps its own memory exactly where its parent's segment was: no hook may
 * write there, malloc included.
 */
#include "host.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static void be_child(struct rs_header *old, const struct host_pair *pair)
{
	uint8_t *mine = mmap(old, RS_START_BYTES, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	HOST_CHECK(mine == (uint8_t *)old);
	memset(mine, 0xaa, RS_START_BYTES);
	for (int i = 0; i < 100; i++)
		free(malloc(100));
	for (int i = 0; i < 10; i++)
		HOST_CHECK(host_serve(pair, "/clone"));
	for (size_t i = 0; i < RS_START_BYTES; i++)
		HOST_CHECK(mine[i] == 0xaa);
	_exit(0);
}

/* As sandboxes begin: the clone is not watched, and its forks must not try to be. */
static void be_sandbox(void)
{
	struct sock_filter no_memfd[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_memfd_create, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(no_memfd) / sizeof(no_memfd[0]),
				      .filter = no_memfd };
	int pid;

	HOST_CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	HOST_CHECK(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
	pid = fork();
	if (!pid)
		_exit(host_segment() ? 1 : 42);
	_exit(host_wait(pid, 5000));
}

int main(void)
{
	struct rs_header *header = host_segment_wanted();
	uint64_t allocations;
	struct host_pair pair;
	long pid;

	host_connect(&pair);
	HOST_CHECK(host_serve(&pair, "/parent"));
	allocations = HOST_SUM(header, allocations);
	pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (!pid)
		be_child(header, &pair);
	HOST_CHECK(host_wait((int)pid, 10000) == 0);
	HOST_CHECK(HOST_SUM(header, requests) == 1);
	HOST_CHECK(HOST_SUM(header, allocations) == allocations);
	pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (!pid)
		be_sandbox();
	HOST_CHECK(host_wait((int)pid, 10000) == 42);
	HOST_CHECK(host_serve(&pair, "/parent"));
	HOST_CHECK(HOST_SUM(header, requests) == 2);
	return 0;
}
