/*
 * sample - one look at /proc for every live process and the machine.
 *
 * Threads:  metrics_sample on one thread; it reads files without the lock and books under it.
 * Memory:   what it remembers from look to look belongs to it alone.
 * Errors:   a process that ended meanwhile is left out.
 */
#include "cgroup.h"
#include "machine.h"
#include "query.h"

#include <errno.h>
#include <ringside/segment.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SAMPLE_LIMITS_EVERY 10u /* looks: limits change by hand, CPU and memory by themselves */

#define SAMPLE_END_LOOKS 3u /* for a process that ended before it was known */

/* One process of a look, taken out of the registry for its length. */
struct sample_job {
	uint64_t key, start_ticks;
	int32_t pid;
	struct procfs_threads *threads;
	struct procfs_process process;
	struct procfs_limits limits;
	struct cgroup_limits cgroup;
	struct cgroup_throttle throttle;
	bool ok;
};

/* Limits by process, kept between the looks that read them. */
struct sample_known {
	uint64_t key;
	struct procfs_limits limits;
	struct cgroup_limits cgroup;
};

struct sampler {
	struct cgroup_mounts mounts;
	struct machine machine;
	uint32_t looks;
	struct sample_known *known;
	uint32_t known_count;
	bool delays; /* the kernel counts what threads wait for disks */
};

void metrics_sampler_free(void *sampler)
{
	struct sampler *s = sampler;

	if (s)
		free(s->known);
	free(s);
}

int64_t metrics_wall_offset_ms(void)
{
	struct timespec wall, steady;

	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_MONOTONIC, &steady);
	return (wall.tv_sec - steady.tv_sec) * 1000 + (wall.tv_nsec - steady.tv_nsec) / 1000000;
}

uint64_t metrics_boot_ticks(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 100 + (uint64_t)now.tv_nsec / 10000000;
}

/* The live processes, with what is remembered of their threads. */
static struct sample_job *sample_jobs_take(struct metrics *m, uint32_t *count)
{
	struct query_rows list = { .size = sizeof(struct sample_job) };

	pthread_mutex_lock(&m->lock);
	for (struct process *p = m->registry.processes; p; p = p->next) {
		struct sample_job *job = p->now.gone_ns ? NULL : query_row_add(&list);

		if (!job)
			continue;
		job->key = p->now.target.key;
		job->pid = p->now.target.pid;
		job->start_ticks = p->now.target.start_ticks;
		job->threads = p->threads;
		p->threads = NULL;
	}
	pthread_mutex_unlock(&m->lock);
	*count = (uint32_t)list.count;
	return list.rows;
}

static const struct sample_known *sample_known_find(const struct sampler *s, uint64_t key)
{
	for (uint32_t i = 0; i < s->known_count; i++) {
		if (s->known[i].key == key)
			return &s->known[i];
	}
	return NULL;
}

static void sample_limits(const struct metrics *m, const struct sampler *s, struct sample_job *job)
{
	const struct sample_known *known = sample_known_find(s, job->key);

	if (known && s->looks % SAMPLE_LIMITS_EVERY) {
		job->limits = known->limits;
		job->cgroup = known->cgroup;
		return;
	}
	if (procfs_limits_read(m->root, job->pid, &job->limits) < 0)
		job->limits = (struct procfs_limits){ PROCFS_NONE, PROCFS_NONE };
	if (cgroup_limits_read(m->root, &s->mounts, job->pid, &job->cgroup) < 0)
		job->cgroup = (struct cgroup_limits){ .memory_limit = CGROUP_NONE, .cpus = -1 };
}

static void sample_read(const struct metrics *m, const struct sampler *s, struct sample_job *job)
{
	if (!job->threads)
		job->threads = calloc(1, sizeof(*job->threads));
	if (!job->threads || procfs_process_read(m->root, job->pid, &job->process) < 0)
		return;
	/* Another process has this pid by now. */
	if (job->start_ticks && job->process.start_ticks != job->start_ticks)
		return;
	job->threads->delays = s->delays;
	procfs_threads_read(job->threads, m->root, job->pid,
			    job->process.user_ns + job->process.system_ns);
	sample_limits(m, s, job);
	cgroup_throttle_read(m->root, &job->cgroup, &job->throttle);
	job->ok = true;
}

