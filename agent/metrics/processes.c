/*
 * processes - the CPU and memory of each process over a window, and their levels.
 *
 * Threads:  any, under the lock of metrics.
 * Memory:   rows are the caller's to free.
 * Errors:   METRICS_UNKNOWN where two samples are needed and one is there.
 */
#include "query.h"
#include "strains.h"

#include <errno.h>
#include <ringside/segment.h>
#include <stdlib.h>
#include <string.h>

static uint8_t processes_memory_level(const struct metrics_limits *limits, double percent)
{
	if (percent < 0)
		return METRICS_LEVEL_UNKNOWN;
	if (percent >= limits->memory_dump)
		return METRICS_DUMP;
	if (percent >= limits->memory_critical)
		return METRICS_CRITICAL;
	return percent >= limits->memory_warning ? METRICS_WARNING : METRICS_OK;
}

static uint8_t processes_cpu_level(const struct metrics_limits *limits, double percent)
{
	if (percent < 0)
		return METRICS_LEVEL_UNKNOWN;
	if (percent >= limits->cpu_critical)
		return METRICS_CRITICAL;
	return percent >= limits->cpu_warning ? METRICS_WARNING : METRICS_OK;
}

static void processes_unknown(struct metrics_process *out)
{
	out->user_ms = out->system_ms = out->cpu_percent = METRICS_UNKNOWN;
	out->core_percent = out->run_queue_ms = METRICS_UNKNOWN;
	out->throttled_percent = out->throttled_ms = METRICS_UNKNOWN;
	for (int i = 0; i < CAUSES; i++)
		out->waits_ms[i] = METRICS_UNKNOWN;
	out->user_s = out->system_s = out->run_queue_s = METRICS_UNKNOWN;
	out->rss = out->pss = out->heap_live = out->heap_limit = METRICS_UNKNOWN;
	out->external = out->memory_limit = out->memory_percent = METRICS_UNKNOWN;
	out->allocated_per_s = out->freed_per_s = METRICS_UNKNOWN;
	out->minor_faults_per_s = out->major_faults_per_s = METRICS_UNKNOWN;
	out->read_per_s = out->write_per_s = METRICS_UNKNOWN;
	metrics_strain_init(&out->strain);
	metrics_strain_init(&out->whole);
	out->io_wait_percent = METRICS_UNKNOWN;
	out->window_ms = METRICS_UNKNOWN;
	out->collected = out->served =
		(struct metrics_stops){ METRICS_UNKNOWN, METRICS_UNKNOWN, METRICS_UNKNOWN,
					METRICS_UNKNOWN, METRICS_UNKNOWN, METRICS_UNKNOWN,
					METRICS_UNKNOWN };
}

static double processes_rate(double first, double last, double seconds)
{
	if (first < 0 || last < first)
		return METRICS_UNKNOWN;
	return (last - first) / seconds;
}

static void processes_strain(const struct means *means, const struct means_sample *first,
			     const struct means_sample *last, struct metrics_process *out)
{
	static const struct means_sample nothing;
	uint32_t us = means_shortest_us(means, first->time_ns, last->time_ns);
	uint32_t longest_us = means_delay_us(means, first->time_ns, last->time_ns);

	strains_between(&nothing, last, &out->whole);
	if (last->time_ns <= first->time_ns)
		return;
	strains_between(first, last, &out->strain);
	if (us)
		out->strain.shortest_ms = us / 1e3;
	if (out->strain.arrivals > 0)
		out->strain.longest_ms = longest_us / 1e3;
	if (out->strain.wait_ms >= 0)
		out->io_wait_percent =
			1e8 * out->strain.wait_ms / (double)(last->time_ns - first->time_ns);
}

static void processes_levels(const struct means_sample *last, struct metrics_process *out)
{
	out->user_s = (double)last->user_ns / 1e9;
	out->system_s = (double)last->system_ns / 1e9;
	out->run_queue_s = (double)last->wait_ns / 1e9;
	out->rss = last->rss;
	out->pss = last->pss;
	out->heap_live = last->heap_live;
	out->external = last->external;
	out->memory_limit = last->memory_limit;
	out->heap_limit = last->memory_limit;
	out->memory_percent = last->memory_percent;
	out->threads = last->threads;
	memcpy(out->memory_limit_by, last->memory_limit_by, sizeof(last->memory_limit_by));
}

static void processes_rates(const struct means_sample *first, const struct means_sample *last,
			    struct metrics_process *out)
{
	double s = (double)(last->time_ns - first->time_ns) / 1e9;

	out->user_ms = (double)(last->user_ns - first->user_ns) / 1e6;
	out->system_ms = (double)(last->system_ns - first->system_ns) / 1e6;
	out->window_requests = last->requests - first->requests;
	out->window_ms = s * 1e3;
	out->run_queue_ms = (double)(last->wait_ns - first->wait_ns) / 1e6;
	for (int i = 0; i < CAUSES && last->waits_known; i++)
		out->waits_ms[i] = (double)(last->waits_ns[i] - first->waits_ns[i]) / 1e6;
	out->waits_sampled = last->waits_sampled_ns != first->waits_sampled_ns;
	out->core_percent = (out->user_ms + out->system_ms) / 10 / s;
	if (last->cpus > 0)
		out->cpu_percent = out->core_percent / last->cpus;
	if (last->heap_live >= 0) {
		out->allocated_per_s = (double)(last->allocated - first->allocated) / s;
		out->freed_per_s = (double)(last->freed - first->freed) / s;
	}
	out->minor_faults_per_s = (double)(last->minor_faults - first->minor_faults) / s;
	out->major_faults_per_s = (double)(last->major_faults - first->major_faults) / s;
	out->read_per_s = processes_rate(first->read_bytes, last->read_bytes, s);
	out->write_per_s = processes_rate(first->write_bytes, last->write_bytes, s);
}

