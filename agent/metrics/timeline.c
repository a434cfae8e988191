#include "timeline.h"

#include "query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int timeline_open(struct timeline *t, const struct timeline_span *span, enum timeline_what what)
{
	int64_t step = span->step_s, from = span->from_s;
	int64_t rest = ((from % step) + step) % step;
	uint64_t count;

	memset(t, 0, sizeof(*t));
	t->from_s = from - rest;
	t->step_s = span->step_s;
	t->work = TIMELINE_WORK;
	t->schema = RS_HIST_SCHEMA;
	count = span->to_s > from ? (uint64_t)(span->to_s - t->from_s + step - 1) / step : 0;
	if (count > TIMELINE_POINTS)
		return -E2BIG;
	t->count = (uint32_t)count;
	if (what == TIMELINE_SUMS)
		t->sums = calloc(count + 1, sizeof(*t->sums));
	else if (what == TIMELINE_HISTOGRAMS)
		t->slots = calloc(count + 1, sizeof(*t->slots));
	else
		t->values = calloc(count + 1, sizeof(*t->values));
	if (!t->sums && !t->slots && !t->values)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->count; i++) {
		if (t->sums)
			slot_sums_init(&t->sums[i]);
		else if (t->slots)
			slot_sums_init(&t->slots[i].sums);
		else
			t->values[i] = METRICS_UNKNOWN;
	}
	return 0;
}

void timeline_fini(struct timeline *t)
{
	free(t->sums);
	free(t->slots);
	free(t->values);
	memset(t, 0, sizeof(*t));
}

/* Its point; t->count: none. */
static uint32_t timeline_point(const struct timeline *t, int64_t second)
{
	int64_t at = second - t->from_s;

	if (at < 0 || at / t->step_s >= t->count)
		return t->count;
	return (uint32_t)(at / t->step_s);
}

bool timeline_work(struct timeline *t)
{
	if (t->work)
		t->work--;
	else
		t->is_cut = true;
	return !t->is_cut;
}

bool timeline_add(struct timeline *t, int64_t second, const uint8_t *packed, size_t size)
{
	uint32_t point = timeline_point(t, second);

	if (point == t->count)
		return !t->is_cut;
	if (!timeline_work(t))
		return false;
	if (t->slots)
		slot_unpack(packed, size, &t->slots[point]);
	else
		slot_unpack_sums(packed, size, &t->sums[point]);
	return true;
}

bool timeline_add_slot(struct timeline *t, int64_t second, const struct slot *slot)
{
	uint32_t point = timeline_point(t, second);

	if (point == t->count)
		return !t->is_cut;
	if (!timeline_work(t))
		return false;
	if (t->slots)
		slot_add(&t->slots[point], slot);
	else
		slot_sums_add(&t->sums[point], &slot->sums);
	return true;
}

const struct metrics_sums *timeline_sums(const struct timeline *t, uint32_t point)
{
	return t->slots ? &t->slots[point].sums : &t->sums[point];
}

void timeline_sum(const struct timeline *t, struct metrics_sums *sums,
		  uint64_t buckets[RS_HIST_SLOTS])
{
	slot_sums_init(sums);
	if (buckets)
		memset(buckets, 0, RS_HIST_SLOTS * sizeof(*buckets));
	for (uint32_t i = 0; i < t->count; i++) {
		if (buckets && t->slots)
			slot_window_add(&t->slots[i], sums, buckets);
		else
			slot_sums_add(sums, timeline_sums(t, i));
	}
}

enum series_step timeline_slots(uint32_t step_s)
{
	int step = SERIES_WIDE;

	while (step_s % series_step_s[step])
		step--;
	return (enum series_step)step;
}

