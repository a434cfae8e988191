#include "cells.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int cells_open(struct cells *c, const struct timeline *t, enum metrics_gauge gauge)
{
	c->gauge = gauge;
	c->slot_s = series_step_s[timeline_slots(t->step_s)];
	c->count = t->count * (t->step_s / c->slot_s);
	c->at = calloc((size_t)c->count + 1, sizeof(*c->at));
	if (!c->at)
		return -ENOMEM;
	for (uint32_t i = 0; i < c->count; i++)
		c->at[i].value = METRICS_UNKNOWN;
	return 0;
}

void cells_fini(struct cells *c)
{
	free(c->at);
	memset(c, 0, sizeof(*c));
}

bool cells_add(struct cells *c, struct timeline *t, uint32_t block, int64_t second, double value)
{
	int64_t at = second - t->from_s;
	struct cell *cell;

	if (at < 0 || at / c->slot_s >= c->count)
		return !t->is_cut;
	if (!timeline_work(t))
		return false;
	cell = &c->at[at / c->slot_s];
	if (cell->block != block)
		*cell = (struct cell){ METRICS_UNKNOWN, block };
	gauges_add(c->gauge, value, &cell->value);
	return true;
}

void cells_fold(const struct cells *c, struct timeline *t)
{
	uint32_t slots = t->step_s / c->slot_s;

	for (uint32_t i = 0; i < t->count; i++) {
		struct gauges_row row = { METRICS_UNKNOWN, 0 };

		for (uint32_t n = i * slots; n < (i + 1) * slots; n++)
			gauges_row_add(c->gauge, c->at[n].value, &row);
		if (t->values[i] < 0)
			t->values[i] = row.value;
	}
}
