/*
 * server - what the models share, and which of them is wanted.
 *
 * usage: server MODEL [ARGUMENT]
 */
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define SERVER_REPLY "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define SERVER_INHERITED 3 /* where a supervisor leaves the listener */

void server_fail(const char *file, int line, const char *fact)
{
	fprintf(stderr, "%s:%d: not so: %s: %s\n", file, line, fact, strerror(errno));
	_exit(1);
}

static int server_bind(int port, bool share)
{
	const int on = 1;
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	SERVER_DO(fd >= 0);
	if (share)
		SERVER_DO(!setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)));
	SERVER_DO(!bind(fd, (struct sockaddr *)&at, sizeof(at)) && !listen(fd, 4096));
	return fd;
}

static int server_port(int listener)
{
	struct sockaddr_in at;
	socklen_t length = sizeof(at);

	SERVER_DO(!getsockname(listener, (struct sockaddr *)&at, &length));
	return ntohs(at.sin_port);
}

int server_listen(bool share)
{
	int listener = server_bind(0, share);

	printf("%d\n", server_port(listener));
	fflush(stdout);
	return listener;
}

int server_listen_at(int port)
{
	return server_bind(port, true);
}

int server_accept(int listener)
{
	int fd;

	do
		fd = accept(listener, NULL, NULL);
	while (fd < 0 && errno == EINTR);
	SERVER_DO(fd >= 0);
	return fd;
}

int server_fork(void)
{
	int pid = fork();

	SERVER_DO(pid >= 0);
	if (!pid)
		SERVER_DO(!prctl(PR_SET_PDEATHSIG, SIGKILL));
	return pid;
}

int server_serve_by(int fd, int most, ssize_t (*get)(int fd, void *to, size_t bytes))
{
	char head[1024];
	size_t got = 0;
	int served = 0;

	while (served < most) {
		ssize_t n = get(fd, head + got, sizeof(head) - 1 - got);

		if (n <= 0)
			break;
		got += (size_t)n;
		head[got] = 0;
		if (!strstr(head, "\r\n\r\n"))
			continue;
		got = 0;
		served++;
		SERVER_DO(write(fd, SERVER_REPLY, sizeof(SERVER_REPLY) - 1) > 0);
	}
	return served;
}

int server_serve(int fd, int most)
{
	return server_serve_by(fd, most, read);
}

static void server_shared_port(void)
{
	int listener = server_listen(true), port = server_port(listener);

	for (int i = 0; i < 2; i++) {
		if (server_fork())
			continue;
		close(listener);
		listener = server_listen_at(port);
		break;
	}
	for (;;) {
		int fd = server_accept(listener);

		server_serve(fd, SERVER_EVER);
		close(fd);
	}
}

/* What a supervisor has opened: LISTEN_PID names this process, LISTEN_FDS says how many. */
static void server_activated(void)
{
	SERVER_DO(getenv("LISTEN_FDS") && !strcmp(getenv("LISTEN_FDS"), "1"));
	for (;;) {
		int fd = server_accept(SERVER_INHERITED);

		server_serve(fd, SERVER_EVER);
		close(fd);
	}
}

static const struct {
	const char *name;
	void (*run)(int listener);
} models[] = {
	{ "prefork", server_prefork }, { "restart", server_restart }, { "pass", server_pass },
	{ "over", server_over },       { "high", server_high },       { "drop", server_drop },
	{ "filter", server_filter },   { "threads", server_threads }, { "churn", server_churn },
	{ "events", server_events },   { "peek", server_peek },       { "spawn", server_spawn },
	{ "stdio", server_stdio },
};

int main(int argc, char **argv)
{
	const char *model = argc > 1 ? argv[1] : "";

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		if (!strcmp(model, models[i].name))
			models[i].run(server_listen(false));
	}
	if (!strcmp(model, "again"))
		server_again(argc > 2 ? atoi(argv[2]) : server_listen(false), argv);
	else if (!strcmp(model, "inetd"))
		server_inetd(server_listen(false), argv[0]);
	else if (!strcmp(model, "served"))
		return server_serve(STDIN_FILENO, SERVER_EVER) < 0;
	else if (!strcmp(model, "share"))
		server_shared_port();
	else if (!strcmp(model, "activated"))
		server_activated();
	else if (!strcmp(model, "module") && argc > 2)
		server_module(server_listen(false), argv[2]);
	else if (!strcmp(model, "ring"))
		server_ring(server_listen(false), true);
	else if (!strcmp(model, "ring-raw"))
		server_ring(server_listen(false), false);
	fprintf(stderr, "server: no such model: %s\n", model);
	return 2;
}
