/*
 * A signal handler that serves a request at every single instruction of the end of a thread, while
 * that gives its block and its lane back: by single-stepping.
 */
#include "host.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#define ROUNDS 4 /* of destructors, as POSIX has it at least */
#define STEPS_MAX 10000
#define TRAP_FLAG 0x100

static struct host_pair inner;
static struct host_pair outer;
static pthread_key_t key;
static volatile int steps_left;
static volatile int interrupted;
static volatile int failed;
static __thread int rounds;

#if defined(__x86_64__)
static void on_trap(int number, siginfo_t *info, void *context)
{
	ucontext_t *c = context;

	(void)number;
	(void)info;
	if (--steps_left)
		return;
	c->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
	interrupted = 1;
	failed += !host_serve(&inner, "/inner");
}

/* Its key is younger than the shim's, so that this runs behind each round of the shim's own. */
static void on_end(void *unused)
{
	pthread_setspecific(key, unused);
	if (++rounds == ROUNDS - 1)
		__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq" ::: "memory", "cc");
	if (rounds < ROUNDS)
		return;
	__asm__ volatile("pushfq; andq $~0x100, (%%rsp); popfq" ::: "memory", "cc");
	free(malloc(100));
	failed += !host_serve(&outer, "/last");
}

static void *serve(void *unused)
{
	pthread_setspecific(key, &key);
	failed += !host_serve(&outer, "/first");
	return unused;
}

/* false: the thread had ended before that instruction. */
static bool end_at(int n)
{
	pthread_t thread;

	steps_left = n;
	interrupted = 0;
	HOST_CHECK(!pthread_create(&thread, NULL, serve, NULL));
	pthread_join(thread, NULL);
	return interrupted;
}

int main(void)
{
	struct sigaction action = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };
	struct rs_header *header = host_segment_wanted();
	int n = 1;

	host_listen_as_agent(header);
	host_connect(&inner);
	host_connect(&outer);
	HOST_CHECK(!pthread_key_create(&key, on_end));
	sigaction(SIGTRAP, &action, NULL);
	for (; n < STEPS_MAX && end_at(n); n++) {
		host_disconnect(&inner); /* bytes of it may have gone unseen */
		host_connect(&inner);
	}
	HOST_CHECK(n > 50 && n < STEPS_MAX);
	HOST_CHECK(!failed);
	HOST_CHECK(HOST_SUM(header, requests) >= 2 * (uint64_t)n);
	HOST_CHECK(HOST_SUM(header, requests) + HOST_SUM(header, lost[RS_LOST_REENTRY]) >=
		   3 * (uint64_t)n - 1);
	printf("%d instructions, %lu of them in a guard\n", n,
	       (unsigned long)HOST_SUM(header, lost[RS_LOST_REENTRY]));
	return 0;
}
#else
int main(void)
{
	return host_skip("single-stepping oneself is written for x86-64 only");
}
#endif