/*
 * What the totals of its group are to be compared with: those at the window's begin, or the first
 * in it, where the process or its quota is younger. NULL: none.
 */
static const struct cgroup_throttle *processes_throttle_first(const struct means *means,
							      const struct means_sample *first,
							      const struct means_sample *last)
{
	const struct means_sample *sample = means->fine.samples;

	if (first->throttle.group == last->throttle.group)
		return &first->throttle;
	for (uint32_t i = 0; i < means->fine.count; i++)
		if (sample[i].time_ns > first->time_ns &&
		    sample[i].throttle.group == last->throttle.group)
			return &sample[i].throttle;
	return NULL;
}

static void processes_throttle(const struct means *means, const struct means_sample *first,
			       const struct means_sample *last, struct metrics_process *out)
{
	const struct cgroup_throttle *now = &last->throttle, *then;

	then = now->group ? processes_throttle_first(means, first, last) : NULL;
	/* A group of that name that was made again counts from 0. */
	if (!then || now->periods <= then->periods || now->throttled < then->throttled ||
	    now->throttled_ns < then->throttled_ns)
		return;
	out->throttled_percent = 100 * (double)(now->throttled - then->throttled) /
				 (double)(now->periods - then->periods);
	out->throttled_ms = (double)(now->throttled_ns - then->throttled_ns) / 1e6;
}

static void processes_stops(struct metrics_stops *out, const struct runtime_sums *totals)
{
	out->total_count = (double)totals->count;
	out->total_full = (double)totals->full;
	out->total_s = (double)totals->ns / 1e9;
}

/* What its runtime tells, however short the window is. */
static void processes_totals(const struct runtime_state *r, struct metrics_process *out)
{
	out->runtime = r->runtime;
	out->runtime_why = r->why;
	if (r->collections)
		processes_stops(&out->collected, &r->collected);
	if (r->statements)
		processes_stops(&out->served, &r->served);
	if (!r->full)
		out->collected.total_full = METRICS_UNKNOWN;
	out->served.total_full = METRICS_UNKNOWN;
}

/* And in the window, between two samples. */
static void processes_runtime(const struct process *process, const struct means_sample *first,
			      const struct means_sample *last, struct metrics_process *out)
{
	const struct runtime_state *r = &process->runtime;
	struct metrics_stops *c = &out->collected, *s = &out->served;
	float collected_max_ms, served_max_ms;

	means_longest(&process->means, first->time_ns, last->time_ns, &collected_max_ms,
		      &served_max_ms);
	if (r->collections) {
		c->count = last->collected - first->collected;
		c->ms = (double)(last->collected_ns - first->collected_ns) / 1e6;
		c->max_ms = collected_max_ms;
	}
	if (r->collections && r->full)
		c->full = last->collected_full - first->collected_full;
	if (!r->statements)
		return;
	s->count = (double)(last->served - first->served);
	s->ms = (double)(last->served_ns - first->served_ns) / 1e6;
	s->max_ms = served_max_ms;
}

void query_process_fill(const struct metrics *m, const struct metrics_scope *scope,
			const struct process *process, struct metrics_process *out)
{
	uint64_t to_ns = scope->to_ns ? scope->to_ns : UINT64_MAX;
	struct means_sample first, last;

	memset(out, 0, sizeof(*out));
	processes_unknown(out);
	out->target = process->now.target;
	out->alive = !process->now.gone_ns;
	out->seen_ns = process->now.seen_ns;
	out->gone_ns = process->now.gone_ns;
	out->ledger = process->now.ledger;
	if (process->reading.rings)
		out->ledger.unseen |= RS_UNSEEN_IO_URING;
	out->totals = process->now.totals;
	out->strain_known = process->strain.known;
	out->killed_ns = process->killed_ns;
	processes_totals(&process->runtime, out);
	if (means_window(&process->means, scope->from_ns, to_ns, &first, &last)) {
		if (last.ended) /* its last ones are drained after its end */
			last.requests = process->now.totals.requests;
		processes_levels(&last, out);
		if (runtime_maps_heap(out->runtime))
			out->heap_live = METRICS_UNKNOWN;
		if (last.time_ns > first.time_ns) {
			processes_rates(&first, &last, out);
			processes_runtime(process, &first, &last, out);
		}
		processes_throttle(&process->means, &first, &last, out);
		processes_strain(&process->means, &first, &last, out);
	}
	out->cpu_level = processes_cpu_level(&m->limits, out->cpu_percent);
	out->memory_level = processes_memory_level(&m->limits, out->memory_percent);
}

int metrics_process_list(struct metrics *m, const struct metrics_scope *scope,
			 struct metrics_process **rows)
{
	struct query_rows list = { .size = sizeof(**rows) };

	pthread_mutex_lock(&m->lock);
	for (const struct process *p = m->registry.processes; p; p = p->next) {
		struct metrics_process *row;

		if (!query_has_process(scope, p))
			continue;
		row = query_row_add(&list);
		if (!row) {
			pthread_mutex_unlock(&m->lock);
			free(list.rows);
			*rows = NULL;
			return -ENOMEM;
		}
		query_process_fill(m, scope, p, row);
	}
	pthread_mutex_unlock(&m->lock);
	*rows = list.rows;
	return list.count;
}
