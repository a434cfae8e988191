#include "census.h"

#include "census_event.h"
#include "moment.h"
#include "sets.h"

#include <errno.h>
#include <stdlib.h>

#define CENSUS_WALKER "task"

struct census {
	struct probe *probe;
	uint64_t looked_ns, due_ns;
	uint64_t random;
};

/* From half to one and a half of the mean. xorshift64: nobody gains by guessing it. */
static uint64_t census_pause_ns(struct census *c)
{
	c->random ^= c->random << 13;
	c->random ^= c->random >> 7;
	c->random ^= c->random << 17;
	return CENSUS_EVERY_NS / 2 + c->random % CENSUS_EVERY_NS;
}

int census_open(struct census **out, const struct probe_filter *filter, struct probe_state *state)
{
	struct census *c = calloc(1, sizeof(*c));
	int result;

	*out = NULL;
	if (!c)
		return -ENOMEM;
	result = probe_open(&c->probe, sets_at(SETS_CENSUS), filter, state);
	if (result) {
		free(c);
		return result;
	}
	c->looked_ns = moment_monotonic_ns();
	c->random = c->looked_ns | 1; /* never 0 */
	c->due_ns = c->looked_ns + census_pause_ns(c);
	*out = c;
	return 0;
}

void census_close(struct census *c)
{
	if (!c)
		return;
	probe_close(c->probe);
	free(c);
}

int census_watch(struct census *c, int32_t pid)
{
	const struct wait_row none = { 0 };
	int result = probe_row_add(c->probe, CENSUS_MAP, (uint32_t)pid, &none);

	return result == -EEXIST ? 0 : result;
}

void census_forget(struct census *c, int32_t pid)
{
	probe_row_delete(c->probe, CENSUS_MAP, (uint32_t)pid);
}

uint64_t census_due_ns(const struct census *c)
{
	return c->due_ns;
}

void census_step(struct census *c, uint64_t now_ns)
{
	const struct census_span span = { now_ns, now_ns - c->looked_ns };
	uint64_t pause_ns, took_ns;

	if (now_ns < c->due_ns)
		return;
	if (probe_row_put(c->probe, CENSUS_SPAN_MAP, 0, &span) == 0 &&
	    probe_walk(c->probe, CENSUS_WALKER) == 0)
		c->looked_ns = now_ns;
	took_ns = moment_monotonic_ns() - now_ns;
	pause_ns = census_pause_ns(c);
	c->due_ns =
		now_ns + (pause_ns > took_ns * CENSUS_SHARE ? pause_ns : took_ns * CENSUS_SHARE);
}

int census_row_read(const struct census *c, int32_t pid, struct wait_row *out)
{
	return probe_row_get(c->probe, CENSUS_MAP, (uint32_t)pid, out);
}

void census_look(const struct census *c, struct probe_state *state)
{
	probe_look(c->probe, state);
}
