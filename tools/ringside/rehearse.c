#include "rehearse.h"

#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define REHEARSE_OUTPUT 65536
#define REHEARSE_PATH "/usr/sbin:/usr/bin:/sbin:/bin"
#define REHEARSE_WORDS 5

/* What starts a machine, logs in to it, mends it and runs its servers: each ends by itself. */
static const char *const rehearse_programs[][REHEARSE_WORDS] = {
	{ "true" },
	{ "false" },
	{ "sh", "-c", "exit 7" },
	{ "sh", "-c", "echo a b | cat; (exit 3); echo $?" },
	{ "bash", "-c", "for i in 1 2 3; do (echo $i) | cat; done" },
	{ "cat", "/proc/version" },
	{ "ls", "/" },
	{ "id" },
	{ "env", "-i", "true" },
	{ "sed", "--version" },
	{ "grep", "-c", "root", "/etc/passwd" },
	{ "tar", "--version" },
	{ "gzip", "--version" },
	{ "mount", "--version" },
	{ "su", "--version" },
	{ "login", "--version" },
	{ "agetty", "--version" },
	{ "ip", "-V" },
	{ "ssh", "-V" },
	{ "dpkg", "--version" },
	{ "rpm", "--version" },
	{ "systemctl", "--version" },
	{ "journalctl", "--version" },
	{ "python3", "-c", "import os; print(sum(range(9)), os.system('exit 4') >> 8)" },
	{ "perl", "-e", "print 6 * 7; exit 5" },
	{ "nginx", "-v" },
};

struct rehearse_result {
	int status;
	size_t bytes;
	char output[REHEARSE_OUTPUT];
};

static void rehearse_become(const char *path, const char *const *words, const char *preload,
			    int output)
{
	char *argv[REHEARSE_WORDS + 1] = { NULL };
	int input = open("/dev/null", O_RDONLY);

	for (int i = 0; i < REHEARSE_WORDS && words[i]; i++)
		argv[i] = (char *)(uintptr_t)words[i];
	dup2(input, STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	setpgid(0, 0);
	unsetenv("LD_PRELOAD");
	setenv("LC_ALL", "C", 1);
	setenv("RINGSIDE_RUN_DIR", "/nonexistent/ringside-trial", 1); /* no agent's */
	if (preload)
		setenv("LD_PRELOAD", preload, 1);
	execv(path, argv);
	_exit(127);
}

/* Until its output ends or its time is up; what it said beyond the room is dropped. */
static bool rehearse_read(int fd, struct rehearse_result *out)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	char rest[4096];

	while (poll(&wait, 1, REHEARSE_SECONDS * 1000) > 0) {
		size_t room = sizeof(out->output) - out->bytes;
		ssize_t n = room ? read(fd, out->output + out->bytes, room)
				 : read(fd, rest, sizeof(rest));

		if (n <= 0)
			return true;
		out->bytes += room ? (size_t)n : 0;
	}
	return false;
}

static int rehearse_one(const char *path, const char *const *words, const char *preload,
			struct rehearse_result *out)
{
	int ends[2];
	pid_t pid;

	out->bytes = 0;
	out->status = -1;
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid == 0)
		rehearse_become(path, words, preload, ends[1]);
	close(ends[1]);
	if (pid > 0) {
		if (!rehearse_read(ends[0], out))
			kill(-pid, SIGKILL);
		waitpid(pid, &out->status, 0);
	}
	close(ends[0]);
	return pid < 0 ? -EAGAIN : 0;
}

static bool rehearse_same(const struct rehearse_result *a, const struct rehearse_result *b)
{
	return a->status == b->status && a->bytes == b->bytes &&
	       memcmp(a->output, b->output, a->bytes) == 0;
}

static void rehearse_explain(const char *const *words, const struct rehearse_result *with,
			     struct rehearse *out)
{
	char said[160];

	snprintf(said, sizeof(said), "%.*s", (int)with->bytes, with->output);
	said[strcspn(said, "\n")] = '\0';
	if (WIFSIGNALED(with->status))
		snprintf(out->why, sizeof(out->why), "%s %s%s ends by signal %d with the library",
			 words[0], words[1] ? words[1] : "", words[2] ? " …" : "",
			 WTERMSIG(with->status));
	else
		snprintf(out->why, sizeof(out->why),
			 "%s does not do the same with the library (exit code %d): %s", words[0],
			 WEXITSTATUS(with->status), said);
}

int rehearse_run(const char *preload, struct rehearse *out)
{
	struct rehearse_result *bare = calloc(2, sizeof(*bare)), *with = bare + 1;
	char path[PROGRAM_PATH];
	int result = bare ? 0 : -ENOMEM;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < sizeof(rehearse_programs) / sizeof(rehearse_programs[0]); i++) {
		const char *const *words = rehearse_programs[i];

		if (result || out->why[0] || program_find(words[0], REHEARSE_PATH, path))
			continue;
		result = rehearse_one(path, words, NULL, bare);
		if (result == 0)
			result = rehearse_one(path, words, preload, with);
		out->tried++;
		if (result == 0 && !rehearse_same(bare, with))
			rehearse_explain(words, with, out);
	}
	free(bare);
	return result;
}
