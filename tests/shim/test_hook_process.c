/*
 * A host that enters strict seccomp: rdtsc and any system call but read, write and exit kill it.
 */
#include "host.h"

#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Bytes that a ring moves pass no hook: that one is set up is all that can be said. */
static void io_uring_is_told(const struct rs_header *header)
{
	uint32_t parameters[30] = { 0 };
	long ring = syscall(SYS_io_uring_setup, 4, parameters);

	HOST_CHECK(header->unseen == (ring >= 0 ? RS_UNSEEN_IO_URING : 0));
	if (ring >= 0)
		close((int)ring);
}

/* What is done ahead of a call is undone when the call fails. */
static void a_refused_sandbox_changes_nothing(const struct rs_header *header)
{
	HOST_CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL) == -1);
	HOST_CHECK(header->frozen == 0);
	HOST_CHECK(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL) == -1);
	HOST_CHECK(header->frozen == 0 && header->state == RS_STATE_ON);
	HOST_CHECK(header->clock_now == header->clock && header->why == RS_WHY_NONE);
}

int main(void)
{
	struct rs_header *header = host_segment_wanted();
	struct host_pair pair;

	io_uring_is_told(header);
	a_refused_sandbox_changes_nothing(header);

	host_listen_as_agent(header);
	host_connect(&pair);
	HOST_CHECK(host_serve(&pair, "/before"));
	HOST_CHECK(HOST_SUM(header, requests) == 1);
	HOST_CHECK(HOST_SUM(header, pushed[RS_KIND_REQUEST]) == 1);
	HOST_CHECK(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
	for (int i = 0; i < 100; i++)
		HOST_CHECK(host_serve(&pair, "/after"));
	HOST_CHECK(HOST_SUM(header, requests) == 101);
	HOST_CHECK(HOST_SUM(header, pushed[RS_KIND_REQUEST]) == 1);
	HOST_CHECK(header->clock_now == RS_CLOCK_NONE);
	HOST_CHECK(header->state == RS_STATE_COUNT && header->why == RS_WHY_SECCOMP);
	syscall(SYS_exit, 0);
	return 1;
}
