/*
 * More threads than lanes, at once and one after the other: every request counts, every record is
 * delivered, folded or dropped, and blocks are used again.
 */
#include "host.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define AT_ONCE 400
#define IN_TURN 2000
#define REQUESTS 20

static pthread_barrier_t all_here;
static _Atomic int failed;

static void *serve(void *wait_for_all)
{
	struct host_pair pair;

	host_connect(&pair);
	for (int i = 0; i < REQUESTS; i++) {
		failed += !host_serve(&pair, "/threads");
		if (!i && wait_for_all) /* each has its block now, or shares one */
			pthread_barrier_wait(&all_here);
	}
	free(malloc(100));
	host_disconnect(&pair);
	return NULL;
}

static void run_at_once(void)
{
	static pthread_t threads[AT_ONCE];
	pthread_attr_t small;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 128 * 1024);
	pthread_barrier_init(&all_here, NULL, AT_ONCE);
	for (int i = 0; i < AT_ONCE; i++)
		HOST_CHECK(!pthread_create(&threads[i], &small, serve, &all_here));
	for (int i = 0; i < AT_ONCE; i++)
		pthread_join(threads[i], NULL);
}

static void run_in_turn(void)
{
	pthread_t thread;

	for (int i = 0; i < IN_TURN; i++) {
		HOST_CHECK(!pthread_create(&thread, NULL, serve, NULL));
		pthread_join(thread, NULL);
	}
}

static void check(const struct rs_header *header, uint64_t requests)
{
	HOST_CHECK(!failed);
	HOST_CHECK(HOST_SUM(header, requests) == requests);
	HOST_CHECK(HOST_SUM(header, begun) == requests);
	HOST_CHECK(HOST_SUM(header, status[1]) == requests);
	HOST_CHECK(HOST_SUM(header, counted[RS_KIND_REQUEST]) == requests);
	HOST_CHECK(HOST_SUM(header, pushed[RS_KIND_REQUEST]) +
			   HOST_SUM(header, folded[RS_KIND_REQUEST]) +
			   HOST_SUM(header, dropped[RS_KIND_REQUEST]) ==
		   requests);
	HOST_CHECK(HOST_SUM(header, dropped[RS_KIND_REQUEST]) == 0);
}

/* Threads that end without a destructor leave their names on their blocks. */
static void blocks_of_the_dead_are_found(struct rs_header *header)
{
	struct rs_block *blocks = (struct rs_block *)(void *)((uint8_t *)header + RS_BLOCKS_AT);
	const uint32_t dead = 4194305; /* above the largest pid_max */
	pthread_t thread;

	for (uint32_t n = 0; n < RS_LANES; n++) {
		uint32_t nobody = 0;

		atomic_compare_exchange_strong(&blocks[n].thread, &nobody, dead);
	}
	HOST_CHECK(!pthread_create(&thread, NULL, serve, NULL));
	pthread_join(thread, NULL);
	HOST_CHECK(!header->overflow);
	for (uint32_t n = 0; n < RS_LANES; n++)
		HOST_CHECK(blocks[n].thread != dead);
}

int main(void)
{
	struct rs_header *header = host_segment_wanted();

	host_listen_as_agent(header);
	run_in_turn();
	check(header, IN_TURN * REQUESTS);
	HOST_CHECK(header->lanes <= 3);
	HOST_CHECK(!header->overflow);
	blocks_of_the_dead_are_found(header);
	check(header, (IN_TURN + 1) * REQUESTS);
	run_at_once();
	check(header, (IN_TURN + 1 + AT_ONCE) * REQUESTS);
	HOST_CHECK(header->lanes == RS_LANES);
	HOST_CHECK(header->overflow);
	run_in_turn();
	check(header, (2 * IN_TURN + 1 + AT_ONCE) * REQUESTS);
	return 0;
}
