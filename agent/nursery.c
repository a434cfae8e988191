#include "nursery.h"

#include "log.h"
#include "moment.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NURSERY_GRACE_MS 2000
#define NURSERY_FIRST_MS 50
#define NURSERY_LONGEST_MS 5000
#define NURSERY_GOOD_MS 10000 /* a worker that lived so long did not die of its start */

uint32_t nursery_wait_ms(uint32_t *deaths, uint64_t lived_ms)
{
	uint32_t wait_ms;

	if (lived_ms >= NURSERY_GOOD_MS)
		*deaths = 0;
	wait_ms = *deaths < 7 ? NURSERY_FIRST_MS << *deaths : NURSERY_LONGEST_MS;
	++*deaths;
	return wait_ms < NURSERY_LONGEST_MS ? wait_ms : NURSERY_LONGEST_MS;
}

/* Has the broker ended? Waits so long for it; a worker's pidfd, or -1, ends the wait too. */
static bool nursery_alone(int alive, int pidfd, int wait_ms)
{
	struct pollfd fds[2] = { { .fd = alive, .events = POLLIN },
				 { .fd = pidfd, .events = POLLIN } };

	while (poll(fds, 2, wait_ms) < 0 && errno == EINTR)
		continue; /* stopped and continued */
	return fds[0].revents != 0;
}

static int nursery_reap(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return status;
}

/* The worker's wait status. *over: the broker ended. */
static int nursery_watch(pid_t pid, int alive, bool *over)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	int status;

	*over = nursery_alone(alive, pidfd, -1);
	if (*over) {
		struct pollfd end = { .fd = pidfd, .events = POLLIN };

		/* it saw the end of its link at the same moment as we */
		if (poll(&end, 1, NURSERY_GRACE_MS) == 0)
			kill(pid, SIGKILL);
	}
	status = nursery_reap(pid);
	close(pidfd);
	return status;
}

static void nursery_tell(const char *name, int status)
{
	if (WIFSIGNALED(status))
		log_error("%s was killed by signal %d; starting another", name, WTERMSIG(status));
	else
		log_error("%s ended with code %d; starting another", name, WEXITSTATUS(status));
}

static pid_t nursery_fork(int alive, nursery_fn worker, void *ctx)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	close(alive);
	_exit(worker(ctx));
}

int nursery_run(const char *name, const struct privilege_user *user, int alive, nursery_fn worker,
		void *ctx)
{
	uint32_t deaths = 0;
	bool over = false;
	int result = user ? privilege_nursery(user) : privilege_runner();

	if (result) {
		log_error("privileges cannot be dropped: %s", strerrorname_np(-result));
		return 1;
	}
	/* the terminal sends its signals to all of us; the broker alone decides */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	while (!over) {
		uint64_t born_ns = moment_monotonic_ns();
		pid_t pid = nursery_fork(alive, worker, ctx);
		int status;

		if (pid < 0) {
			log_error("%s cannot be forked: %s", name, strerrorname_np(errno));
		} else {
			status = nursery_watch(pid, alive, &over);
			if (over)
				break;
			if (WIFEXITED(status) && WEXITSTATUS(status) == NURSERY_CANNOT)
				return 1;
			nursery_tell(name, status);
		}
		over = nursery_alone(
			alive, -1,
			(int)nursery_wait_ms(&deaths, (moment_monotonic_ns() - born_ns) / 1000000));
	}
	return 0;
}