static void sample_nearer(struct means_sample *out, double used, double limit, const char *by)
{
	if (limit <= 0 || used * 100 / limit <= out->memory_percent)
		return;
	out->memory_percent = used * 100 / limit;
	out->memory_limit = limit;
	memset(out->memory_limit_by, 0, sizeof(out->memory_limit_by));
	strncpy(out->memory_limit_by, by, sizeof(out->memory_limit_by) - 1);
}

/* The nearest limit is the one of which the largest share is used. */
static void sample_memory(const struct sampler *s, const struct sample_job *job,
			  struct means_sample *out)
{
	double rss = (double)job->process.rss;

	out->memory_limit = out->memory_percent = METRICS_UNKNOWN;
	out->rss = rss;
	if (job->cgroup.memory_limit != CGROUP_NONE)
		sample_nearer(out, (double)job->cgroup.memory_used,
			      (double)job->cgroup.memory_limit, "cgroup");
	if (job->limits.address_space != PROCFS_NONE)
		sample_nearer(out, (double)job->process.virtual, (double)job->limits.address_space,
			      "rlimit");
	if (job->limits.data != PROCFS_NONE)
		sample_nearer(out, (double)job->process.data, (double)job->limits.data, "rlimit");
	sample_nearer(out, rss, s->machine.memory_total, "machine");
}

static double sample_cpus(const struct sampler *s, const struct sample_job *job)
{
	double cpus = s->machine.cpus;

	if (job->process.cpus && (cpus <= 0 || job->process.cpus < cpus))
		cpus = job->process.cpus;
	if (job->cgroup.cpus > 0 && (cpus <= 0 || job->cgroup.cpus < cpus))
		cpus = job->cgroup.cpus;
	return cpus > 0 ? cpus : METRICS_UNKNOWN;
}

/* Nanoseconds of the whole, shared out as the kernel's ticks are; neither part goes back. */
static void sample_cpu(uint64_t total, uint64_t user_ns, uint64_t system_ns,
		       const struct means_sample *before, struct means_sample *out)
{
	uint64_t steps = user_ns + system_ns,
		 old = before ? before->user_ns + before->system_ns : 0;
	double share = steps ? (double)user_ns / (double)steps : 1;

	if (total < old)
		total = old;
	out->user_ns = (uint64_t)((double)total * share);
	if (before && out->user_ns < before->user_ns)
		out->user_ns = before->user_ns;
	if (before && total - before->system_ns < out->user_ns)
		out->user_ns = total - before->system_ns;
	out->system_ns = total > out->user_ns ? total - out->user_ns : 0;
}

/* Known by the wall clock: that, too, only while it is not set. */
static void sample_begin(const struct metrics *m, struct process *process)
{
	int64_t begin_ms = process->now.target.started_ms - m->wall_offset_ms;

	if (!process->means.begin_ns && process->now.target.started_ms && begin_ms > 0)
		process->means.begin_ns = (uint64_t)begin_ms * 1000000;
}

static float sample_ms(uint64_t ns)
{
	return (float)((double)ns / 1e6);
}

static float sample_longer(float a, float b)
{
	return a > b ? a : b;
}

/* What it was told has been taken into this sample: the next one's longest is of its own time. */
static void sample_runtime(struct runtime_state *r, struct means_sample *out)
{
	out->collected = (uint32_t)r->collected.count;
	out->collected_full = (uint32_t)r->collected.full;
	out->collected_ns = r->collected.ns;
	out->served = r->served.count;
	out->served_ns = r->served.ns;
	out->collected_max_ms =
		sample_longer(out->collected_max_ms, sample_ms(r->collected.max_ns));
	out->served_max_ms = sample_longer(out->served_max_ms, sample_ms(r->served.max_ns));
	r->collected.max_ns = r->served.max_ns = 0;
}

