#include "life.h"

#include "sets.h"

#include <errno.h>
#include <stdlib.h>

struct life {
	struct probe *probe;
	life_fn each; /* of the life_read under way */
	void *ctx;
};

int life_open(struct life **out, const struct probe_filter *filter, struct probe_state *state)
{
	struct life *l = calloc(1, sizeof(*l));
	int result;

	*out = NULL;
	if (!l)
		return -ENOMEM;
	result = probe_open(&l->probe, sets_at(SETS_LIFE), filter, state);
	if (result) {
		free(l);
		return result;
	}
	*out = l;
	return 0;
}

void life_close(struct life *l)
{
	if (!l)
		return;
	probe_close(l->probe);
	free(l);
}

static void life_event(void *ctx, const void *data, size_t bytes)
{
	const struct life *l = ctx;
	const struct life_event *event = data;
	const struct life_fork *fork = data;
	const struct life_end *end = data;
	struct life_told told = { 0 };

	if (bytes < sizeof(*event) || (event->kind == LIFE_FORK && bytes < sizeof(*fork)) ||
	    (event->kind == LIFE_END && bytes < sizeof(*end)))
		return;
	told.kind = event->kind;
	told.pid = (int32_t)event->pid;
	if (event->kind == LIFE_FORK)
		told.parent = (int32_t)fork->parent;
	if (event->kind == LIFE_END) {
		told.at_ns = end->at_ns;
		told.used = &end->used;
	}
	l->each(l->ctx, &told);
}

int life_read(struct life *l, life_fn each, void *ctx)
{
	l->each = each;
	l->ctx = ctx;
	return probe_read(l->probe, life_event, l);
}

void life_forget(struct life *l, int32_t pid)
{
	probe_row_delete(l->probe, LIFE_USED_MAP, (uint32_t)pid);
}

void life_look(const struct life *l, struct probe_state *state)
{
	probe_look(l->probe, state);
}

uint64_t life_dropped(const struct life *l)
{
	return probe_dropped(l->probe);
}
