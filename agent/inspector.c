#include "inspector.h"

#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define INSPECTOR_SECOND_NS UINT64_C(1000000000)

enum { INSPECTOR_FILE, INSPECTOR_ANSWER, INSPECTOR_REST };

static struct sites_room inspector_room; /* touched by the child alone */

static int inspector_drop(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct nothing[2] = { { 0 } };

	return syscall(SYS_capset, &header, nothing) ? -errno : 0;
}

/* From here on a fault in it can reach the two descriptors, and nothing else. */
static void inspector_child(int file, int answer, enum runtime runtime)
{
	struct sites sites;

	if (answer == INSPECTOR_FILE)
		answer = dup(answer);
	if (dup2(file, INSPECTOR_FILE) < 0 || dup2(answer, INSPECTOR_ANSWER) < 0 ||
	    close_range(INSPECTOR_REST, ~0u, 0) || inspector_drop() ||
	    jail_enter(INSPECTOR_SECONDS))
		_exit(1);
	sites_read(INSPECTOR_FILE, runtime, &inspector_room, &sites);
	_exit(write(INSPECTOR_ANSWER, &sites, sizeof(sites)) != (ssize_t)sizeof(sites));
}

int inspector_start(struct inspector *i, int file, enum runtime runtime, uint64_t now_ns)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	i->pid = fork();
	if (i->pid == 0)
		inspector_child(file, ends[1], runtime);
	close(ends[1]);
	i->answer = ends[0];
	i->until_ns = now_ns + INSPECTOR_SECONDS * INSPECTOR_SECOND_NS;
	if (i->pid > 0)
		return 0;
	close(i->answer);
	i->pid = 0;
	return -EAGAIN;
}

int inspector_poll(struct inspector *i, uint64_t now_ns, struct sites *out)
{
	ssize_t n = read(i->answer, out, sizeof(*out));
	int result = 0;

	if (n < 0 && errno == EAGAIN && now_ns < i->until_ns)
		return -EAGAIN;
	if (n < 0)
		result = errno == EAGAIN ? -ETIMEDOUT : -errno;
	else if (n != sizeof(*out) || !sites_sane(out))
		result = -EPROTO;
	inspector_stop(i);
	return result;
}

void inspector_stop(struct inspector *i)
{
	if (!i->pid)
		return;
	kill(i->pid, SIGKILL);
	while (waitpid(i->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	close(i->answer);
	i->pid = 0;
}
