#include "deed.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEED_REPORT 3 /* behind input, output and errors */

/* What a parent set up for itself is nothing for a program that knows nothing of it. */
static void deed_forget(int report)
{
	int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	if (nowhere < 0)
		_exit(1);
	if (setsid() < 0)
		_exit(1);
	sigemptyset(&none);
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL); /* NOLINT(concurrency-mt-unsafe): one thread */
	for (int fd = 0; fd < DEED_REPORT; fd++)
		dup2(nowhere, fd);
	if (report != DEED_REPORT)
		dup3(report, DEED_REPORT, O_CLOEXEC);
	syscall(SYS_close_range, DEED_REPORT + 1, ~0U, 0);
	umask(022);
	if (chdir("/"))
		_exit(1);
}

static void deed_child(deed_fn fn, void *ctx, pid_t guard)
{
	char text[DEED_TEXT] = "";
	int code;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != guard)
		_exit(1);
	code = fn(ctx, text);
	_exit(write(DEED_REPORT, text, strlen(text)) < 0 ? 1 : code);
}

/* Until the child ended, or who reads the report did. */
static int deed_watch(pid_t child)
{
	struct pollfd fds[2] = { { .fd = DEED_REPORT },
				 { .fd = (int)syscall(SYS_pidfd_open, child, 0),
				   .events = POLLIN } };
	int status = 0;

	while (fds[1].fd >= 0 && poll(fds, 2, -1) < 0)
		continue;
	if (fds[1].fd >= 0 && !fds[1].revents)
		kill(0, SIGKILL); /* this process too */
	waitpid(child, &status, 0);
	return status;
}

/* Ends as the child did. */
static void deed_guard(deed_fn fn, void *ctx, int report)
{
	pid_t guard, child;
	int status;

	deed_forget(report);
	guard = getpid();
	child = fork();
	if (child == 0)
		deed_child(fn, ctx, guard);
	if (child < 0)
		_exit(1);
	status = deed_watch(child);
	if (WIFSIGNALED(status)) {
		prctl(PR_SET_DUMPABLE, 0); /* what it was like is the child's to tell */
		kill(guard, WTERMSIG(status));
	}
	_exit(WEXITSTATUS(status));
}

int deed_begin(struct deed *d, deed_fn fn, void *ctx, int64_t now_ns, uint32_t timeout_ms)
{
	int report[2];

	if (pipe2(report, O_CLOEXEC))
		return -errno;
	d->pid = fork();
	if (d->pid == 0)
		deed_guard(fn, ctx, report[1]);
	close(report[1]);
	if (d->pid < 0) {
		d->pid = 0;
		close(report[0]);
		return -EAGAIN;
	}
	d->report = report[0];
	d->pidfd = (int)syscall(SYS_pidfd_open, d->pid, 0);
	d->begun_ns = now_ns;
	d->due_ns = now_ns + timeout_ms * INT64_C(1000000);
	d->late = false;
	return 0;
}

static void deed_kill(const struct deed *d)
{
	kill(-d->pid, SIGKILL); /* none yet where it has no session yet */
	kill(d->pid, SIGKILL);
}

static void deed_close(struct deed *d)
{
	if (d->pidfd >= 0)
		close(d->pidfd);
	close(d->report);
	d->pid = 0;
}

static void deed_judge(const struct deed *d, int status, int64_t now_ns, struct deed_result *out)
{
	double took_s = (double)(now_ns - d->begun_ns) / 1e9;
	char said[DEED_TEXT];
	/* its end was seen: what it has to say is in the pipe, or never will be */
	ssize_t n = read(d->report, said, sizeof(said) - 1);

	said[n > 0 ? n : 0] = '\0';
	out->good = !d->late && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	if (d->late)
		snprintf(out->text, sizeof(out->text), "killed after %.1f s, its timeout", took_s);
	else if (WIFSIGNALED(status))
		snprintf(out->text, sizeof(out->text), "killed by signal %d after %.1f s",
			 WTERMSIG(status), took_s);
	else if (*said)
		snprintf(out->text, sizeof(out->text), "%s", said);
	else
		snprintf(out->text, sizeof(out->text), "exit code %d after %.1f s",
			 WEXITSTATUS(status), took_s);
}

bool deed_step(struct deed *d, int64_t now_ns, struct deed_result *out)
{
	int status = 0;
	pid_t got;

	if (!d->pid)
		return true;
	if (now_ns >= d->due_ns && !d->late) {
		d->late = true;
		deed_kill(d);
	}
	got = waitpid(d->pid, &status, WNOHANG);
	if (got == 0)
		return false;
	if (got < 0)
		status = 1 << 8; /* how it ended nobody knows */
	deed_judge(d, status, now_ns, out);
	deed_close(d);
	return true;
}

void deed_end(struct deed *d)
{
	if (!d->pid)
		return;
	deed_kill(d);
	waitpid(d->pid, NULL, 0);
	deed_close(d);
}
