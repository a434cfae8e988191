/*
 * An unprivileged host that locks all its memory under Debian's default limit of 8 MiB.
 */
#include "host.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

int main(void)
{
	const struct rlimit limit = { 8u << 20, 8u << 20 };
	struct rs_header *header = host_segment_wanted();
	struct host_pair pair;

	HOST_CHECK(!setrlimit(RLIMIT_MEMLOCK, &limit));
	if (!geteuid() && setresuid(65534, 65534, 65534))
		return host_skip("root cannot become nobody");
	HOST_CHECK(!mlockall(MCL_CURRENT));
	host_connect(&pair);
	HOST_CHECK(host_serve(&pair, "/locked"));
	HOST_CHECK(HOST_SUM(header, requests) == 1);
	HOST_CHECK(!munlockall());
	HOST_CHECK(!mlockall(MCL_CURRENT | MCL_FUTURE));
	HOST_CHECK(host_serve(&pair, "/locked"));
	HOST_CHECK(HOST_SUM(header, requests) == 2);
	return 0;
}
