/*
 * totals - what was ever booked, by service and route: the question behind counters.
 *
 * Threads:  any, under the lock of metrics.
 * Memory:   rows are the caller's to free.
 * Errors:   -ENOMEM.
 */
#include "query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool totals_add(const struct account *account, const struct service *service,
		       const struct route *route, struct query_rows *rows)
{
	struct metrics_total *row = query_row_add(rows);

	if (!row)
		return false;
	memcpy(row->service, service->name, sizeof(row->service));
	memcpy(row->environment, service->environment, sizeof(row->environment));
	if (route) {
		memcpy(row->route, route->path, sizeof(row->route));
		row->method = route->method;
	}
	row->sums = account->lifetime.sums;
	memcpy(row->steps, account->lifetime.steps, sizeof(row->steps));
	return true;
}

static bool totals_add_service(const struct service *service, struct query_rows *rows)
{
	bool ok = totals_add(&service->account, service, NULL, rows);

	for (const struct route *r = service->routes; r && ok; r = r->next)
		ok = totals_add(&r->account, service, r, rows);
	return ok;
}

int metrics_totals(struct metrics *m, struct metrics_total **rows)
{
	struct query_rows list = { .size = sizeof(**rows) };
	bool ok = true;

	pthread_mutex_lock(&m->lock);
	for (const struct service *s = m->registry.services; s && ok; s = s->next)
		ok = totals_add_service(s, &list);
	pthread_mutex_unlock(&m->lock);
	*rows = list.rows;
	if (ok)
		return list.count;
	free(list.rows);
	*rows = NULL;
	return -ENOMEM;
}

static bool totals_add_name(const char *host, uint64_t count, struct query_rows *rows)
{
	struct metrics_name *row = query_row_add(rows);

	if (!row)
		return false;
	strncpy(row->host, host, sizeof(row->host) - 1);
	row->count = count;
	return true;
}

static bool totals_add_names(struct names *names, struct query_rows *rows)
{
	/* B: acquire puts the look at a name behind its place; pairs with A of names. */
	uint32_t count = atomic_load_explicit(&names->count, memory_order_acquire);
	uint64_t other = atomic_load_explicit(&names->other, memory_order_relaxed);
	bool ok = true;

	for (uint32_t i = 0; i < count && ok; i++)
		ok = totals_add_name(
			names->rows[i].text,
			atomic_load_explicit(&names->rows[i].count, memory_order_relaxed), rows);
	return ok && (!other || totals_add_name(REGISTRY_OTHER, other, rows));
}

int metrics_names(struct metrics *m, const char *service, const char *environment,
		  struct metrics_name **rows)
{
	struct query_rows list = { .size = sizeof(**rows) };
	bool ok = true;

	pthread_mutex_lock(&m->lock);
	for (struct service *s = m->registry.services; s && ok; s = s->next) {
		/* D: acquire puts the look into the list behind its making; pairs with C. */
		struct names *names = atomic_load_explicit(&s->names, memory_order_acquire);

		if (names && !strcmp(s->name, service) && !strcmp(s->environment, environment))
			ok = totals_add_names(names, &list);
	}
	pthread_mutex_unlock(&m->lock);
	*rows = list.rows;
	if (ok)
		return list.count;
	free(list.rows);
	*rows = NULL;
	return -ENOMEM;
}
