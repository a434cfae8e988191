/*
 * Hosts with a small RLIMIT_AS or RLIMIT_FSIZE: a segment would hurt them, so there is none, and
 * their calls work as ever. With room enough under RLIMIT_AS there is one.
 */
#include "host.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int run_under(char *self, int resource, rlim_t bytes, const char *expected)
{
	const struct rlimit limit = { bytes, bytes };
	int pid = fork();

	if (!pid) {
		setrlimit(resource, &limit);
		execl(self, self, expected, NULL);
		_exit(126);
	}
	return host_wait(pid, 5000);
}

/* What the second run of this program does. */
static int be_limited(const char *expected)
{
	struct host_pair pair;
	void *block = malloc(1000000);

	HOST_CHECK(block != NULL);
	free(block);
	HOST_CHECK(!host_segment() == !strcmp(expected, "inert"));
	host_connect(&pair);
	HOST_CHECK(host_serve(&pair, "/limited"));
	return 42;
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return be_limited(argv[1]);
	HOST_CHECK(run_under(argv[0], RLIMIT_AS, 40u << 20, "inert") == 42);
	HOST_CHECK(run_under(argv[0], RLIMIT_AS, 1024u << 20, "watched") == 42);
	HOST_CHECK(run_under(argv[0], RLIMIT_FSIZE, 4096, "inert") == 42);
	HOST_CHECK(run_under(argv[0], RLIMIT_FSIZE, 64u << 20, "watched") == 42);
	return 0;
}
