/*
 * Signal handlers that interrupt a hook at every single instruction of it, by single-stepping: once
 * to serve another request from there (re-entry), once to leave it by siglongjmp.
 *
 * usage: host_guard [STRIDE [alternate]]   alternate: the handlers have a stack of their own, above
 *                                          the interrupted one and near it
 */
#include "host.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#define STEPS_MAX 60000
#define TRAP_FLAG 0x100

static struct host_pair outer;
static struct host_pair inner;
static volatile int steps_left;
static volatile int stepped;
static volatile int inner_failed;
static volatile int leaves; /* by siglongjmp */
static sigjmp_buf way_out;

#if defined(__x86_64__)
static inline void step_begin(int steps)
{
	steps_left = steps;
	stepped = 0;
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
	stepped = 1;
	if (--steps_left)
		return;
	c->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
	stepped = 2;
	if (leaves)
		siglongjmp(way_out, 1);
	if (!host_serve(&inner, "/inner"))
		inner_failed = 1;
}

static void drain_lanes(struct rs_header *header)
{
	/* The agent's part: whatever was written may be overwritten. */
	for (uint32_t n = 0; n < header->lanes; n++) {
		struct rs_block *block =
			(struct rs_block *)(void *)((uint8_t *)header + RS_BLOCKS_AT) + n;

		atomic_store(&block->tail, atomic_load(&block->pushed[RS_KIND_REQUEST]));
	}
}

static void identity_holds(const struct rs_header *header)
{
	HOST_CHECK(HOST_SUM(header, counted[RS_KIND_REQUEST]) ==
		   HOST_SUM(header, pushed[RS_KIND_REQUEST]) +
			   HOST_SUM(header, folded[RS_KIND_REQUEST]) +
			   HOST_SUM(header, dropped[RS_KIND_REQUEST]));
}

/* The n-th instruction of an outer request is interrupted by an inner one; 0: it ended before. */
static int reenter_at(struct rs_header *header, int n)
{
	uint64_t requests = HOST_SUM(header, requests);
	uint64_t lost = HOST_SUM(header, lost[RS_LOST_REENTRY]);

	step_begin(n);
	HOST_CHECK(host_serve(&outer, "/outer"));
	step_end();
	if (stepped != 2)
		return 0;
	HOST_CHECK(!inner_failed);
	/* The inner request is counted, or what was lost of it is. */
	HOST_CHECK(HOST_SUM(header, requests) - requests == 2 ||
		   HOST_SUM(header, lost[RS_LOST_REENTRY]) > lost);
	HOST_CHECK(HOST_SUM(header, requests) - requests >= 1);
	identity_holds(header);
	return 1;
}

static void leave_at(int n)
{
	static struct host_pair pair; /* survives the jump */

	host_connect(&pair);
	if (!sigsetjmp(way_out, 1)) {
		step_begin(n);
		host_serve(&pair, "/left");
		step_end();
	}
	host_disconnect(&pair);
}

static void all_is_well(struct rs_header *header, uint64_t lost_before)
{
	uint64_t requests = HOST_SUM(header, requests);

	for (int i = 0; i < 100; i++)
		HOST_CHECK(host_serve(&outer, "/after"));
	HOST_CHECK(HOST_SUM(header, requests) - requests == 100);
	HOST_CHECK(HOST_SUM(header, lost[RS_LOST_REENTRY]) == lost_before);
}

static int reenter(struct rs_header *header, int stride)
{
	uint64_t lost = HOST_SUM(header, lost[RS_LOST_REENTRY]);
	int n = 1;

	for (; n < STEPS_MAX && reenter_at(header, n); n += stride) {
		/* Bytes of it went unseen: the next step needs a whole one. */
		host_disconnect(&inner);
		host_connect(&inner);
	}
	HOST_CHECK(n > 100 && n < STEPS_MAX);
	HOST_CHECK(HOST_SUM(header, lost[RS_LOST_REENTRY]) > lost);
	HOST_CHECK(HOST_SUM(header, lost[RS_LOST_LONGJMP]) == 0);
	return n;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };
	uint8_t own_stack[65536]; /* of main's frame, as some hosts have it */
	stack_t alternate = { .ss_sp = own_stack, .ss_size = sizeof(own_stack) };
	struct rs_header *header = host_segment_wanted();
	int stride = argc > 1 ? atoi(argv[1]) : 1;
	int length;

	if (argc > 2) {
		/* As some hosts call it: the old one is written where the new one was read. */
		stack_t *volatile before = &alternate;

		HOST_CHECK(!sigaltstack(&alternate, before));
		action.sa_flags |= SA_ONSTACK;
	}
	sigaction(SIGTRAP, &action, NULL);
	host_connect(&outer);
	host_connect(&inner);
	host_listen_as_agent(header);
	HOST_CHECK(host_serve(&outer, "/warm") && host_serve(&inner, "/warm"));
	length = reenter(header, stride);
	leaves = 1;
	for (int n = 1; n < length; n += stride) {
		leave_at(n);
		drain_lanes(header);
	}
	HOST_CHECK(HOST_SUM(header, lost[RS_LOST_LONGJMP]) > 0);
	all_is_well(header, HOST_SUM(header, lost[RS_LOST_REENTRY]));
	printf("%d instructions a request, %lu re-entries and %lu jumps inside a guard\n", length,
	       (unsigned long)HOST_SUM(header, lost[RS_LOST_REENTRY]),
	       (unsigned long)HOST_SUM(header, lost[RS_LOST_LONGJMP]));
	return 0;
}
#else
int main(void)
{
	return host_skip("single-stepping oneself is written for x86-64 only");
}
#endif
