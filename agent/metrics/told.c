/*
 * told - what is told of a process between two of its samples: kept until the next one takes it.
 *
 * Threads:  the worker's main thread, under the lock.
 * Memory:   none.
 * Errors:   what is told of a process that is not linked yet comes again in a second.
 */
#include "registry.h"

/* Of another watch, which began at 0: it is of the other kind, or less in all. */
static bool told_waits_anew(const struct cause_waits *then, const struct cause_waits *now)
{
	uint64_t before = 0, sum = 0;

	for (int i = 0; i < CAUSES; i++) {
		before += then->ns[i];
		sum += now->ns[i];
	}
	return now->sampled != then->sampled || sum < before;
}

void metrics_waits_put(struct metrics *m, uint64_t key, const struct cause_waits *waits)
{
	struct process *process;

	pthread_mutex_lock(&m->lock);
	process = registry_linked(&m->registry, key);
	if (process && told_waits_anew(&process->waits, waits))
		process->waits = (struct cause_waits){ .sampled = waits->sampled };
	for (int i = 0; process && i < CAUSES; i++) {
		uint64_t more = 0;

		if (waits->ns[i] > process->waits.ns[i]) /* it is read while it is written */
			more = waits->ns[i] - process->waits.ns[i];
		process->waits.ns[i] += more;
		process->waits_ns[i] += more;
		process->waits_sampled_ns += waits->sampled ? more : 0;
		if (i == CAUSE_DISK && !waits->sampled)
			process->each_disk_ns += more;
	}
	if (process)
		process->waits_known = true;
	pthread_mutex_unlock(&m->lock);
}

void metrics_strain_put(struct metrics *m, uint64_t key, const struct strain *strain)
{
	struct process *process;

	pthread_mutex_lock(&m->lock);
	process = registry_linked(&m->registry, key);
	if (process) {
		uint32_t before_us = process->strain.shortest_us;
		uint32_t longest_us = process->strain.longest_us;

		process->strain = *strain;
		if (before_us && (!strain->shortest_us || before_us < strain->shortest_us))
			process->strain.shortest_us = before_us;
		if (longest_us > strain->longest_us)
			process->strain.longest_us = longest_us;
	}
	pthread_mutex_unlock(&m->lock);
}

static uint64_t told_longest(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void metrics_runtime_put(struct metrics *m, uint64_t key, const struct runtime_state *state)
{
	struct process *process;

	pthread_mutex_lock(&m->lock);
	process = registry_linked(&m->registry, key);
	if (process) {
		struct runtime_state *r = &process->runtime;
		uint64_t collected = told_longest(r->collected.max_ns, state->collected.max_ns);
		uint64_t served = told_longest(r->served.max_ns, state->served.max_ns);

		*r = *state;
		r->collected.max_ns = collected;
		r->served.max_ns = served;
	}
	pthread_mutex_unlock(&m->lock);
}

void metrics_reading_put(struct metrics *m, uint64_t key, const struct metrics_reading *reading)
{
	struct process *process;

	pthread_mutex_lock(&m->lock);
	process = registry_linked(&m->registry, key);
	if (process)
		process->reading = *reading;
	pthread_mutex_unlock(&m->lock);
}
