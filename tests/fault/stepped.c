/*
 * stepped - a writer that stops for good behind any single instruction: a reader that comes then
 * finds whole records only. The shim runs in this process, one instruction at a time, and between
 * two of them the agent's half looks into the lane.
 */
#include "checked.h"
#include "host.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define REQUESTS 40 /* paths of one to four slots, and a lane that begins again */

#if defined(__x86_64__)
static struct rs_header *header;
static struct lane lane;
static volatile uint64_t accepted;
static volatile uint64_t steps;

/* Of this thread's own lane; the process has no other one. */
static void look(void)
{
	static struct lane_record record;
	enum lane_result result;

	while ((result = lane_take(&lane, &record)) == LANE_RECORD) {
		const char *fault = checked_fault(&record);

		if (fault)
			host_fail(__FILE__, __LINE__, fault);
		accepted++;
	}
	HOST_CHECK(result == LANE_EMPTY);
}

static void on_trap(int number)
{
	struct rs_block *block = (struct rs_block *)(void *)((uint8_t *)header + RS_BLOCKS_AT);

	(void)number;
	steps++;
	look();
	lane_release(&lane, &block->tail);
}

static bool serve(const struct host_pair *pair, const struct checked *c)
{
	char got[1024];

	if (write(pair->client, c->request, c->request_bytes) != (ssize_t)c->request_bytes ||
	    read(pair->server, got, sizeof(got)) != (ssize_t)c->request_bytes)
		return false;
	__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq" ::: "memory", "cc");
	if (write(pair->server, c->response, c->response_bytes) != (ssize_t)c->response_bytes)
		return false;
	__asm__ volatile("pushfq; andq $~0x100, (%%rsp); popfq" ::: "memory", "cc");
	return read(pair->client, got, sizeof(got)) == (ssize_t)c->response_bytes;
}

int main(void)
{
	struct sigaction action = { .sa_handler = on_trap };
	struct host_pair pair;
	struct checked c;

	header = host_segment_wanted();
	host_listen_as_agent(header);
	lane.slots = (struct rs_head *)(void *)((uint8_t *)header + rs_lane_at(0));
	lane.count = rs_lane_slots(0);
	sigaction(SIGTRAP, &action, NULL);
	host_connect(&pair);
	for (uint32_t i = 0; i < REQUESTS; i++) {
		uint64_t before = accepted;

		checked_make(&c, i * 977);
		HOST_CHECK(serve(&pair, &c));
		HOST_CHECK(accepted == before + 1);
	}
	HOST_CHECK(steps > REQUESTS * 200);
	printf("%lu instructions, looked at behind each\n", (unsigned long)steps);
	return 0;
}
#else
int main(void)
{
	return host_skip("single-stepping oneself is written for x86-64 only");
}
#endif
