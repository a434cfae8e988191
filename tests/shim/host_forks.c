/*
 * fork from a busy threaded process, 300 times: every child allocates, serves and exits within 1 s.
 */
#include "host.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS 4
#define FORKS 300

static _Atomic int enough;

static void *be_busy(void *unused)
{
	struct host_pair pair;

	host_connect(&pair);
	while (!enough) {
		free(malloc(1000));
		host_serve(&pair, "/busy");
	}
	host_disconnect(&pair);
	return unused;
}

static void be_child(void)
{
	struct rs_header *header;
	struct host_pair pair;

	for (int i = 0; i < 100; i++)
		free(malloc((size_t)i * 100));
	header = host_segment_wanted();
	host_listen_as_agent(header); /* it was found */
	host_connect(&pair);
	HOST_CHECK(host_serve(&pair, "/child"));
	HOST_CHECK(HOST_SUM(header, requests) == 1);
	exit(0);
}

int main(void)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		HOST_CHECK(!pthread_create(&threads[i], NULL, be_busy, NULL));
	for (int i = 0; i < FORKS; i++) {
		int pid = fork();

		if (!pid)
			be_child();
		HOST_CHECK(host_wait(pid, 1000) == 0);
	}
	enough = 1;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
