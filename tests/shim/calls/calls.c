/*
 * calls - what the parts of the list share, and the order of it.
 */
#include "calls.h"

#include "../host.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALLS_SIGNALS 32
#define CALLS_SHOWN 48

void *volatile calls_nowhere = (void *)1;
void *volatile calls_null;
volatile long calls_negative = -1;

static volatile sig_atomic_t calls_seen[CALLS_SIGNALS];
static int calls_count;

void calls_say(const char *name, const char *of, long result, int error)
{
	calls_count++;
	printf("%s, %s: %ld", name, of, result);
	if (error != CALLS_UNTOUCHED)
		printf(" errno %d", error);
	printf("\n");
}

void calls_note(const char *what, long value)
{
	printf("\t%s: %ld\n", what, value);
}

void calls_bytes(const void *bytes, size_t n)
{
	const unsigned char *at = bytes;

	printf("\t%zu bytes:", n);
	for (size_t i = 0; i < n && i < CALLS_SHOWN; i++)
		printf(at[i] > ' ' && at[i] < 127 ? "%c" : "\\%02x", at[i]);
	printf("\n");
}

void calls_descriptors(void)
{
	printf("\topen:");
	for (int fd = 0; fd < CALLS_CLOSED; fd++) {
		struct stat about;
		int flags = fcntl(fd, F_GETFD);

		if (flags < 0 || fstat(fd, &about))
			continue;
		printf(" %d(%o,%d,%x)", fd, about.st_mode & S_IFMT, flags, fcntl(fd, F_GETFL));
	}
	printf("\n");
}

void calls_signals(void)
{
	for (int i = 0; i < CALLS_SIGNALS; i++) {
		if (calls_seen[i])
			printf("\tsignal %d came\n", i);
		calls_seen[i] = 0;
	}
}

void calls_child(const char *what, int pid)
{
	int status = -1;

	if (pid > 0)
		CALLS_DO(waitpid(pid, &status, 0) == pid);
	printf("\t%s ended with %x\n", what, (unsigned int)status);
}

void calls_fail(const char *file, int line, const char *fact)
{
	printf("%s:%d: not so: %s, errno %d\n", file, line, fact, errno);
	exit(1);
}

static void calls_note_signal(int number)
{
	calls_seen[number] = 1;
}

int calls_listener(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	CALLS_DO(!bind(listener, (struct sockaddr *)&at, sizeof(at)));
	CALLS_DO(!listen(listener, 8));
	return listener;
}

int calls_connect(int listener, int flags)
{
	struct sockaddr_in at;
	socklen_t length = sizeof(at);
	int client = socket(AF_INET, SOCK_STREAM | flags, 0);

	CALLS_DO(!getsockname(listener, (struct sockaddr *)&at, &length));
	CALLS_DO(!connect(client, (struct sockaddr *)&at, length) || errno == EINPROGRESS);
	return client;
}

void calls_tcp(struct calls_pair *pair)
{
	int listener = calls_listener();

	pair->b = calls_connect(listener, 0);
	pair->a = accept(listener, NULL, NULL);
	CALLS_DO(pair->a >= 0);
	close(listener);
}

void calls_unix(struct calls_pair *pair, int type)
{
	int fds[2];

	CALLS_DO(!socketpair(AF_UNIX, type, 0, fds));
	pair->a = fds[0];
	pair->b = fds[1];
}

void calls_pipe(struct calls_pair *pair)
{
	int fds[2];

	CALLS_DO(!pipe(fds));
	pair->a = fds[0];
	pair->b = fds[1];
}

int calls_file(const char *text)
{
	int fd = memfd_create("calls", 0);

	CALLS_DO(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	CALLS_DO(!lseek(fd, 0, SEEK_SET));
	return fd;
}

void calls_close(const struct calls_pair *pair)
{
	close(pair->a);
	close(pair->b);
}

void calls_close_all(void)
{
	CALLS_DO(!syscall(SYS_close_range, 3, ~0U, 0));
}

void calls_block(int fd, bool block)
{
	int flags = fcntl(fd, F_GETFL);

	CALLS_DO(!fcntl(fd, F_SETFL, block ? flags & ~O_NONBLOCK : flags | O_NONBLOCK));
}

void calls_fill(int fd)
{
	static const char page[4096];

	calls_block(fd, false);
	while (write(fd, page, sizeof(page)) > 0)
		;
	while (write(fd, page, 1) > 0)
		;
	CALLS_DO(errno == EAGAIN);
	calls_block(fd, true);
}

size_t calls_drain(int fd, void *to, size_t room)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	size_t got = 0;

	/* Over loopback it is there as a rule; a tenth of a second is for the exception. */
	while (got < room && poll(&ready, 1, got ? 0 : 100) > 0) {
		ssize_t n = read(fd, (char *)to + got, room - got);

		if (n <= 0)
			break;
		got += (size_t)n;
	}
	return got;
}

void calls_alarm(bool on)
{
	const struct itimerval often = { { 0, on ? 2000 : 0 }, { 0, on ? 2000 : 0 } };

	CALLS_DO(!setitimer(ITIMER_REAL, &often, NULL));
}

int main(void)
{
	struct sigaction action = { .sa_handler = calls_note_signal };
	struct rs_header *header = host_segment();

	if (header)
		host_listen_as_agent(header); /* all of the shim's code runs */
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	CALLS_DO(!sigaction(SIGALRM, &action, NULL) && !sigaction(SIGPIPE, &action, NULL));
	CALLS_DO(!sigaction(SIGXFSZ, &action, NULL) && !sigaction(SIGUSR1, &action, NULL));
	CALLS_DO(!sigaction(SIGURG, &action, NULL));
	calls_descriptors();
	calls_of_reading();
	calls_of_messages();
	calls_of_writing();
	calls_of_files();
	calls_of_descriptors();
	calls_of_closing();
	calls_of_processes();
	calls_of_sandboxes();
	calls_of_numbers();
	calls_of_memory();
	calls_descriptors();
	printf("%d calls\n", calls_count);
	return 0;
}
