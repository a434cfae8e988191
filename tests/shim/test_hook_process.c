/*
 * A host that enters strict seccomp: rdtsc and any system call but read, write and exit kill it.
 */
#include "host.h"

#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
	struct rs_header *header = host_segment_wanted();
	struct host_pair pair;

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
