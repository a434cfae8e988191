#include "aside.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* A probe must not outlive us in one that is left. */
_Noreturn static void aside_live(const char *name, void (*live)(void), int socket, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, name);
	if (getppid() != parent || dup2(socket, ASIDE_SOCKET) != ASIDE_SOCKET)
		_exit(1);
	closefrom(ASIDE_SOCKET + 1);
	live();
	_exit(0);
}

pid_t aside_start(const char *name, void (*live)(void), int *socket)
{
	pid_t parent = getpid(), child;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	child = fork();
	if (child == 0)
		aside_live(name, live, ends[1], parent);
	close(ends[1]);
	if (child > 0) {
		*socket = ends[0];
		return child;
	}
	close(ends[0]);
	return -EAGAIN;
}
