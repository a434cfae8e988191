/*
 * alone - a process of a test as if it had the machine to itself.
 */
#ifndef TESTS_ALONE_H
#define TESTS_ALONE_H

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Of all processes of the machine it sees those that it started alone: whatever else is watched
 * here changes nothing. Returns in that process; where that may not be had, in this one.
 */
static inline void alone_on_its_machine(void)
{
	int status;
	pid_t child;

	if (unshare(CLONE_NEWPID | CLONE_NEWNS)) {
		printf("not alone (%s): other watched processes may disturb it\n", strerror(errno));
		return;
	}
	child = fork();
	if (child < 0)
		exit(EXIT_FAILURE);
	if (child) {
		while (waitpid(child, &status, 0) < 0)
			;
		/* no exit: LeakSanitizer would look, and nothing can be started here any more */
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE);
	}
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("proc", "/proc", "proc", 0, NULL)) {
		printf("no /proc of its own: %s\n", strerror(errno));
		exit(EXIT_FAILURE);
	}
}

#endif
