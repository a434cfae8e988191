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
	for (const struct route *r = service->routes; r; r = r->next) {
		key.route = r->path;
		key.method = r->method;
		key.kind = atomic_load_explicit(&r->is_statement, memory_order_relaxed)
				   ? EXPORT_STATEMENT
				   : EXPORT_ROUTE;
		export_series(&r->account.series, &key, span, sink);
	}
}

static struct export_key export_process_key(const struct process *process)
{
	return (struct export_key){ .kind = EXPORT_PROCESS,
				    .pid = process->now.target.pid,
				    .start_ticks = process->now.target.start_ticks,
				    .service = process->service->name,
				    .environment = process->service->environment,
				    .route = "" };
}

static void export_process(const struct process *process, const struct export_span *span,
			   const struct export_sink *sink)
{
	const struct export_key key = export_process_key(process);

	export_series(&process->account.series, &key, span, sink);
}

/* Hands out the slots of which something is known. */
static void export_gauges(const struct export_key *key, const struct export_span *span,
			  double (*values)[METRICS_GAUGES], const struct export_sink *sink)
{
	uint32_t step_s = series_step_s[span->step];
	bool is_told = false;

	for (uint32_t i = 0; span->from_s + i * step_s < span->until_s; i++) {
		bool is_known = false;

		for (int gauge = 0; gauge < METRICS_GAUGES; gauge++)
			is_known = is_known || values[i][gauge] >= 0;
		if (!is_known)
			continue;
		if (!is_told)
			sink->series(sink->ctx, key);
		is_told = true;
		sink->gauges(sink->ctx, span->from_s + i * step_s, values[i]);
	}
}

static void export_process_gauges(const struct process *process, const struct export_span *span,
				  double (*sums)[METRICS_GAUGES], const struct export_sink *sink)
{
	struct export_key key = export_process_key(process);
	uint32_t step_s = series_step_s[span->step];
	double values[EXPORT_SLOTS][METRICS_GAUGES];

	for (uint32_t i = 0; span->from_s + i * step_s < span->until_s; i++) {
		int64_t from_s = (int64_t)span->from_s + i * step_s;

		gauges_of(&process->means, from_s, from_s + step_s, values[i]);
		for (int gauge = 0; gauge < METRICS_GAUGES; gauge++)
			gauges_add((enum metrics_gauge)gauge, values[i][gauge], &sums[i][gauge]);
	}
	key.kind = EXPORT_PROCESS_GAUGES;
	export_gauges(&key, span, values, sink);
}

static void export_service_gauges(const struct metrics *m, const struct service *service,
				  const struct export_span *span, const struct export_sink *sink)
{
	const struct export_key key = { .kind = EXPORT_SERVICE_GAUGES,
					.service = service->name,
					.environment = service->environment,
					.route = "" };
	double sums[EXPORT_SLOTS][METRICS_GAUGES];

	for (uint32_t i = 0; i < EXPORT_SLOTS; i++)
		gauges_init(sums[i]);
	for (const struct process *p = m->registry.processes; p; p = p->next) {
		if (p->service == service)
			export_process_gauges(p, span, sums, sink);
	}
	export_gauges(&key, span, sums, sink);
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
	if (sink && sink->gauges && span->until_s - span->from_s > EXPORT_SLOTS * step_s)
		span->until_s = span->from_s + EXPORT_SLOTS * step_s;
	for (const struct service *s = m->registry.services; s && sink; s = s->next) {
		export_service(s, span, sink);
		if (sink->gauges)
			export_service_gauges(m, s, span, sink);
	}
	for (const struct process *p = m->registry.processes; p && sink; p = p->next)
		export_process(p, span, sink);
	if (sink && span->step == SERIES_FINE)
		m->budget.taken_s = span->until_s;
	pthread_mutex_unlock(&m->lock);
}
