/*
 * sandboxes - prctl and seccomp: what they answer, and what they do to a child.
 */
#include "calls.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct sock_filter refuse_getppid[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 77),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

static const struct sock_fprog good = { .len = 4, .filter = refuse_getppid };
static const struct sock_fprog empty = { .len = 0, .filter = refuse_getppid };

static void asked(void)
{
	char name[16] = "";
	int number = -7;

	CALL("prctl", "an unknown option", prctl(123456, 0, 0, 0, 0));
	CALL("prctl", "PR_GET_DUMPABLE", prctl(PR_GET_DUMPABLE));
	CALL("prctl", "PR_SET_DUMPABLE 7", prctl(PR_SET_DUMPABLE, 7));
	CALL("prctl", "PR_SET_NAME", prctl(PR_SET_NAME, "a name that is too long"));
	CALL("prctl", "PR_GET_NAME", prctl(PR_GET_NAME, name));
	calls_bytes(name, strlen(name));
	CALL("prctl", "PR_GET_NAME nowhere", prctl(PR_GET_NAME, calls_nowhere));
	CALL("prctl", "PR_SET_PDEATHSIG", prctl(PR_SET_PDEATHSIG, SIGTERM));
	CALL("prctl", "PR_GET_PDEATHSIG", prctl(PR_GET_PDEATHSIG, &number));
	calls_note("signal", number);
	CALL("prctl", "PR_SET_PDEATHSIG 9999", prctl(PR_SET_PDEATHSIG, 9999));
	CALL("prctl", "PR_GET_TIMERSLACK", prctl(PR_GET_TIMERSLACK));
	CALL("prctl", "PR_CAPBSET_READ 9999", prctl(PR_CAPBSET_READ, 9999));
	CALL("prctl", "PR_GET_NO_NEW_PRIVS", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	CALL("prctl", "PR_SET_NO_NEW_PRIVS 2", prctl(PR_SET_NO_NEW_PRIVS, 2, 0, 0, 0));
	CALL("prctl", "PR_GET_SECCOMP", prctl(PR_GET_SECCOMP));
	CALL("prctl", "PR_GET_TSC nowhere", prctl(PR_GET_TSC, calls_nowhere));
	CALL("prctl", "PR_SET_TSC 99", prctl(PR_SET_TSC, 99));
	CALL("prctl", "PR_SET_SECCOMP 99", prctl(PR_SET_SECCOMP, 99, calls_nowhere));
	CALL("prctl", "a filter nowhere", prctl(PR_SET_SECCOMP, 2, calls_nowhere));
	CALL("prctl", "an empty filter", prctl(PR_SET_SECCOMP, 2, &empty));
	CALL("seccomp", "an unknown operation", syscall(SYS_seccomp, 99, 0, calls_null));
	CALL("seccomp", "strict with flags", syscall(SYS_seccomp, 0, 1, calls_null));
	CALL("seccomp", "a filter nowhere", syscall(SYS_seccomp, 1, 0, calls_nowhere));
	CALL("seccomp", "a filter with unknown flags", syscall(SYS_seccomp, 1, 0x8000, &good));
	number = (int)SECCOMP_RET_TRAP;
	CALL("seccomp", "an action", syscall(SYS_seccomp, 2, 0, &number));
}

static void filtered(void)
{
	CALL("prctl", "PR_SET_NO_NEW_PRIVS", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CALL("prctl", "a filter", prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &good));
	CALL("syscall", "a refused number", syscall(SYS_getppid));
	CALL("getppid", "refused", getppid());
	CALL("seccomp", "a second filter", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &good));
	CALL("seccomp", "strict now", syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, calls_null));
	CALL("prctl", "PR_GET_SECCOMP", prctl(PR_GET_SECCOMP));
	for (int i = 0; i < 1000; i++)
		free(malloc((size_t)i * 100));
	_exit(21);
}

static void strictly(void)
{
	char byte = 'x';

	CALL("prctl", "PR_SET_SECCOMP strict", prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
	for (int i = 0; i < 100; i++)
		free(malloc(100));
	if (write(STDOUT_FILENO, &byte, 1) == 1 && write(STDOUT_FILENO, "\n", 1) == 1)
		syscall(SYS_exit, 22);
	syscall(SYS_exit, 23);
}

static void strictly_killed(void)
{
	CALL("seccomp", "strict", syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, calls_null));
	syscall(SYS_getppid);
	syscall(SYS_exit, 24);
}

#if defined(__x86_64__)
static void without_a_counter(void)
{
	int now = 0;

	CALL("prctl", "PR_SET_TSC", prctl(PR_SET_TSC, PR_TSC_SIGSEGV));
	CALL("prctl", "PR_GET_TSC", prctl(PR_GET_TSC, &now));
	calls_note("it", now);
	CALL("syscall", "prctl PR_SET_TSC", syscall(SYS_prctl, PR_SET_TSC, PR_TSC_ENABLE, 0, 0, 0));
	CALL("syscall", "prctl again", syscall(SYS_prctl, PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0));
	__builtin_ia32_rdtsc();
	_exit(25);
}
#endif

/* Children end with what the sandbox does to them. */
static void in_child(const char *what, void (*run)(void))
{
	int pid = fork();

	if (!pid)
		run();
	calls_child(what, pid);
}

void calls_of_sandboxes(void)
{
	asked();
	in_child("filtered", filtered);
	in_child("strict", strictly);
	in_child("strict and curious", strictly_killed);
#if defined(__x86_64__)
	in_child("without a counter", without_a_counter);
#endif
	calls_descriptors();
}
