/* A graph of three stacks: main calls work and rest, work enters the kernel once. */
#ifndef GRAPH_FIXTURE_H
#define GRAPH_FIXTURE_H

#include "cause.h"
#include "graph.h"
#include "rs_test.h"

#include <stdio.h>
#include <stdlib.h>

static uint32_t graph_fixture_frame(struct graph *g, const char *name, const char *why, bool kernel)
{
	char text[64], module[] = "/usr/bin/server", core[] = "[kernel]";
	struct graph_frame like = { .name = text, .module = kernel ? core : module, .why = why };
	uint32_t i;

	like.kernel = kernel;
	snprintf(text, sizeof(text), "%s", name);
	assert_int_equal(graph_frame(g, &like, &i), 0);
	return i;
}

static __attribute__((returns_nonnull, noinline)) struct graph *graph_fixture(void)
{
	uint32_t main_frame, work, rest, core;
	struct graph *g;

	assert_int_equal(graph_open(&g), 0);
	g->hz = 99;
	g->seconds = 10;
	g->at_ms = 1000;
	main_frame = graph_fixture_frame(g, "main", NULL, false);
	work = graph_fixture_frame(g, "work<int>;x", NULL, false);
	rest = graph_fixture_frame(g, "[server]", "no symbols", false);
	core = graph_fixture_frame(g, "do_syscall", NULL, true);
	graph_add(g, (uint32_t[]){ main_frame, work }, 2, 60);
	graph_add(g, (uint32_t[]){ main_frame, work, core }, 3, 10);
	graph_add(g, (uint32_t[]){ main_frame, rest }, 2, 30);
	return g;
}

/* Of 10 s: 9 in a lock once, half a one in nine sleeps. */
static __attribute__((returns_nonnull, noinline, unused)) struct graph *graph_fixture_waits(void)
{
	struct graph *g;
	uint32_t frames[2];

	assert_int_equal(graph_open(&g), 0);
	g->kind = GRAPH_OFFCPU;
	g->seconds = 10;
	g->span_ns = UINT64_C(10000000000);
	frames[0] = graph_fixture_frame(g, "main", NULL, false);
	frames[1] = graph_fixture_frame(g, "[lock]", NULL, false);
	graph_wait_add(g, frames,
		       &(struct graph_stack){ .samples = UINT64_C(9000000000),
					      .waits = 1,
					      .cause = CAUSE_LOCK,
					      .depth = 2 });
	frames[1] = graph_fixture_frame(g, "[sleep]", NULL, false);
	graph_wait_add(
		g, frames,
		&(struct graph_stack){
			.samples = 500000000, .waits = 9, .cause = CAUSE_SLEEP, .depth = 2 });
	return g;
}

#endif
