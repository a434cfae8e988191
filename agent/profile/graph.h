/*
 * graph - a profile as people get it: frames with names, and stacks of them with their samples.
 *
 * Threads:  one owner.
 * Memory:   graph_open allocates, graph_close frees; names are copied.
 * Errors:   0 or -errno.
 */
#ifndef PROFILE_GRAPH_H
#define PROFILE_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

#define GRAPH_DEPTH 200u /* more than the kernel ever gives, and a cause */

struct graph_frame {
	char *name;      /* of the function, or of its library in brackets */
	char *module;    /* path of the library, "[kernel]", "" */
	const char *why; /* why it has no name of its own; NULL: it has */
	bool kernel;
	uint32_t next; /* in its bucket, plus 1 */
};

enum graph_kind { GRAPH_CPU, GRAPH_OFFCPU };

struct graph_stack {
	uint64_t samples; /* of GRAPH_OFFCPU: nanoseconds */
	uint64_t waits;   /* of GRAPH_OFFCPU: how many those were, */
	uint32_t cause;   /* and what for: enum cause */
	uint32_t depth;
	uint32_t first; /* of its frames in graph.places, outermost first */
};

struct graph {
	struct graph_frame *frames;
	struct graph_stack *stacks;
	uint32_t *places;
	uint32_t frame_count, frame_room, stack_count, stack_room, place_count, place_room;
	uint32_t buckets[1024]; /* frames by name, plus 1 */
	enum graph_kind kind;
	uint64_t samples, waits; /* of all stacks */
	uint64_t lost;    /* in the time it covers: samples that found no room, or are nobody's */
	uint64_t span_ns; /* that it covers, exactly; 0: seconds are good enough */
	uint32_t hz, seconds;
	int64_t at_ms; /* wall clock of its end */
	uint32_t processes;
	char problem[160]; /* why names are missing; "": nothing to say */
};

int graph_open(struct graph **out);
void graph_close(struct graph *g); /* NULL is fine */

/* The frame of this name, made if need be. why is borrowed for good. */
int graph_frame(struct graph *g, const struct graph_frame *like, uint32_t *out);
int graph_add(struct graph *g, const uint32_t *frames, uint32_t depth, uint64_t samples);

/* A stack with all it has but the place of its frames; of GRAPH_OFFCPU. */
int graph_wait_add(struct graph *g, const uint32_t *frames, const struct graph_stack *like);
const char *graph_cause(uint32_t cause); /* "socket" … "run queue" */

#endif
