/*
 * answer_fixture - a child process that answers HTTP on a Unix socket with what the test says.
 */
#ifndef ANSWER_FIXTURE_H
#define ANSWER_FIXTURE_H

#include "rs_test.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* The answer to a path that begins so; the first that fits. NULL path ends the list. */
struct answer {
	const char *path;
	int status;
	const char *body;
};

static inline void answer_one(int fd, const struct answer *answers)
{
	char request[4096], head[256];
	ssize_t n = read(fd, request, sizeof(request) - 1);

	request[n > 0 ? n : 0] = '\0';
	while (answers->path && strncmp(request + 4, answers->path, strlen(answers->path)) != 0)
		answers++;
	if (answers->path) {
		n = snprintf(head, sizeof(head),
			     "HTTP/1.1 %d X\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
			     answers->status, strlen(answers->body));
		if (write(fd, head, (size_t)n) == n &&
		    write(fd, answers->body, strlen(answers->body)) < 0)
			_exit(1);
	}
	close(fd);
}

/* Its pid, to be ended by answer_end; nothing that fits: the connection is closed. */
static inline pid_t answer_begin(const char *path, const struct answer *answers)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	assert_true(strlen(path) < sizeof(address.sun_path));
	memcpy(address.sun_path, path, strlen(path));
	unlink(path);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 8), 0);
	pid = fork();
	assert_true(pid >= 0);
	while (pid == 0)
		answer_one(accept(fd, NULL, NULL), answers);
	close(fd);
	return pid;
}

static inline void answer_end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

#endif
