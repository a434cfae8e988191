/*
 * waiter - has threads that wait for one thing each, for a known time.
 *
 * Threads:  five beside the first, at a time.
 * Memory:   none.
 * Errors:   exit code 1.
 * Each byte of standard input is a round of waiter MILLISECONDS: one sleeps, one waits for a mutex,
 * one for a socket, one in epoll for another, one for a pipe. 'b' instead: two threads burn for so
 * long on one processor. The answer to each is a line: microseconds of sleep, mutex, socket, pipe
 * so far, as the threads themselves saw it.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WAITER_THREADS 5

enum { WAITER_SLEEP, WAITER_LOCK, WAITER_SOCKET, WAITER_PIPE, WAITER_CAUSES };

static struct {
	_Atomic uint64_t ns[WAITER_CAUSES]; /* as the threads themselves saw it */
	pthread_mutex_t lock;
	int socket[2], polled[2], pipe[2];
	long span_ms;
} waiter = { .lock = PTHREAD_MUTEX_INITIALIZER };

static uint64_t waiter_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void waiter_add(int cause, uint64_t since_ns)
{
	atomic_fetch_add(&waiter.ns[cause], waiter_ns() - since_ns);
}

static void waiter_sleep(long span_ms)
{
	struct timespec span = { span_ms / 1000, span_ms % 1000 * 1000000 };
	uint64_t since_ns = waiter_ns();

	clock_nanosleep(CLOCK_MONOTONIC, 0, &span, NULL);
	waiter_add(WAITER_SLEEP, since_ns);
}

static void *wait_sleep(void *ctx)
{
	(void)ctx;
	waiter_sleep(waiter.span_ms);
	return NULL;
}

static void *wait_lock(void *ctx)
{
	uint64_t since_ns = waiter_ns();

	(void)ctx;
	pthread_mutex_lock(&waiter.lock);
	waiter_add(WAITER_LOCK, since_ns);
	pthread_mutex_unlock(&waiter.lock);
	return NULL;
}

static void *wait_socket(void *ctx)
{
	uint64_t since_ns = waiter_ns();
	char byte;

	(void)ctx;
	if (read(waiter.socket[0], &byte, 1) != 1) /* what it is has to be looked up */
		abort();
	waiter_add(WAITER_SOCKET, since_ns);
	return NULL;
}

static void *wait_polled(void *ctx)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd = epoll_create1(EPOLL_CLOEXEC);
	uint64_t since_ns = waiter_ns();
	char byte;

	(void)ctx;
	if (epoll_ctl(fd, EPOLL_CTL_ADD, waiter.polled[0], &event) ||
	    epoll_wait(fd, &event, 1, -1) != 1 || read(waiter.polled[0], &byte, 1) != 1)
		abort();
	waiter_add(WAITER_SOCKET, since_ns);
	close(fd);
	return NULL;
}

static void *wait_pipe(void *ctx)
{
	uint64_t since_ns = waiter_ns();
	char byte;

	(void)ctx;
	if (read(waiter.pipe[0], &byte, 1) != 1)
		abort();
	waiter_add(WAITER_PIPE, since_ns);
	return NULL;
}

static int waiter_round(void)
{
	static void *(*const calls[WAITER_THREADS])(void *) = { wait_sleep, wait_lock, wait_socket,
								wait_polled, wait_pipe };
	pthread_t threads[WAITER_THREADS];

	pthread_mutex_lock(&waiter.lock);
	for (int i = 0; i < WAITER_THREADS; i++)
		if (pthread_create(&threads[i], NULL, calls[i], NULL))
			return 1;
	waiter_sleep(waiter.span_ms);
	pthread_mutex_unlock(&waiter.lock);
	if (write(waiter.socket[1], "x", 1) != 1 || write(waiter.polled[1], "x", 1) != 1 ||
	    write(waiter.pipe[1], "x", 1) != 1)
		return 1;
	for (int i = 0; i < WAITER_THREADS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

static void *burn(void *ctx)
{
	volatile uint64_t sink = 0;
	struct timespec now;

	(void)ctx;
	do {
		for (int i = 0; i < 20000; i++)
			sink += (uint64_t)i;
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	} while (now.tv_sec * 1000 + now.tv_nsec / 1000000 < waiter.span_ms);
	return NULL;
}

static int waiter_burn(void)
{
	pthread_t threads[2];
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		return 1;
	for (int i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, burn, NULL))
			return 1;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

int main(int argc, char **argv)
{
	char order;

	waiter.span_ms = argc > 1 ? atol(argv[1]) : 300;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, waiter.socket) ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, waiter.polled) || pipe(waiter.pipe))
		return 1;
	while (read(STDIN_FILENO, &order, 1) == 1) {
		if (order == 'b' ? waiter_burn() : waiter_round())
			return 1;
		for (int i = 0; i < WAITER_CAUSES; i++)
			printf("%llu ", (unsigned long long)(waiter.ns[i] / 1000));
		puts("");
		fflush(stdout);
	}
	return 0;
}
