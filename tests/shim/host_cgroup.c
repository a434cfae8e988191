/*
 * A host in a memory cgroup (v1 or v2) of 32 MiB, with many threads: nobody is killed, everything
 * counts.
 */
#include "host.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define THREADS 200
#define REQUESTS 50

static const struct {
	const char *present, *group, *limit, *members;
} versions[] = {
	{ "/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/ringside-test",
	  "/sys/fs/cgroup/memory/ringside-test/memory.limit_in_bytes",
	  "/sys/fs/cgroup/memory/ringside-test/cgroup.procs" },
	{ "/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/ringside-test",
	  "/sys/fs/cgroup/ringside-test/memory.max", "/sys/fs/cgroup/ringside-test/cgroup.procs" },
};

static _Atomic int failed;

static bool put(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	close(fd);
	return ok;
}

static void *serve(void *unused)
{
	struct host_pair pair;
	char path[64];

	host_connect(&pair);
	for (int i = 0; i < REQUESTS; i++) {
		snprintf(path, sizeof(path), "/cgroup/x%c", 'g' + i % 20);
		failed += !host_serve(&pair, path);
	}
	host_disconnect(&pair);
	return unused;
}

static int be_confined(void)
{
	struct rs_header *header = host_segment_wanted();
	pthread_t threads[THREADS];
	pthread_attr_t small;

	host_listen_as_agent(header);
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 64 * 1024);
	for (int i = 0; i < THREADS; i++)
		HOST_CHECK(!pthread_create(&threads[i], &small, serve, NULL));
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	HOST_CHECK(!failed);
	HOST_CHECK(HOST_SUM(header, requests) == THREADS * REQUESTS);
	HOST_CHECK(header->state == RS_STATE_ON);
	return 42;
}

/* Runs this program again inside; its exit status, -1: there is no such controller. */
static int run_confined(int version, char *self)
{
	int status = -1;
	int pid;

	if (access(versions[version].present, W_OK) || mkdir(versions[version].group, 0755))
		return -1;
	if (put(versions[version].limit, "33554432")) {
		pid = fork();
		if (!pid) {
			if (!put(versions[version].members, "0"))
				_exit(125);
			execl("/proc/self/exe", self, "confined", NULL);
			_exit(126);
		}
		status = host_wait(pid, 30000);
		status = status < 0 ? 124 : status;
	}
	rmdir(versions[version].group);
	return status;
}

int main(int argc, char **argv)
{
	int status;

	if (argc > 1)
		return be_confined();
	status = run_confined(0, argv[0]);
	if (status < 0)
		status = run_confined(1, argv[0]);
	if (status < 0)
		return host_skip("there is no memory controller that we may use");
	HOST_CHECK(status == 42);
	return 0;
}
