#include "returns.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define RETURNS_CALL 335 /* __NR_uretprobe of x86-64 */

enum returns_end { RETURNS_UNKNOWN, RETURNS_NO_CALL, RETURNS_FILTERED, RETURNS_MADE };

/* Answers EPERM, as the filters of containers do. */
static int returns_filter(unsigned int call)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned int)offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* Made from anywhere but its own place, the call is answered by SIGILL: it came through. */
static void returns_child(unsigned int call, bool filtered)
{
	signal(SIGILL, SIG_DFL);
	if (prctl(PR_SET_DUMPABLE, 0) || (filtered && returns_filter(call)))
		_exit(RETURNS_UNKNOWN);
	if (syscall(call) == -1 && errno == ENOSYS)
		_exit(RETURNS_NO_CALL);
	_exit(RETURNS_FILTERED);
}

static enum returns_end returns_try(unsigned int call, bool filtered)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		returns_child(call, filtered);
	if (pid < 0)
		return RETURNS_UNKNOWN;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return RETURNS_UNKNOWN;
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGILL ? RETURNS_MADE : RETURNS_UNKNOWN;
	return (enum returns_end)WEXITSTATUS(status);
}

static bool returns_come_through(unsigned int call)
{
	enum returns_end plain = returns_try(call, false);

	return plain == RETURNS_NO_CALL ||
	       (plain == RETURNS_MADE && returns_try(call, true) == RETURNS_MADE);
}

bool returns_are_safe(void)
{
#if defined(__x86_64__)
	return returns_come_through(RETURNS_CALL);
#else
	return returns_come_through(UINT32_MAX); /* there is no such call */
#endif
}
