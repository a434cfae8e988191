/*
 * processes - every way to make a process, and a stack of its own for signals.
 */
#include "calls.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static _Alignas(16) char stack[65536];
static char buffer[256];
static char sh[] = "sh", command_is[] = "-c";

static void by_fork(void)
{
	struct calls_pair tcp;
	int pid;

	calls_tcp(&tcp);
	errno = CALLS_UNTOUCHED;
	pid = fork();
	if (!pid) {
		free(malloc(100));
		_exit(errno == CALLS_UNTOUCHED && write(tcp.a, "child", 5) == 5 ? 3 : 4);
	}
	calls_say("fork", "a child", pid > 0, errno);
	calls_child("it", pid);
	errno = CALLS_UNTOUCHED;
	pid = _Fork();
	if (!pid)
		_exit(write(tcp.a, "other", 5) == 5 ? 5 : 6);
	calls_say("_Fork", "a child", pid > 0, errno);
	calls_child("it", pid);
	calls_bytes(buffer, calls_drain(tcp.b, buffer, sizeof(buffer)));
	calls_close(&tcp);
}

static void by_vfork(void)
{
	char *arguments[] = { sh, command_is, (char[]){ "exit 9" }, NULL };
	int pid;

	errno = CALLS_UNTOUCHED;
	pid = vfork();
	if (!pid) {
		close(0);
		close(CALLS_CLOSED); /* errno is the parent's too */
		_exit(7);
	}
	calls_say("vfork", "a child", pid > 0, errno);
	calls_child("it", pid);
	calls_note("0 is open", fcntl(0, F_GETFD) >= 0);
	pid = vfork();
	if (!pid) {
		execv("/nonexistent", arguments);
		execv("/bin/sh", arguments);
		_exit(8);
	}
	calls_child("what it ran", pid);
}

static int add_to(void *sum)
{
	*(volatile int *)sum += 5;
	_exit(13);
}

/* No child can be made: what there is already is too much. */
static void refused(void)
{
	const struct rlimit none = { 0, 0 };
	int sum = 0, pid = fork();

	if (!pid) {
		CALLS_DO(!setrlimit(RLIMIT_NPROC, &none) && !setresuid(65534, 65534, 65534));
		CALL("fork", "refused", fork());
		CALL("_Fork", "refused", _Fork());
		CALL("vfork", "refused", vfork());
		CALL("clone", "refused", clone(add_to, stack + sizeof(stack), SIGCHLD, &sum));
		fflush(stdout);
		_exit(0);
	}
	calls_child("who may not", pid);
}

static void by_spawn(void)
{
	char *arguments[] = { sh, command_is, (char[]){ "echo spawned; exit 5" }, NULL };
	char *environment[] = { NULL };
	posix_spawn_file_actions_t actions;
	struct calls_pair pipe;
	pid_t pid = -1;

	calls_pipe(&pipe);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipe.b, 1);
	CALL("posix_spawn", "no such file",
	     posix_spawn(&pid, "/nonexistent", NULL, NULL, arguments, environment));
	CALL("posix_spawn", "a shell",
	     posix_spawn(&pid, "/bin/sh", &actions, NULL, arguments, environment));
	calls_child("it", pid);
	pid = -1;
	CALL("posix_spawnp", "no such program",
	     posix_spawnp(&pid, "no-such-program", NULL, NULL, arguments, environment));
	CALL("posix_spawnp", "a shell",
	     posix_spawnp(&pid, "sh", &actions, NULL, arguments, environment));
	calls_child("it", pid);
	posix_spawn_file_actions_addclose(&actions, CALLS_CLOSED);
	posix_spawn_file_actions_adddup2(&actions, CALLS_CLOSED, 5);
	CALL("posix_spawn", "a copy of a closed one",
	     posix_spawn(&pid, "/bin/sh", &actions, NULL, arguments, environment));
	posix_spawn_file_actions_destroy(&actions);
	calls_bytes(buffer, calls_drain(pipe.a, buffer, sizeof(buffer)));
	CALL("system", "exit 6", system("exit 6"));
	calls_close(&pipe);
}

static int add_descriptor(void *number)
{
	return dup2(0, *(int *)number) == *(int *)number ? 11 : 12;
}

