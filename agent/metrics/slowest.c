#include "slowest.h"

#include <stdlib.h>
#include <string.h>

static uint32_t slowest_period(uint64_t ns)
{
	return (uint32_t)(ns / UINT64_C(1000000000) / SLOWEST_PERIOD_S);
}

static void slowest_top_put(struct slowest *slowest, const struct slowest_entry *entry)
{
	uint32_t period = slowest_period(entry->end_ns), least = 0;
	uint32_t *count = &slowest->top_count[period % 2];
	struct slowest_entry *top = slowest->top[period % 2];

	if (period > slowest->period) {
		if (period > slowest->period + 1)
			slowest->top_count[(period + 1) % 2] = 0;
		*count = 0;
		slowest->period = period;
	}
	if (period + 1 < slowest->period)
		return;
	if (*count < METRICS_SLOWEST) {
		top[(*count)++] = *entry;
		return;
	}
	for (uint32_t i = 1; i < METRICS_SLOWEST; i++) {
		if (top[i].row.span_ns < top[least].row.span_ns)
			least = i;
	}
	if (entry->row.span_ns > top[least].row.span_ns)
		top[least] = *entry;
}

void slowest_put(struct slowest *slowest, const struct slowest_entry *entry)
{
	if (entry->slow)
		slowest->slow[slowest->slow_count++ % SLOWEST_RING] = *entry;
	else if (entry->failed)
		slowest->failed[slowest->failed_count++ % SLOWEST_FAILED] = *entry;
	else
		slowest_top_put(slowest, entry);
}

static void slowest_rename_row(struct metrics_slow *row, const char *service, const char *from,
			       const char *to)
{
	if (strcmp(row->route, from) == 0 && strcmp(row->service, service) == 0)
		strncpy(row->route, to, sizeof(row->route) - 1);
}

void slowest_rename(struct slowest *slowest, const char *service, const char *from, const char *to)
{
	for (uint32_t i = 0; i < SLOWEST_RING; i++)
		slowest_rename_row(&slowest->slow[i].row, service, from, to);
	for (uint32_t i = 0; i < SLOWEST_FAILED; i++)
		slowest_rename_row(&slowest->failed[i].row, service, from, to);
	for (uint32_t i = 0; i < 2 * METRICS_SLOWEST; i++)
		slowest_rename_row(&slowest->top[i % 2][i / 2].row, service, from, to);
}

uint64_t slowest_floor_ns(const struct slowest *slowest, uint64_t now_ns)
{
	uint32_t period = slowest_period(now_ns);
	const struct slowest_entry *top = slowest->top[period % 2];
	uint64_t floor = UINT64_MAX;

	if (period != slowest->period || slowest->top_count[period % 2] < METRICS_SLOWEST)
		return 0;
	for (uint32_t i = 0; i < METRICS_SLOWEST; i++) {
		if (top[i].row.span_ns < floor)
			floor = top[i].row.span_ns;
	}
	return floor;
}

static int slowest_compare(const void *a, const void *b)
{
	uint64_t x = (*(const struct slowest_entry *const *)a)->row.span_ns;
	uint64_t y = (*(const struct slowest_entry *const *)b)->row.span_ns;

	return (x < y) - (x > y);
}

uint32_t slowest_list(const struct slowest *slowest, uint64_t now_ns,
		      const struct slowest_entry **out)
{
	uint64_t slow = slowest->slow_count, failed = slowest->failed_count;
	uint32_t n = 0;

	for (uint32_t i = 0; i < SLOWEST_RING && i < slow; i++)
		out[n++] = &slowest->slow[i];
	for (uint32_t i = 0; i < SLOWEST_FAILED && i < failed; i++)
		out[n++] = &slowest->failed[i];
	for (uint32_t back = 0; back < 2 && slowest_period(now_ns) <= slowest->period + 1; back++) {
		uint32_t half = (slowest->period + back) % 2;

		if (back && slowest_period(now_ns) > slowest->period)
			break;
		for (uint32_t i = 0; i < slowest->top_count[half]; i++)
			out[n++] = &slowest->top[half][i];
	}
	qsort(out, n, sizeof(void *), slowest_compare);
	return n;
}
