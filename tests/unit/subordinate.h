/*
 * subordinate - a child process that runs as another user than the one who answers for it.
 */
#ifndef SUBORDINATE_H
#define SUBORDINATE_H

#include "rs_test.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static inline void subordinate_put(pid_t pid, const char *name, const char *text)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

/* In a namespace that this user makes, as the user 7 of it; 0: that is refused here. */
static inline pid_t subordinate(uid_t user, const char *map)
{
	int made[2], mapped[2];
	pid_t pid;
	char byte = 0;

	assert_int_equal(pipe2(made, O_CLOEXEC) | pipe2(mapped, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		alarm(60);
		if (setresuid(user, user, user) || unshare(CLONE_NEWUSER) ||
		    write(made[1], "x", 1) != 1 || read(mapped[0], &byte, 1) != 1 ||
		    setresuid(7, 7, 7) || write(made[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	close(made[1]);
	close(mapped[0]);
	if (read(made[0], &byte, 1) == 1) {
		subordinate_put(pid, "uid_map", map);
		assert_int_equal(write(mapped[1], "x", 1), 1);
		assert_int_equal(read(made[0], &byte, 1), 1);
	} else {
		waitpid(pid, NULL, 0);
		pid = 0;
	}
	close(made[0]);
	close(mapped[1]);
	return pid;
}

#endif
