#include "graph.h"

#include "cause.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GRAPH_BUCKETS (sizeof(((struct graph *)0)->buckets) / sizeof(uint32_t))

int graph_open(struct graph **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void graph_close(struct graph *g)
{
	if (!g)
		return;
	for (uint32_t i = 0; i < g->frame_count; i++) {
		free(g->frames[i].name);
		free(g->frames[i].module);
	}
	free(g->frames);
	free(g->stacks);
	free(g->places);
	free(g);
}

static uint32_t graph_hash(const char *text)
{
	uint32_t hash = 2166136261u;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619u;
	return hash;
}

/* Room for count more elements of this size behind used; the array, NULL without memory. */
static void *graph_room(void *at, uint32_t used, uint32_t count, uint32_t *room, size_t size)
{
	uint32_t wanted = *room ? *room : 256;
	void *grown;

	if (used + count <= *room)
		return at;
	while (wanted < used + count)
		wanted *= 2;
	grown = realloc(at, wanted * size);
	if (grown)
		*room = wanted;
	return grown;
}

static int graph_frame_new(struct graph *g, const struct graph_frame *like)
{
	struct graph_frame *frames =
		graph_room(g->frames, g->frame_count, 1, &g->frame_room, sizeof(*g->frames));
	struct graph_frame *frame;

	if (!frames)
		return -ENOMEM;
	g->frames = frames;
	frame = &frames[g->frame_count];
	*frame = *like;
	frame->name = strdup(like->name);
	frame->module = strdup(like->module);
	if (frame->name && frame->module) {
		g->frame_count++;
		return 0;
	}
	free(frame->name);
	free(frame->module);
	return -ENOMEM;
}

int graph_frame(struct graph *g, const struct graph_frame *like, uint32_t *out)
{
	uint32_t *bucket = &g->buckets[graph_hash(like->name) % GRAPH_BUCKETS];
	int result;

	for (uint32_t i = *bucket; i; i = g->frames[i - 1].next) {
		const struct graph_frame *f = &g->frames[i - 1];

		if (f->kernel == like->kernel && !strcmp(f->name, like->name) &&
		    !strcmp(f->module, like->module)) {
			*out = i - 1;
			return 0;
		}
	}
	result = graph_frame_new(g, like);
	if (result)
		return result;
	g->frames[g->frame_count - 1].next = *bucket;
	*bucket = g->frame_count;
	*out = g->frame_count - 1;
	return 0;
}

static bool graph_same(const struct graph *g, const struct graph_stack *s, const uint32_t *frames,
		       const struct graph_stack *like)
{
	return s->depth == like->depth && s->cause == like->cause &&
	       (!s->depth || memcmp(g->places + s->first, frames, s->depth * sizeof(*frames)) == 0);
}

int graph_wait_add(struct graph *g, const uint32_t *frames, const struct graph_stack *like)
{
	struct graph_stack *stacks;
	uint32_t *places, depth = like->depth;

	g->samples += like->samples;
	g->waits += like->waits;
	for (uint32_t i = g->stack_count; i && i + 64 > g->stack_count; i--) {
		if (!graph_same(g, &g->stacks[i - 1], frames, like))
			continue;
		g->stacks[i - 1].samples += like->samples;
		g->stacks[i - 1].waits += like->waits;
		return 0;
	}
	stacks = graph_room(g->stacks, g->stack_count, 1, &g->stack_room, sizeof(*stacks));
	if (!stacks)
		return -ENOMEM;
	g->stacks = stacks;
	places = graph_room(g->places, g->place_count, depth, &g->place_room, sizeof(*places));
	if (!places && depth)
		return -ENOMEM;
	g->places = places;
	if (depth)
		memcpy(places + g->place_count, frames, depth * sizeof(*frames));
	stacks[g->stack_count] = *like;
	stacks[g->stack_count++].first = g->place_count;
	g->place_count += depth;
	return 0;
}

int graph_add(struct graph *g, const uint32_t *frames, uint32_t depth, uint64_t samples)
{
	return graph_wait_add(g, frames,
			      &(struct graph_stack){ .samples = samples, .depth = depth });
}

const char *graph_cause(uint32_t cause)
{
	static const char *const names[CAUSES] = {
		[CAUSE_SOCKET] = "socket", [CAUSE_DISK] = "disk",   [CAUSE_LOCK] = "lock",
		[CAUSE_SLEEP] = "sleep",   [CAUSE_OTHER] = "other", [CAUSE_RUN_QUEUE] = "run queue",
	};

	return names[cause < CAUSES ? cause : CAUSE_OTHER];
}
