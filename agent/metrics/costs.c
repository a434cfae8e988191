/*
 * costs - what each live process has used, and how much of that we were.
 *
 * Threads:  any, under the lock of metrics.
 * Memory:   rows are the caller's to free.
 * Errors:   -ENOMEM.
 */
#include "query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void costs_fill(const struct process *p, struct metrics_cost *out)
{
	const struct means_tier *fine = &p->means.fine;

	memset(out, 0, sizeof(*out));
	out->key = p->now.target.key;
	out->pid = p->now.target.pid;
	memcpy(out->service, p->now.target.service, sizeof(out->service));
	memcpy(out->exe, p->now.target.exe, sizeof(out->exe));
	out->own_ns = p->now.totals.cost_ns * RS_COST_EVERY;
	out->state = p->now.ledger.state;
	out->detail = p->now.ledger.detail;
	if (!fine->count)
		return;
	out->cpu_ns =
		fine->samples[fine->count - 1].user_ns + fine->samples[fine->count - 1].system_ns;
	out->time_ns = fine->samples[fine->count - 1].time_ns;
}

int metrics_costs(struct metrics *m, struct metrics_cost **rows)
{
	struct query_rows list = { .size = sizeof(**rows) };
	bool ok = true;

	pthread_mutex_lock(&m->lock);
	for (const struct process *p = m->registry.processes; p && ok; p = p->next) {
		struct metrics_cost *row;

		if (p->now.gone_ns)
			continue;
		row = query_row_add(&list);
		ok = row != NULL;
		if (ok)
			costs_fill(p, row);
	}
	pthread_mutex_unlock(&m->lock);
	*rows = list.rows;
	if (ok)
		return list.count;
	free(list.rows);
	*rows = NULL;
	return -ENOMEM;
}