static void sample_book(struct metrics *m, const struct sampler *s, const struct sample_job *job,
			struct process *process, uint64_t now_ns)
{
	const struct means_tier *fine = &process->means.fine;
	const struct drain_counters *totals = &process->now.totals;
	const struct metrics_reading *reading = &process->reading;
	struct means_sample sample = { .time_ns = now_ns };
	double anonymous =
		reading->anonymous >= 0 ? reading->anonymous : (double)job->process.anonymous;

	sample_begin(m, process);
	sample_cpu(job->threads->run_ns, job->process.user_ns, job->process.system_ns,
		   fine->count ? &fine->samples[fine->count - 1] : NULL, &sample);
	sample.wait_ns = job->threads->wait_ns;
	sample_memory(s, job, &sample);
	sample.cpus = sample_cpus(s, job);
	sample.throttle = job->throttle;
	sample.minor_faults = job->process.minor_faults;
	sample.major_faults = job->process.major_faults;
	sample.threads = job->process.threads;
	sample.in_flight = (uint32_t)(process->now.gone_ns ? 0 : drain_in_flight(totals));
	sample.pss = reading->pss;
	sample.waits_known = process->waits_known;
	memcpy(sample.waits_ns, process->waits_ns, sizeof(sample.waits_ns));
	sample.waits_sampled_ns = process->waits_sampled_ns;
	sample.each_disk_ns = process->each_disk_ns;
	sample.each_known = process->waits_known && !process->waits.sampled;
	sample_runtime(&process->runtime, &sample);
	sample.read_bytes = reading->read_bytes;
	sample.write_bytes = reading->write_bytes;
	sample.disk_ns = job->threads->disk_ns;
	sample.disk_known = job->threads->delays;
	sample.strain = process->strain;
	process->strain.shortest_us = process->strain.longest_us = 0; /* they are booked now */
	sample.requests = totals->requests;
	sample.allocated = totals->allocated_bytes;
	sample.freed = totals->freed_bytes;
	sample.heap_live = sample.external = METRICS_UNKNOWN;
	if (process->now.target.allocator == RS_ALLOCATOR_SEEN &&
	    totals->allocated_bytes >= totals->freed_bytes) {
		sample.heap_live = (double)(totals->allocated_bytes - totals->freed_bytes);
		sample.external = anonymous > sample.heap_live ? anonymous - sample.heap_live : 0;
	}
	means_put(&process->means, &sample, &m->budget);
}

static void sample_jobs_put(struct metrics *m, const struct sampler *s, struct sample_job *jobs,
			    uint32_t count, uint64_t now_ns)
{
	for (uint32_t i = 0; i < count; i++) {
		struct process *process = registry_linked(&m->registry, jobs[i].key);

		if (process && jobs[i].ok)
			sample_book(m, s, &jobs[i], process, now_ns);
		if (process && jobs[i].ok)
			threads_take(&process->busiest, jobs[i].threads, now_ns);
		if (process && jobs[i].threads) {
			process->threads = jobs[i].threads;
			jobs[i].threads = NULL;
		}
		if (jobs[i].threads)
			procfs_threads_fini(jobs[i].threads);
		free(jobs[i].threads);
	}
}

static void sample_remember(struct sampler *s, const struct sample_job *jobs, uint32_t count)
{
	struct sample_known *known = realloc(s->known, (count ? count : 1) * sizeof(*known));

	s->known_count = 0;
	if (!known)
		return;
	s->known = known;
	for (uint32_t i = 0; i < count; i++) {
		if (jobs[i].ok)
			known[s->known_count++] =
				(struct sample_known){ jobs[i].key, jobs[i].limits,
						       jobs[i].cgroup };
	}
}

static double sample_most(double seen, uint64_t told)
{
	return told != UINT64_MAX && (double)told > seen ? (double)told : seen;
}

