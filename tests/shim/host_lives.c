/*
 * A signal handler that serves a request at every single instruction while a thread claims its
 * block and its lane, at its first malloc, and while it gives them back: by single-stepping.
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
static inline void step_begin(void)
{
	__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq" ::: "memory", "cc");
}

static inline void step_end(void)
{
	__asm__ volatile("pushfq; andq $~0x100, (%%rsp); popfq" ::: "memory", "cc");
}

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

static void *begin(void *unused)
{
	step_begin();
	free(malloc(100));
	step_end();
	failed += !host_serve(&outer, "/first");
	return unused;
}

/* Its key is younger than the shim's, so that this runs behind each round of the shim's own. */
static void on_end(void *unused)
{
	pthread_setspecific(key, unused);
	if (++rounds == ROUNDS - 1)
		step_begin();
	if (rounds < ROUNDS)
		return;
	step_end();
	free(malloc(100));
	failed += !host_serve(&outer, "/last");
}

static void *end(void *unused)
{
	pthread_setspecific(key, &key);
	failed += !host_serve(&outer, "/first");
	return unused;
}

/* false: it was through before that instruction. */
static bool interrupt_at(void *(*run)(void *), int n)
{
	pthread_t thread;

	steps_left = n;
	interrupted = 0;
	HOST_CHECK(!pthread_create(&thread, NULL, run, NULL));
	pthread_join(thread, NULL);
	return interrupted;
}

static void interrupt(struct rs_header *header, void *(*run)(void *), uint64_t outers)
{
	uint64_t requests = HOST_SUM(header, requests);
	uint64_t lost = HOST_SUM(header, lost[RS_LOST_REENTRY]);
	uint64_t served, refused;
	int n = 1;

	for (; n < STEPS_MAX && interrupt_at(run, n); n++) {
		host_disconnect(&inner); /* bytes of it may have gone unseen */
		host_connect(&inner);
	}
	served = HOST_SUM(header, requests) - requests;
	refused = HOST_SUM(header, lost[RS_LOST_REENTRY]) - lost;
	HOST_CHECK(n > 50 && n < STEPS_MAX);
	HOST_CHECK(!failed);
	HOST_CHECK(served >= outers * (uint64_t)n && served < (outers + 1) * (uint64_t)n);
	printf("%d instructions, %lu requests, %lu refusals\n", n, (unsigned long)served,
	       (unsigned long)refused);
}

int main(void)
{
	struct sigaction action = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };
	struct rs_header *header = host_segment_wanted();

	host_listen_as_agent(header);
	host_connect(&inner);
	host_connect(&outer);
	HOST_CHECK(!pthread_key_create(&key, on_end));
	sigaction(SIGTRAP, &action, NULL);
	interrupt(header, begin, 1);
	interrupt(header, end, 2);
	return 0;
}
#else
int main(void)
{
	return host_skip("single-stepping oneself is written for x86-64 only");
}
#endif
