/*
 * Threads torn out of a call that waits: by cancellation, and by siglongjmp from a handler. The
 * call is the host's, not ours: whoever comes later is watched as ever.
 */
#include "host.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define TIMES 50

static sigjmp_buf way_out;
static struct host_pair pair;
static pthread_barrier_t waiting;

static void *wait_for_ever(void *asynchronous)
{
	char byte;

	if (asynchronous)
		pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	pthread_barrier_wait(&waiting);
	for (;;) {
		free(malloc(100));
		if (read(pair.server, &byte, 1) > 0)
			return NULL;
	}
}

static void cancel(bool asynchronous)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	pthread_t thread;
	void *result;

	HOST_CHECK(!pthread_create(&thread, NULL, wait_for_ever, asynchronous ? &pair : NULL));
	pthread_barrier_wait(&waiting);
	nanosleep(&pause, NULL);
	HOST_CHECK(!pthread_cancel(thread) && !pthread_join(thread, &result));
	HOST_CHECK(result == PTHREAD_CANCELED);
}

static void on_alarm(int number)
{
	(void)number;
	siglongjmp(way_out, 1);
}

static void jump(void)
{
	const struct itimerval soon = { .it_value.tv_usec = 1000 };
	char byte;

	if (sigsetjmp(way_out, 1))
		return;
	setitimer(ITIMER_REAL, &soon, NULL);
	recv(pair.server, &byte, 1, 0);
	host_fail(__FILE__, __LINE__, "the handler leaves the call");
}

int main(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct rs_header *header = host_segment_wanted();

	host_listen_as_agent(header);
	host_connect(&pair);
	pthread_barrier_init(&waiting, NULL, 2);
	sigaction(SIGALRM, &action, NULL);
	for (int i = 0; i < TIMES; i++) {
		cancel(i & 1);
		jump();
		HOST_CHECK(host_serve(&pair, "/after"));
	}
	HOST_CHECK(HOST_SUM(header, requests) == TIMES);
	HOST_CHECK(HOST_SUM(header, status[1]) == TIMES);
	HOST_CHECK(HOST_SUM(header, lost[RS_LOST_REENTRY]) == 0);
	HOST_CHECK(header->lanes <= 3); /* the blocks of the cancelled were used again */
	return 0;
}
