#include "systemctl.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

static int systemctl_run(const char *verb, const char *unit)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		dup2(STDERR_FILENO, STDOUT_FILENO); /* ours may be a JSON document */
		execlp("systemctl", "systemctl", verb, unit, (char *)NULL);
		_exit(errno == ENOENT ? 127 : 126);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return -ENOENT;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EREMOTEIO;
}

int systemctl_reload(void)
{
	return systemctl_run("daemon-reload", NULL);
}

int systemctl_restart(const char *unit)
{
	return systemctl_run("try-restart", unit);
}
