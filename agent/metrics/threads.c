#include "threads.h"

#include "registry.h"

#include <errno.h>
#include <string.h>

static struct metrics_thread threads_row(const struct procfs_thread *seen, uint64_t span_ns)
{
	struct metrics_thread row = { .tid = seen->tid,
				      .core_percent = METRICS_UNKNOWN,
				      .cpu_s = (double)seen->run_ns / 1e9,
				      .run_queue_s = (double)seen->wait_ns / 1e9,
				      .user_s = METRICS_UNKNOWN,
				      .system_s = METRICS_UNKNOWN };

	memcpy(row.name, seen->name, sizeof(row.name));
	if (seen->looks && span_ns)
		row.core_percent = 100 * (double)(seen->run_ns - seen->before_ns) / (double)span_ns;
	return row;
}

static bool threads_busier(const struct metrics_thread *a, const struct metrics_thread *b)
{
	return a->core_percent != b->core_percent ? a->core_percent > b->core_percent
						  : a->cpu_s > b->cpu_s;
}

/* Where it belongs among those that are busier; the last one makes room. */
static void threads_put(struct threads *t, const struct metrics_thread *row)
{
	int at = t->count;

	while (at > 0 && threads_busier(row, &t->rows[at - 1]))
		at--;
	if (at == METRICS_THREADS)
		return;
	t->count += t->count < METRICS_THREADS;
	memmove(t->rows + at + 1, t->rows + at, (size_t)(t->count - 1 - at) * sizeof(*row));
	t->rows[at] = *row;
}

void threads_take(struct threads *t, const struct procfs_threads *seen, uint64_t now_ns)
{
	uint64_t span_ns = t->looked_ns ? now_ns - t->looked_ns : 0;

	t->looked_ns = now_ns;
	t->count = 0;
	for (uint32_t i = 0; i < seen->count; i++) {
		struct metrics_thread row = threads_row(&seen->seen[i], span_ns);

		threads_put(t, &row);
	}
}

/* By its ticks, which are read as somebody asks: each second for all would be dear. */
static void threads_split(const char *root, int32_t pid, struct metrics_thread *row)
{
	uint64_t user_ns, system_ns;

	if (procfs_thread_times(root, pid, row->tid, &user_ns, &system_ns) ||
	    !(user_ns + system_ns))
		return;
	row->user_s = row->cpu_s * (double)user_ns / (double)(user_ns + system_ns);
	row->system_s = row->cpu_s - row->user_s;
}

int metrics_threads(struct metrics *m, int32_t pid, struct metrics_thread out[METRICS_THREADS])
{
	int count = -ENOENT;

	pthread_mutex_lock(&m->lock);
	for (const struct process *p = m->registry.processes; p && count < 0; p = p->next) {
		if (p->now.gone_ns || p->now.target.pid != pid)
			continue;
		count = p->busiest.count;
		memcpy(out, p->busiest.rows, sizeof(p->busiest.rows));
	}
	pthread_mutex_unlock(&m->lock);
	for (int i = 0; i < count; i++)
		threads_split(m->root, pid, &out[i]);
	return count;
}
