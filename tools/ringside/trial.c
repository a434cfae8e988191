#include "trial.h"

#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRIAL_STEP_MS 5
#define TRIAL_STEPS 400 /* 2 s, as long as the watcher of a command waits */

/* No agent has this one: it leaves the trial alone, and its numbers with it. */
#define TRIAL_RUN_DIR "/nonexistent/ringside-doctor"

/* In the child: cat, which reads until its input is closed. */
static void trial_become(const char *library, int input)
{
	int nowhere = open("/dev/null", O_RDWR);

	dup2(input, STDIN_FILENO);
	dup2(nowhere, STDOUT_FILENO);
	dup2(nowhere, STDERR_FILENO);
	unsetenv("RINGSIDE");
	unsetenv("PERFORMANCE_MONITORING_ENABLED");
	if (setenv("LD_PRELOAD", library, 1) == 0 &&
	    setenv("RINGSIDE_RUN_DIR", TRIAL_RUN_DIR, 1) == 0)
		execlp("cat", "cat", (char *)NULL);
	_exit(127);
}

static bool trial_has_ended(pid_t pid)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid;
}

static void trial_look(pid_t pid, struct trial *out)
{
	for (int i = 0; i < TRIAL_STEPS; i++) {
		/* the maps of what has ended are empty: no word on the library */
		out->sight = trial_has_ended(pid) ? WATCHER_SEES_END : watcher_look(pid);
		if (out->sight >= WATCHER_SEES_SEGMENT)
			return;
		poll(NULL, 0, TRIAL_STEP_MS);
	}
}

static void trial_accept(pid_t pid, struct trial *out)
{
	struct accept_segment segment;
	struct proc_maps maps;
	struct accept accept;

	out->accept = ACCEPT_GONE;
	if (proc_maps_read(pid, &maps) || !maps.segments || accept_open(&accept, TRIAL_RUN_DIR))
		return;
	out->accept = accept_mapping(&accept, pid, maps.range[0], proc_own_pid(pid), &segment);
	if (out->accept == ACCEPT_OK) {
		out->clock = segment.claims.clock;
		close(segment.fd);
	}
	accept_close(&accept);
}

static bool trial_end(pid_t pid)
{
	int status = -1;

	for (int i = 0; i < TRIAL_STEPS; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) && WEXITSTATUS(status) == 0;
		poll(NULL, 0, TRIAL_STEP_MS);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return false;
}

int trial_run(const char *library, struct trial *out)
{
	int input[2];
	pid_t pid;

	memset(out, 0, sizeof(*out));
	if (pipe2(input, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid == 0)
		trial_become(library, input[0]);
	close(input[0]);
	if (pid < 0) {
		int result = -errno;

		close(input[1]);
		return result;
	}
	trial_look(pid, out);
	trial_accept(pid, out);
	close(input[1]);
	out->ended_well = trial_end(pid);
	return 0;
}
