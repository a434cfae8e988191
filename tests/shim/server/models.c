/*
 * models - servers of several processes, and servers that change what they are.
 */
#include "server.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <spawn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MODELS_WORKERS 4
#define MODELS_LIFE 40 /* requests until a worker gives way to the next */
#define MODELS_STACK (64 * 1024)

static void serve_for_ever(int listener)
{
	for (;;) {
		int fd = server_accept(listener);

		server_serve(fd, SERVER_EVER);
		close(fd);
	}
}

void server_prefork(int listener)
{
	for (int i = 1; i < MODELS_WORKERS; i++) {
		if (!server_fork())
			break;
	}
	serve_for_ever(listener);
}

static void live_and_leave(int listener)
{
	int served = 0;

	while (served < MODELS_LIFE) {
		int fd = server_accept(listener);

		served += server_serve(fd, SERVER_EVER);
		close(fd);
	}
	_exit(0);
}

void server_restart(int listener)
{
	for (int i = 0; i < MODELS_WORKERS; i++) {
		if (!server_fork())
			live_and_leave(listener);
	}
	while (wait(NULL) > 0) {
		if (!server_fork())
			live_and_leave(listener);
	}
}

/* Runs itself again, every few requests: the listener and the connection being served stay open. */
void server_again(int listener, char **argv)
{
	char number[12], open[12];
	char *arguments[] = { argv[0], argv[1], number, open, NULL };
	int fd = argv[2] ? atoi(argv[3]) : server_accept(listener);

	while (server_serve(fd, MODELS_LIFE) < MODELS_LIFE) {
		close(fd);
		fd = server_accept(listener);
	}
	snprintf(number, sizeof(number), "%d", listener);
	snprintf(open, sizeof(open), "%d", fd);
	execv("/proc/self/exe", arguments);
}

static void give(int over, int fd)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .head = { .cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS,
				.cmsg_len = CMSG_LEN(sizeof(int)) } };
	struct iovec iov = { (char[]){ "x" }, 1 };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	SERVER_DO(sendmsg(over, &message, 0) == 1);
}

static int take(int over)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	int fd;

	SERVER_DO(recvmsg(over, &message, 0) == 1);
	memcpy(&fd, CMSG_DATA(&control.head), sizeof(fd));
	return fd;
}

/* One process accepts, others serve what it hands to them. */
void server_pass(int listener)
{
	int pair[2];

	SERVER_DO(!socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	for (int i = 0; i < MODELS_WORKERS; i++) {
		if (server_fork())
			continue;
		for (;;) {
			int fd = take(pair[1]);

			server_serve(fd, SERVER_EVER);
			close(fd);
		}
	}
	for (;;) {
		int fd = server_accept(listener);

		give(pair[0], fd);
		close(fd);
	}
}

/* A process and a program per connection, which it has at 0 and 1. */
void server_inetd(int listener, const char *self)
{
	char *arguments[] = { (char *)(uintptr_t)self, (char[]){ "served" }, NULL };

	for (;;) {
		int fd = server_accept(listener);

		if (!server_fork()) {
			SERVER_DO(dup2(fd, 0) == 0 && dup2(fd, 1) == 1);
			close(fd);
			execv("/proc/self/exe", arguments);
			_exit(126);
		}
		close(fd);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

/* Each connection comes to lie over the one before, which that closes. */
void server_over(int listener)
{
	for (;;) {
		int fd = server_accept(listener);

		SERVER_DO(dup3(fd, 100, O_CLOEXEC) == 100);
		close(fd);
		server_serve(100, SERVER_EVER);
	}
}

/* Prints where each connection comes to lie: beyond 1,024 only, where no more may be open. */
void server_high(int listener)
{
	const struct rlimit limit = { 100000, 100000 };
	int low = 1500;

	if (!setrlimit(RLIMIT_NOFILE, &limit))
		low = 70000;
	for (;;) {
		int fd = server_accept(listener);
		int high = fcntl(fd, F_DUPFD_CLOEXEC, low);

		SERVER_DO(high >= low && printf("%d\n", high) > 0 && !fflush(stdout));
		close(fd);
		server_serve(high, SERVER_EVER);
		SERVER_DO(!close_range((unsigned int)low, ~0U, 0));
	}
}

void server_drop(int listener)
{
	char empty[] = "/tmp/ringside-drop-XXXXXX";

	SERVER_DO(mkdtemp(empty) && !clearenv() && !chdir(empty) && !rmdir(empty) && !chroot("."));
	SERVER_DO(!setgroups(0, NULL) && !setresgid(65534, 65534, 65534));
	SERVER_DO(!setresuid(65534, 65534, 65534));
	server_prefork(listener);
}

/* Kills whatever maps, opens or reads a clock by a system call. */
void server_filter(int listener)
{
	struct sock_filter rules[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_read, 4, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_accept, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(rules) / sizeof(rules[0]), .filter = rules };

	SERVER_DO(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	SERVER_DO(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
	serve_for_ever(listener);
}

static void *serve_in_thread(void *fd)
{
	server_serve((int)(intptr_t)fd, SERVER_EVER);
	close((int)(intptr_t)fd);
	return NULL;
}

static void begin_thread(void *(*run)(void *), int fd, bool wait_for_it)
{
	pthread_attr_t small;
	pthread_t thread;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, MODELS_STACK);
	SERVER_DO(!pthread_create(&thread, &small, run, (void *)(intptr_t)fd));
	pthread_attr_destroy(&small);
	if (wait_for_it)
		pthread_join(thread, NULL);
	else
		pthread_detach(thread);
}

void server_threads(int listener)
{
	for (;;)
		begin_thread(serve_in_thread, server_accept(listener), false);
}

static _Atomic int churn_served;

static void *serve_once(void *fd)
{
	churn_served = server_serve((int)(intptr_t)fd, 1);
	return NULL;
}

/* A thread per request. */
void server_churn(int listener)
{
	for (;;) {
		int fd = server_accept(listener);

		do
			begin_thread(serve_once, fd, true);
		while (churn_served);
		close(fd);
	}
}

/* A program is run before each answer. */
void server_spawn(int listener)
{
	char *arguments[] = { (char[]){ "true" }, NULL };

	for (;;) {
		int fd = server_accept(listener);
		pid_t child;

		do {
			SERVER_DO(!posix_spawnp(&child, "true", NULL, NULL, arguments, environ));
			SERVER_DO(waitpid(child, NULL, 0) == child);
			child = vfork();
			if (!child)
				_exit(close_range(3, ~0U, 0));
			SERVER_DO(waitpid(child, NULL, 0) == child);
		} while (server_serve(fd, 1));
		close(fd);
	}
}

/* The calls are those of a library that nobody else sees. */
void server_module(int listener, const char *library)
{
	void *module = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	void (*run)(int);

	SERVER_DO(module);
	*(void **)&run = dlsym(module, "module_serve");
	SERVER_DO(run);
	run(listener);
}
