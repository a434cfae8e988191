/*
 * A child of vfork closes everything and runs a program: the parent's connections live on, its
 * numbers stay right, and so does its stack.
 */
#include "host.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int __attribute__((noinline)) run_true(int status)
{
	volatile long guard = 0x5a5a5a5a + status;
	char *arguments[] = { (char[]){ "sh" }, (char[]){ "-c" }, NULL, NULL };
	char command[32];
	int pid;

	snprintf(command, sizeof(command), "exit %d", status);
	arguments[2] = command;
	pid = vfork();
	if (!pid) {
		close_range(3, ~0u, 0);
		close(0);
		execv("/bin/sh", arguments);
		_exit(126);
	}
	HOST_CHECK(pid > 0);
	HOST_CHECK(guard == 0x5a5a5a5a + status);
	return host_wait(pid, 5000);
}

static void nested(void)
{
	int pid = vfork();

	if (!pid) {
		if (!vfork())
			_exit(0);
		_exit(7);
	}
	HOST_CHECK(host_wait(pid, 5000) == 7);
}

static int close_all_and_leave(void *unused)
{
	(void)unused;
	close_range(3, ~0u, 0);
	_exit(9);
}

/* What runtimes do that start programs by clone themselves. */
static void borrowed(void)
{
	static _Alignas(16) char stack[65536];
	int pid = clone(close_all_and_leave, stack + sizeof(stack),
			CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);

	HOST_CHECK(host_wait(pid, 5000) == 9);
}

/* The C library's own ways: their children call none of our hooks. */
static void spawned(void)
{
	char *arguments[] = { (char[]){ "sh" }, (char[]){ "-c" }, (char[]){ "exit 5" }, NULL };
	posix_spawn_file_actions_t actions;
	char text[8] = "";
	FILE *stream;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, 2, 9);
	posix_spawn_file_actions_addclosefrom_np(&actions, 3);
	HOST_CHECK(!posix_spawn(&pid, "/bin/sh", &actions, NULL, arguments, environ));
	posix_spawn_file_actions_destroy(&actions);
	HOST_CHECK(host_wait(pid, 5000) == 5);
	pid = system("exit 6");
	HOST_CHECK(WIFEXITED(pid) && WEXITSTATUS(pid) == 6);
	stream = popen("echo hello", "re");
	HOST_CHECK(stream && fgets(text, sizeof(text), stream) && !strcmp(text, "hello\n"));
	HOST_CHECK(!pclose(stream));
}

int main(void)
{
	struct rs_header *header = host_segment_wanted();
	struct host_pair pair;

	host_connect(&pair);
	HOST_CHECK(host_serve(&pair, "/a"));
	for (int i = 0; i < 20; i++) {
		HOST_CHECK(run_true(i) == i);
		HOST_CHECK(host_serve(&pair, "/b"));
	}
	nested();
	borrowed();
	spawned();
	HOST_CHECK(host_serve(&pair, "/c"));
	HOST_CHECK(HOST_SUM(header, requests) == 22);
	HOST_CHECK(HOST_SUM(header, lost[RS_LOST_REENTRY]) == 0);
	return 0;
}