static void by_clone(void)
{
	char *top = stack + sizeof(stack);
	int number = 40, sum = 1, pid;
	pid_t told = 0;

#ifdef __GLIBC__
	CALL("clone", "no function", clone(NULL, top, SIGCHLD, NULL));
	CALL("clone", "no stack", clone(add_to, NULL, SIGCHLD, &sum));
#endif
	CALL("clone", "flags that exclude each other",
	     clone(add_to, top, CLONE_SIGHAND | SIGCHLD, &sum));
	pid = clone(add_to, top, SIGCHLD, &sum);
	calls_child("a copy", pid);
	calls_note("sum", sum);
	pid = clone(add_to, top, CLONE_VM | CLONE_VFORK | SIGCHLD, &sum);
	calls_child("a borrower", pid);
	calls_note("sum", sum);
	pid = clone(add_to, top, CLONE_VM | SIGCHLD, &sum);
	calls_child("a sharer", pid);
	calls_note("sum", sum);
	pid = clone(add_descriptor, top, CLONE_FILES | SIGCHLD, &number);
	calls_child("a sharer of descriptors", pid);
	calls_note("closed", close(number));
	pid = clone(add_to, top, CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD, &sum, &told,
		    NULL, &number);
	calls_note("seven arguments", told == pid);
	calls_child("it", pid);
}

static volatile uintptr_t handler_at;
static volatile int in_handler, in_handler_error;

static void on_signal(int number)
{
	stack_t other = { .ss_sp = stack, .ss_size = sizeof(stack) };

	handler_at = (uintptr_t)&number;
	errno = 0;
	in_handler = sigaltstack(&other, NULL);
	in_handler_error = errno;
}

static void stack_of_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK }, before;
	stack_t mine = { .ss_sp = stack, .ss_size = 32768 }, old = { .ss_size = 1 };
	stack_t *volatile itself = &mine;
	stack_t small = { .ss_sp = stack, .ss_size = 100 };
	stack_t odd = { .ss_sp = stack, .ss_size = 32768, .ss_flags = 77 };
	stack_t off = { .ss_flags = SS_DISABLE };

	CALL("sigaltstack", "nothing", sigaltstack(NULL, NULL));
	CALL("sigaltstack", "asked", sigaltstack(NULL, &old));
	calls_note("flags", old.ss_flags);
	CALL("sigaltstack", "too small", sigaltstack(&small, NULL));
	CALL("sigaltstack", "unknown flags", sigaltstack(&odd, NULL));
#ifdef __GLIBC__
	CALL("sigaltstack", "from nowhere", sigaltstack(calls_nowhere, NULL));
	CALL("sigaltstack", "to nowhere", sigaltstack(NULL, calls_nowhere));
#endif
	CALL("sigaltstack", "set", sigaltstack(&mine, &old));
	CALL("sigaltstack", "one place for both", sigaltstack(&mine, itself));
	calls_note("the old one is there", mine.ss_sp == stack && mine.ss_size == 32768);
	CALLS_DO(!sigaction(SIGUSR1, &action, &before));
	CALL("raise", "on the stack", raise(SIGUSR1));
	calls_note("on it", handler_at - (uintptr_t)stack < 32768);
	calls_note("set while on it", in_handler);
	calls_note("its errno", in_handler_error);
	CALL("sigaltstack", "off", sigaltstack(&off, &old));
	calls_note("size", (long)old.ss_size);
	CALL("raise", "without a stack", raise(SIGUSR1));
	calls_note("on it", handler_at - (uintptr_t)stack < 32768);
	sigaltstack(&off, NULL);
	CALLS_DO(!sigaction(SIGUSR1, &before, NULL));
}

static void locked(void)
{
	const struct rlimit none = { 0, 0 };
	int pid;

	CALL("mlockall", "nothing", mlockall(0));
	CALL("mlockall", "unknown flags", mlockall(0x100));
	CALL("mlockall", "now", mlockall(MCL_CURRENT));
	CALL("munlockall", "now", munlockall());
	pid = fork();
	if (!pid) {
		CALLS_DO(!setrlimit(RLIMIT_MEMLOCK, &none));
		CALLS_DO(!setresuid(65534, 65534, 65534));
		CALL("mlockall", "not allowed", mlockall(MCL_CURRENT | MCL_FUTURE));
		fflush(stdout);
		_exit(0);
	}
	calls_child("who may not", pid);
}

void calls_of_processes(void)
{
	by_fork();
	by_vfork();
	refused();
	by_spawn();
	by_clone();
	stack_of_signals();
	locked();
	calls_descriptors();
}
