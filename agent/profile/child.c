#include "child.h"

#include "places.h"
#include "symbolize.h"
#include "unwind.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int child_main(const char *word)
{
	if (strcmp(word, CHILD_SYMBOLIZE) == 0)
		return symbolize_main();
	if (strcmp(word, CHILD_PLACES) == 0)
		return places_main();
	return strcmp(word, CHILD_UNWIND) == 0 ? unwind_main() : -1;
}

/* A file under its own number loses its close-on-exec flag in the child alone. */
int child_start(const struct child_start *start, pid_t *out)
{
	char name[] = "ringsided", word[32] = "";
	char *arguments[] = { name, word, NULL }, *nothing[] = { NULL };
	posix_spawn_file_actions_t actions;
	int result = posix_spawn_file_actions_init(&actions);

	if (result)
		return -result;
	for (size_t i = 0; i < sizeof(word) - 1 && start->word[i]; i++)
		word[i] = start->word[i];
	posix_spawn_file_actions_adddup2(&actions, start->question, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, start->answer, STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	for (uint32_t i = 0; i < start->passed_count; i++)
		if (start->passed[i] >= 0)
			posix_spawn_file_actions_adddup2(&actions, start->passed[i],
							 start->passed[i]);
	result = posix_spawn(out, start->program, &actions, NULL, arguments, nothing);
	posix_spawn_file_actions_destroy(&actions);
	return -result;
}

static int child_end(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (!WIFEXITED(status))
		return -EPROTO;
	if (WEXITSTATUS(status) == CHILD_NO_LIBRARY)
		return -ELIBACC;
	return WEXITSTATUS(status) == 0 ? 0 : -EPROTO;
}

int child_wait(pid_t pid, int wait_ms)
{
	struct pollfd end = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
	int ready = poll(&end, end.fd >= 0, wait_ms);
	siginfo_t ended = { 0 };

	if (end.fd >= 0)
		close(end.fd);
	else if (!waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOHANG | WNOWAIT))
		ready = ended.si_pid == pid; /* there is no descriptor left: it was slept instead */
	return ready > 0 ? child_end(pid) : -EAGAIN;
}

void child_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	child_end(pid);
}
