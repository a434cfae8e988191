#include "watcher.h"

#include "proc.h"
#include "program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WATCHER_FIRST_MS 1 /* a command that ends at once is seen too, mostly */
#define WATCHER_MOST_MS 64

/* What the watcher needs, at descriptors of its own choice: all others are closed. */
enum { WATCHER_STDERR = 2, WATCHER_GO, WATCHER_PROCESS, WATCHER_REST };

enum watcher_sight watcher_look(pid_t pid)
{
	struct proc_maps maps;

	if (proc_maps_read(pid, &maps))
		return WATCHER_SEES_END;
	if (maps.segments)
		return WATCHER_SEES_SEGMENT;
	return maps.shim ? WATCHER_SEES_LIBRARY : WATCHER_SEES_NOTHING;
}

static bool watcher_is_secure(pid_t pid)
{
	Elf64_auxv_t vector[64];
	long n = proc_file_read(pid, "auxv", (char *)vector, sizeof(vector));

	for (long i = 0; i < n / (long)sizeof(vector[0]); i++)
		if (vector[i].a_type == AT_SECURE)
			return vector[i].a_un.a_val != 0;
	return false;
}

void watcher_explain(pid_t pid, enum watcher_sight sight, char *out, size_t size)
{
	char path[PROC_PATH_BYTES];
	char name[PROGRAM_PATH];
	char reason[PROGRAM_REASON];
	ssize_t n;

	if (sight == WATCHER_SEES_LIBRARY) {
		snprintf(out, size,
			 "the library is loaded, but records nothing: it switched itself "
			 "off, or a limit of file size or address space forbids its "
			 "memory");
		return;
	}
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	n = readlink(path, name, sizeof(name) - 1);
	name[n > 0 ? n : 0] = '\0';
	if (watcher_is_secure(pid))
		snprintf(out, size,
			 "%s runs with rights its caller has not, and its loader ignores "
			 "LD_PRELOAD",
			 name);
	else if (program_look(path, reason) != PROGRAM_DYNAMIC && strchr(reason, ' '))
		snprintf(out, size, "%s%s", name, strchr(reason, ' '));
	else
		snprintf(out, size, "the loader of %s did not take the library in", name);
}

static int watcher_pidfd(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* Keeps what is needed and closes all else: a pipe held open here would hang somebody. */
static void watcher_settle(int go, int process)
{
	/* first out of each other's way; a failure leaves -1, which poll and read can bear */
	int high_go = fcntl(go, F_DUPFD_CLOEXEC, WATCHER_REST);
	int high_process = fcntl(process, F_DUPFD_CLOEXEC, WATCHER_REST);

	close(0);
	close(1);
	dup2(high_go, WATCHER_GO);
	if (high_process < 0 || dup2(high_process, WATCHER_PROCESS) < 0)
		close(WATCHER_PROCESS);
	syscall(SYS_close_range, WATCHER_REST, ~0U, 0);
}

/* It must end, whatever the other end of standard error does, and whatever was inherited. */
static void watcher_bound(void)
{
	sigset_t none;

	sigemptyset(&none);
	signal(SIGALRM, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	alarm(WATCHER_SECONDS + 1);
}

static uint64_t watcher_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Looks until the library records, the process ended, or time is up; what was seen last. */
static enum watcher_sight watcher_wait(pid_t pid, int process)
{
	uint64_t end_ms = watcher_now_ms() + UINT64_C(1000) * WATCHER_SECONDS;
	struct pollfd ended = { .fd = process, .events = POLLIN };
	enum watcher_sight sight = WATCHER_SEES_NOTHING;
	int wait_ms = WATCHER_FIRST_MS;

	while (sight < WATCHER_SEES_SEGMENT && watcher_now_ms() < end_ms) {
		if (poll(&ended, 1, wait_ms) > 0)
			return WATCHER_SEES_END;
		sight = watcher_look(pid);
		if (wait_ms < WATCHER_MOST_MS)
			wait_ms *= 2;
	}
	/* the maps of what has ended are empty: no word on the library */
	return poll(&ended, 1, 0) > 0 ? WATCHER_SEES_END : sight;
}

static void watcher_run(pid_t pid, const char *name)
{
	char word, why[PROGRAM_PATH + PROGRAM_REASON];
	enum watcher_sight sight;

	if (read(WATCHER_GO, &word, 1) != 0)
		return; /* cancelled */
	sight = watcher_wait(pid, fcntl(WATCHER_PROCESS, F_GETFD) < 0 ? -1 : WATCHER_PROCESS);
	if (sight >= WATCHER_SEES_SEGMENT)
		return;
	watcher_explain(pid, sight, why, sizeof(why));
	dprintf(WATCHER_STDERR, "ringside: warning: %s (pid %d) is not watched: %s\n", name, pid,
		why);
}

/* In the child: leaves the watcher behind without a parent. */
static void watcher_leave(pid_t pid, const char *name, const int go[2])
{
	int process = watcher_pidfd(pid);

	setsid(); /* what the terminal sends to the command is not for us */
	if (fork() != 0)
		_exit(0);
	close(go[1]);
	watcher_settle(go[0], process);
	watcher_bound();
	if (chdir("/") == 0)
		watcher_run(pid, name);
	_exit(0);
}

static bool watcher_is_adopted(void)
{
	int reaper = 0;

	return getpid() == 1 || (prctl(PR_GET_CHILD_SUBREAPER, &reaper, 0, 0, 0) == 0 && reaper);
}

/* A SIGCHLD that was blocked would stay pending over exec, and the command would find it. */
static void watcher_reap(pid_t child, bool was_pending)
{
	struct timespec at_once = { 0 };
	sigset_t set;

	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	if (!was_pending)
		sigtimedwait(&set, NULL, &at_once);
}

int watcher_start(struct watcher *w, const char *name)
{
	pid_t self = getpid();
	sigset_t pending;
	pid_t child;
	int go[2];

	w->go = -1;
	if (fcntl(STDERR_FILENO, F_GETFD) < 0 || watcher_is_adopted())
		return -ENOTSUP;
	if (pipe2(go, O_CLOEXEC))
		return -errno;
	sigpending(&pending);
	child = fork();
	if (child == 0)
		watcher_leave(self, name, go);
	close(go[0]);
	if (child < 0) {
		int result = -errno;

		close(go[1]);
		return result;
	}
	watcher_reap(child, sigismember(&pending, SIGCHLD) == 1);
	w->go = go[1];
	return 0;
}

void watcher_cancel(struct watcher *w)
{
	/* a watcher that is gone already gives EPIPE: this process ends anyway */
	if (w->go >= 0 && write(w->go, "", 1) == 1)
		close(w->go);
	w->go = -1;
}
