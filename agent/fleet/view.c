#include "view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct view *view_open(const struct view_ask *ask)
{
	struct view *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	atomic_init(&v->references, 1);
	v->ask = *ask;
	muster_init(&v->muster);
	return v;
}

struct view *view_get(struct view *v)
{
	/* whoever has a reference knows what is in it already */
	atomic_fetch_add_explicit(&v->references, 1, memory_order_relaxed);
	return v;
}

void view_put(struct view *v)
{
	/* A: what others read of it comes before it is freed; pairs with itself. */
	if (!v || atomic_fetch_sub_explicit(&v->references, 1, memory_order_acq_rel) != 1)
		return;
	muster_fini(&v->muster);
	free(v->rows);
	free(v);
}

bool view_is_same(const struct view_ask *a, const struct view_ask *b)
{
	return a->sums == b->sums && a->window_s == b->window_s &&
	       !strcmp(a->service, b->service) && !strcmp(a->route, b->route);
}

/* The most requests first; ties by name, so that a page never depends on luck. */
static int view_compare(const void *left, const void *right)
{
	const struct merge_row *a = left, *b = right;
	int order = (a->sums.count < b->sums.count) - (a->sums.count > b->sums.count);

	if (!order)
		order = strcmp(a->service, b->service);
	return order ? order : strcmp(a->environment, b->environment);
}

int view_rows(struct view *v, const struct merge *m)
{
	if (!m->service_count)
		return merge_total(m, &v->total);
	v->rows = calloc(m->service_count, sizeof(*v->rows));
	if (!v->rows)
		return -ENOMEM;
	for (uint32_t i = 0; i < m->service_count; i++)
		merge_row(&m->services[i], &v->rows[i]);
	v->row_count = m->service_count;
	qsort(v->rows, v->row_count, sizeof(*v->rows), view_compare);
	return merge_total(m, &v->total);
}
