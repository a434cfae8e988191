#include "arrival.h"

#include "arrival_event.h"
#include "sets.h"

#include <errno.h>
#include <stdlib.h>

#define ARRIVAL_FINDER "task_file"

struct arrival {
	struct probe *probe;
};

int arrival_open(struct arrival **out, const struct probe_filter *filter, struct probe_state *state)
{
	struct arrival *a = calloc(1, sizeof(*a));
	int result;

	*out = NULL;
	if (!a)
		return -ENOMEM;
	result = probe_open(&a->probe, sets_at(SETS_ARRIVAL), filter, state);
	if (result) {
		free(a);
		return result;
	}
	*out = a;
	return 0;
}

void arrival_close(struct arrival *a)
{
	if (!a)
		return;
	probe_close(a->probe);
	free(a);
}

int arrival_find(const struct arrival *a)
{
	return probe_walk(a->probe, ARRIVAL_FINDER);
}

const struct probe *arrival_probe(const struct arrival *a)
{
	return a->probe;
}

void arrival_look(const struct arrival *a, struct probe_state *state)
{
	probe_look(a->probe, state);
}

int arrival_watch(const struct probe *p, int32_t pid, bool on)
{
	const struct arrival_row none = { 0 };
	int result = 0;

	if (on)
		result = probe_row_add(p, ARRIVAL_MAP, (uint32_t)pid, &none);
	else
		probe_row_delete(p, ARRIVAL_MAP, (uint32_t)pid);
	return result == -EEXIST ? 0 : result;
}

/* Of the period before this one, which is over; 0: nothing was read in it. */
static uint32_t arrival_longest_us(const struct arrival_row *row, uint64_t now_ns)
{
	uint64_t period = (now_ns >> ARRIVAL_PERIOD) - 1;
	uint64_t us = row->longest_ns[period & 1] / 1000;

	if (row->periods[period & 1] != period)
		return 0;
	return us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

int arrival_strain_add(const struct probe *p, int32_t pid, uint64_t now_ns, struct strain *to)
{
	struct arrival_row row;
	int result = probe_row_get(p, ARRIVAL_MAP, (uint32_t)pid, &row);

	if (result)
		return result;
	to->arrivals = row.reads;
	to->arrival_ns = row.ns;
	to->longest_us = arrival_longest_us(&row, now_ns);
	to->known |= STRAIN_ARRIVAL;
	return 0;
}
