#include "export.h"

#include "registry.h"

/* So long after its end a slot is complete: see series_age, and a second for who is late. */
static const uint32_t export_lag_s[SERIES_STEPS] = { 3, 4, 16 };

static void export_series(const struct series *series, const struct export_key *key,
			  const struct export_span *span, const struct export_sink *sink)
{
	const struct tier *const tiers[SERIES_STEPS] = { &series->fine, &series->coarse,
							 &series->wide };
	const struct tier *tier = tiers[span->step];
	struct tier_at at = { 0 };
	bool is_told = false;

	if (!tier->count || tier->last < span->from_s)
		return;
	while (tier_next(tier, series_step_s[span->step], &at) && at.second < span->until_s) {
		if (at.second < span->from_s)
			continue;
		if (!is_told)
			sink->series(sink->ctx, key);
		is_told = true;
		sink->slot(sink->ctx, at.second, at.packed, at.size);
	}
}

static void export_service(const struct service *service, const struct export_span *span,
			   const struct export_sink *sink)
{
	struct export_key key = { .kind = EXPORT_SERVICE,
				  .service = service->name,
				  .environment = service->environment,
				  .route = "" };

	export_series(&service->account.series, &key, span, sink);
	key.kind = EXPORT_ROUTE;
	for (const struct route *r = service->routes; r; r = r->next) {
		key.route = r->path;
		key.method = r->method;
		export_series(&r->account.series, &key, span, sink);
	}
}

static void export_process(const struct process *process, const struct export_span *span,
			   const struct export_sink *sink)
{
	const struct export_key key = { .kind = EXPORT_PROCESS,
					.pid = process->now.target.pid,
					.start_ticks = process->now.target.start_ticks,
					.service = process->service->name,
					.environment = process->service->environment,
					.route = "" };

	export_series(&process->account.series, &key, span, sink);
}

void metrics_export(struct metrics *m, struct export_span *span, const struct export_sink *sink)
{
	uint32_t step_s = series_step_s[span->step], kept, done, now;

	pthread_mutex_lock(&m->lock);
	now = registry_second(m->now_ns);
	kept = series_first(&m->budget, span->step, m->start_s, now);
	if (span->from_s < kept)
		span->from_s = kept;
	done = now > export_lag_s[span->step] ? now - export_lag_s[span->step] : 0;
	done -= done % step_s;
	span->until_s = done < span->from_s ? span->from_s : done;
	if (span->until_s - span->from_s > span->most_s)
		span->until_s = span->from_s + span->most_s;
	span->wall_offset_ms = m->wall_offset_ms;
	for (const struct service *s = m->registry.services; s && sink; s = s->next)
		export_service(s, span, sink);
	for (const struct process *p = m->registry.processes; p && sink; p = p->next)
		export_process(p, span, sink);
	if (sink && span->step == SERIES_FINE)
		m->budget.taken_s = span->until_s;
	pthread_mutex_unlock(&m->lock);
}
