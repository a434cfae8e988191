/*
 * A host that forbids itself the time stamp counter, by prctl and by syscall: rdtsc and the vDSO
 * clock then raise SIGSEGV.
 */
#include "host.h"

#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct rs_header *header = host_segment_wanted();
	struct host_pair pair;

	(void)argv;
	host_listen_as_agent(header);
	host_connect(&pair);
	HOST_CHECK(host_serve(&pair, "/before"));
	if (argc > 1)
		HOST_CHECK(!syscall(SYS_prctl, PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0));
	else
		HOST_CHECK(!prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0));
	for (int i = 0; i < 200; i++) {
		HOST_CHECK(host_serve(&pair, "/after"));
		free(malloc((size_t)i));
	}
	HOST_CHECK(HOST_SUM(header, requests) == 201);
	HOST_CHECK(header->clock_now == RS_CLOCK_NONE && header->why == RS_WHY_NO_TSC);
	HOST_CHECK(prctl(PR_SET_TSC, 77, 0, 0, 0) == -1); /* refused as ever */
	_exit(0);
}
