/*
 * A host that starts as root and then gives everything up, as servers do: its environment, its root
 * folder, its user. Threads and children that come later are watched all the same.
 */
#include "host.h"

#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int root; /* to find one's segment: there is no /proc where we live now */

static void *serve(void *failed)
{
	struct host_pair pair;

	host_connect(&pair);
	for (int i = 0; i < 10; i++)
		*(int *)failed |= !host_serve(&pair, "/dropped");
	host_disconnect(&pair);
	return NULL;
}

static void be_child(const struct host_pair *pair, const char *service)
{
	struct rs_header *header;

	HOST_CHECK(host_serve(pair, "/child"));
	/* Back out of the jail, which a descriptor kept open allows to root only. */
	HOST_CHECK(!fchdir(root) && !chroot("."));
	header = host_segment_wanted();
	HOST_CHECK(HOST_SUM(host_kin(), requests) == 1);
	HOST_CHECK(!strcmp(header->service, service));
	_exit(42);
}

static void serve_by_threads(const struct rs_header *header)
{
	int failed[5] = { 0 };
	pthread_t threads[5];

	for (int i = 0; i < 5; i++)
		HOST_CHECK(!pthread_create(&threads[i], NULL, serve, &failed[i]));
	for (int i = 0; i < 5; i++)
		HOST_CHECK(!pthread_join(threads[i], NULL) && !failed[i]);
	HOST_CHECK(HOST_SUM(header, requests) == 50);
	HOST_CHECK(header->state == RS_STATE_ON);
}

static void tidy_up(const char *folder)
{
	HOST_CHECK(!fchdir(root) && !chroot(".") && !rmdir(folder));
	_exit(42);
}

int main(void)
{
	struct rs_header *header = host_segment_wanted();
	char empty[] = "/tmp/ringside-drop-XXXXXX";
	char service[sizeof(header->service)];
	struct host_pair pair;
	int pid;

	if (geteuid())
		return host_skip("only root has something to give up");
	host_listen_as_agent(header);
	memcpy(service, header->service, sizeof(service));
	host_connect(&pair);
	HOST_CHECK((root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)) >= 0);
	HOST_CHECK(mkdtemp(empty) && !clearenv());
	HOST_CHECK(!chdir(empty) && !chroot("."));
	pid = fork();
	if (!pid)
		be_child(&pair, service);
	HOST_CHECK(host_wait(pid, 5000) == 42);
	pid = fork(); /* the parent gives up its user; the child tidies up behind it */
	if (!pid)
		tidy_up(empty);
	HOST_CHECK(!setgroups(0, NULL) && !setresgid(65534, 65534, 65534));
	HOST_CHECK(!setresuid(65534, 65534, 65534));
	serve_by_threads(header);
	HOST_CHECK(host_wait(pid, 5000) == 42);
	return 0;
}