/* Each step lacks what the finer ones hold open, so that it comes to the same requests. */
static void timeline_series(struct timeline *t, enum series_step step, const struct series *series)
{
	const struct tier *const tiers[SERIES_STEPS] = { &series->fine, &series->coarse,
							 &series->wide };
	struct tier_at at = { 0 };

	t->is_found = true;
	while (tier_next(tiers[step], series_step_s[step], &at)) {
		if (at.second >= t->memory_from_s &&
		    !timeline_add(t, at.second, at.packed, at.size))
			return;
	}
	if (step == SERIES_WIDE && !series->is_wide && tier_last(&series->coarse, &at))
		timeline_add(t, at.second, at.packed, at.size);
	if (series->open)
		timeline_add_slot(t, series->open->second, series->open);
}

static bool timeline_has_route(const struct metrics_scope *scope, const struct route *route)
{
	if (scope->statements && !atomic_load_explicit(&route->is_statement, memory_order_relaxed))
		return false;
	return !scope->route || !strcmp(scope->route, route->path);
}

static void timeline_services(const struct metrics *m, const struct metrics_scope *scope,
			      enum series_step step, struct timeline *t)
{
	bool of_routes = scope->route || scope->statements;

	for (const struct service *s = m->registry.services; s; s = s->next) {
		if (!query_has_service(scope, s))
			continue;
		if (!of_routes)
			timeline_series(t, step, &s->account.series);
		else if (!scope->route) /* it is known, whether it has such or not */
			t->is_found = true;
		for (const struct route *r = of_routes ? s->routes : NULL; r; r = r->next) {
			if (timeline_has_route(scope, r))
				timeline_series(t, step, &r->account.series);
		}
	}
}

/* When the agent is, and since when it knows what the points are made of. Under the lock. */
static void timeline_moment(const struct metrics *m, enum series_step step, struct timeline *t)
{
	uint32_t now = registry_second(m->now_ns);

	t->slot_s = series_step_s[step];
	t->now_s = now;
	t->wall_offset_ms = m->wall_offset_ms;
	t->memory_from_s = series_first(&m->budget, step, m->start_s, now);
	t->kept_from_s = t->memory_from_s > m->start_s ? t->memory_from_s : m->start_s;
}

int metrics_timeline(struct metrics *m, const struct metrics_scope *scope, struct timeline *t)
{
	enum series_step step = timeline_slots(t->step_s);

	if ((scope->route || scope->statements) && scope->pid)
		return -ENOTSUP;
	pthread_mutex_lock(&m->lock);
	timeline_moment(m, step, t);
	for (const struct process *p = m->registry.processes; p && scope->pid; p = p->next) {
		if (query_has_process(scope, p))
			timeline_series(t, step, &p->account.series);
	}
	if (!scope->pid)
		timeline_services(m, scope, step, t);
	pthread_mutex_unlock(&m->lock);
	if (!t->is_found && (scope->service || scope->route || scope->pid))
		return -ENOENT;
	return 0;
}

static void timeline_process(struct timeline *t, enum metrics_gauge gauge,
			     const struct process *process)
{
	t->is_found = true;
	for (uint32_t i = 0; i < t->count; i++) {
		int64_t from_s = t->from_s + (int64_t)i * t->step_s, to_s = from_s + t->step_s;
		double values[METRICS_GAUGES];

		if (to_s <= t->memory_from_s)
			continue;
		if (!timeline_work(t))
			return;
		if (gauges_of(&process->means, from_s, to_s, values))
			gauges_add(gauge, values[gauge], &t->values[i]);
	}
}

int metrics_gauges(struct metrics *m, const struct metrics_scope *scope, enum metrics_gauge gauge,
		   struct timeline *t)
{
	int64_t sampled_s;

	if (scope->route)
		return -ENOTSUP;
	pthread_mutex_lock(&m->lock);
	timeline_moment(m, timeline_slots(t->step_s), t);
	sampled_s = m->sampled_s ? m->sampled_s : t->now_s + 1;
	if (t->memory_from_s < sampled_s) /* a restart forgets samples */
		t->memory_from_s = t->kept_from_s = sampled_s;
	for (const struct process *p = m->registry.processes; p; p = p->next) {
		if (query_has_process(scope, p))
			timeline_process(t, gauge, p);
	}
	pthread_mutex_unlock(&m->lock);
	return !t->is_found && (scope->service || scope->pid) ? -ENOENT : 0;
}
