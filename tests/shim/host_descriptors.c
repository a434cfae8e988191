/*
 * Descriptors with numbers far above what select takes, and beyond what the table holds.
 */
#include "host.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TABLE_END (1 << 20)

static bool raise_limit(rlim_t most)
{
	const struct rlimit limit = { most, most };

	return !setrlimit(RLIMIT_NOFILE, &limit);
}

/* The connection is accepted, copied to this number, its first one closed. */
static void serve_on(struct rs_header *header, int number)
{
	uint64_t served = HOST_SUM(header, requests);
	uint64_t closed = HOST_SUM(header, closed);
	struct host_pair pair;

	host_connect(&pair);
	HOST_CHECK(dup2(pair.server, number) == number && !close(pair.server));
	pair.server = number;
	for (int i = 0; i < 10; i++)
		HOST_CHECK(host_serve(&pair, "/high"));
	HOST_CHECK(HOST_SUM(header, requests) == served + 10);
	host_disconnect(&pair);
	HOST_CHECK(HOST_SUM(header, closed) == closed + 1);
}

/* Unknown to the table, and no harm done. */
static void serve_beyond(struct rs_header *header)
{
	uint64_t told = HOST_SUM(header, unparsed[RS_UNPARSED_FD_LIMIT]);
	struct host_pair pair;

	if (!raise_limit(TABLE_END + 10)) {
		printf("not tried: the kernel's nr_open ends where the table does\n");
		return;
	}
	host_connect(&pair);
	HOST_CHECK(dup2(pair.server, TABLE_END + 5) == TABLE_END + 5 && !close(pair.server));
	pair.server = TABLE_END + 5;
	HOST_CHECK(host_serve(&pair, "/beyond"));
	HOST_CHECK(HOST_SUM(header, unparsed[RS_UNPARSED_FD_LIMIT]) > told);
	HOST_CHECK(header->fds_unseen > 0);
	host_disconnect(&pair);
}

int main(void)
{
	static const int numbers[] = { 511,   512,   1023,   1024,         5000,
				       65535, 65536, 200000, TABLE_END - 1 };
	struct rs_header *header = host_segment_wanted();
	struct rlimit limit;

	host_listen_as_agent(header);
	HOST_CHECK(!getrlimit(RLIMIT_NOFILE, &limit));
	raise_limit(limit.rlim_max);
	raise_limit(TABLE_END);
	HOST_CHECK(!getrlimit(RLIMIT_NOFILE, &limit));
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if ((rlim_t)numbers[i] < limit.rlim_cur)
			serve_on(header, numbers[i]);
		else
			printf("not tried: descriptor %d is above the limit\n", numbers[i]);
	}
	serve_beyond(header);
	HOST_CHECK(!close_range(3, ~0u, 0));
	HOST_CHECK(HOST_SUM(header, opened) == HOST_SUM(header, closed));
	return 0;
}