/* What the kernel told of its last second. */
static void sample_last(struct means_sample *sample, const struct metrics_end *end)
{
	if (end->major_faults > sample->major_faults)
		sample->major_faults = end->major_faults;
	sample->read_bytes = sample_most(sample->read_bytes, end->read_bytes);
	sample->write_bytes = sample_most(sample->write_bytes, end->write_bytes);
	if (end->strain.known)
		sample->strain = end->strain;
}

/* What else it had is what it was last seen with; a short life was never seen at all. */
static void sample_book_end(struct metrics *m, struct process *process,
			    const struct sample_end *from)
{
	const struct means_tier *fine = &process->means.fine;
	const struct means_sample *before = fine->count ? &fine->samples[fine->count - 1] : NULL;
	struct means_sample sample = { 0 };

	sample_begin(m, process);
	if (before)
		sample = *before;
	else
		sample.read_bytes = sample.write_bytes = sample.rss = sample.pss = sample.cpus =
			sample.heap_live = sample.external = sample.memory_limit =
				sample.memory_percent = METRICS_UNKNOWN;
	sample.time_ns = from->now_ns;
	sample.ended = true;
	sample_last(&sample, &from->end);
	sample.collected_max_ms = sample.served_max_ms = 0; /* of the one before */
	sample_runtime(&process->runtime, &sample);
	sample_cpu(from->end.run_ns, from->end.user_ns, from->end.system_ns, before, &sample);
	means_end(&process->means, &sample, &m->budget);
}

/* A process that only just came is linked at the next merge: its end waits for that. */
static void sample_ends(struct metrics *m)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < m->end_count; i++) {
		struct process *process = registry_linked(&m->registry, m->ends[i].key);

		if (process)
			sample_book_end(m, process, &m->ends[i]);
		else if (m->ends[i].looks++ < SAMPLE_END_LOOKS)
			m->ends[kept++] = m->ends[i];
	}
	m->end_count = kept;
}

void metrics_end_put(struct metrics *m, uint64_t key, const struct metrics_end *end,
		     uint64_t now_ns)
{
	pthread_mutex_lock(&m->lock);
	if (m->end_count < REGISTRY_ENDS)
		m->ends[m->end_count++] = (struct sample_end){ *end, key, now_ns, 0 };
	else
		m->budget.shed++;
	sample_ends(m);
	pthread_mutex_unlock(&m->lock);
}

/* What an administrator changes. */
static void sample_look_around(const struct metrics *m, struct sampler *s)
{
	cgroup_mounts_read(m->root, &s->mounts);
	s->delays = procfs_delays(m->root);
}

void metrics_sample(struct metrics *m, uint64_t now_ns)
{
	struct metrics_system system;
	struct sample_job *jobs;
	struct sampler *s;
	uint32_t count;

	if (!m->sampler)
		m->sampler = calloc(1, sizeof(*s));
	s = m->sampler;
	if (!s)
		return;
	if (!(s->looks % SAMPLE_LIMITS_EVERY))
		sample_look_around(m, s);
	machine_read(&s->machine, m->root, &system);
	jobs = sample_jobs_take(m, &count);
	for (uint32_t i = 0; i < count; i++)
		sample_read(m, s, &jobs[i]);
	pthread_mutex_lock(&m->lock);
	sample_jobs_put(m, s, jobs, count, now_ns);
	sample_ends(m);
	m->system = system;
	if (!m->sampled_s)
		m->sampled_s = registry_second(now_ns);
	m->wall_offset_ms = metrics_wall_offset_ms();
	pthread_mutex_unlock(&m->lock);
	sample_remember(s, jobs, count);
	s->looks++;
	free(jobs);
	atomic_fetch_add_explicit(&m->generation, 1, memory_order_relaxed);
}

void metrics_system_get(struct metrics *m, struct metrics_system *out)
{
	pthread_mutex_lock(&m->lock);
	*out = m->system;
	pthread_mutex_unlock(&m->lock);
}
