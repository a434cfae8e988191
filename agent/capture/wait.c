#include "wait.h"

#include "cause.h"
#include "sets.h"

#include <errno.h>
#include <stdlib.h>

_Static_assert(CAUSES == (int)WAIT_CAUSES && CAUSE_RUN_QUEUE == (int)WAIT_RUN_QUEUE &&
		       CAUSE_SOCKET == (int)WAIT_SOCKET && CAUSE_OTHER == (int)WAIT_OTHER,
	       "causes keep their number");

#define WAIT_FINDER "task"

struct wait {
	struct probe *probe;
};

int wait_open(struct wait **out, const struct probe_filter *filter, struct probe_state *state)
{
	struct wait *w = calloc(1, sizeof(*w));
	int result;

	*out = NULL;
	if (!w)
		return -ENOMEM;
	result = probe_open(&w->probe, sets_at(SETS_WAIT), filter, state);
	if (result) {
		free(w);
		return result;
	}
	*out = w;
	return 0;
}

void wait_close(struct wait *w)
{
	if (!w)
		return;
	probe_close(w->probe);
	free(w);
}

int wait_watch(struct wait *w, int32_t pid)
{
	const struct wait_row none = { 0 };
	int result = probe_row_add(w->probe, WAIT_MAP, (uint32_t)pid, &none);

	return result == -EEXIST ? 0 : result;
}

void wait_forget(struct wait *w, int32_t pid)
{
	probe_row_delete(w->probe, WAIT_MAP, (uint32_t)pid);
}

int wait_find(const struct wait *w)
{
	return probe_walk(w->probe, WAIT_FINDER);
}

int wait_row_read(const struct wait *w, int32_t pid, struct wait_row *out)
{
	return probe_row_get(w->probe, WAIT_MAP, (uint32_t)pid, out);
}

void wait_look(const struct wait *w, struct probe_state *state)
{
	probe_look(w->probe, state);
}
