/*
 * document_performance - the guide's document: times, throughput, status, memory, CPU, capture.
 */
#include "site.h"

#include <errno.h>
#include <stdlib.h>

#define PERFORMANCE_MINUTE 60.0

struct performance {
	const struct question *q;
	struct metrics_window window;
	struct metrics_system system;
	struct metrics_incidents incidents;
	struct metrics_process *processes;
	int count;
	struct metrics_thread threads[METRICS_THREADS]; /* of the one process asked for */
	int thread_count;
};

/* A sum of what is known; METRICS_UNKNOWN where nothing is. */
static void performance_add(double *sum, double value)
{
	if (value < 0)
		return;
	*sum = (*sum < 0 ? 0 : *sum) + value;
}

static double performance_minutes(const struct performance *p)
{
	/* A mean per minute needs a minute asked for; an agent younger than it has its own life. */
	if (p->q->ask.asked_s < 60 || !p->window.span_s)
		return 0;
	return (double)p->window.span_s / PERFORMANCE_MINUTE;
}

static double performance_per_minute(const struct performance *p, uint64_t value)
{
	double minutes = performance_minutes(p);

	return minutes > 0 ? (double)value / minutes : METRICS_UNKNOWN;
}

static double performance_per_second(const struct performance *p, uint64_t value)
{
	return p->window.span_s ? (double)value / (double)p->window.span_s : METRICS_UNKNOWN;
}

static double performance_mean_ms(const struct metrics_sums *sums)
{
	return sums->count ? DOCUMENT_MS(sums->span_ns) / (double)sums->count : METRICS_UNKNOWN;
}

static void performance_times(const struct performance *p, struct json *j)
{
	static const char *const ranks[METRICS_RANKS] = { "p50", "p90", "p95", "p99", "p999" };
	const struct metrics_sums *sums = &p->window.sums;
	bool measured = sums->min_ns <= sums->max_ns;

	json_object_begin(j, "responseTimes");
	json_uint(j, "count", sums->count);
	json_measure(j, "avg", performance_mean_ms(sums));
	json_measure(j, "min", measured ? DOCUMENT_MS(sums->min_ns) : METRICS_UNKNOWN);
	for (int i = 0; i < METRICS_RANKS; i++)
		document_measure_ms(j, ranks[i], p->window.percentile_ns[i]);
	json_measure(j, "slowest", measured ? DOCUMENT_MS(sums->max_ns) : METRICS_UNKNOWN);
	json_object_begin(j, "slow");
	json_uint(j, "warning", sums->slow_warning);
	json_uint(j, "critical", sums->slow_critical);
	json_object_end(j);
	json_object_end(j);
}

static void performance_throughput(const struct performance *p, struct json *j)
{
	const struct metrics_sums *sums = &p->window.sums;
	bool minutes = performance_minutes(p) > 0;

	json_object_begin(j, "throughput");
	json_measure(j, "requestsPerMinute", performance_per_minute(p, sums->count));
	json_measure(j, "errorsPerMinute", performance_per_minute(p, sums->errors));
	json_measure(j, "avgResponseTimePerMinute",
		     minutes ? performance_mean_ms(sums) : METRICS_UNKNOWN);
	json_measure(j, "errorRate",
		     sums->count ? 100.0 * (double)sums->errors / (double)sums->count
				 : METRICS_UNKNOWN);
	json_uint(j, "inFlight", p->window.in_flight);
	json_measure(j, "bytesInPerSecond", performance_per_second(p, sums->bytes_in));
	json_measure(j, "bytesOutPerSecond", performance_per_second(p, sums->bytes_out));
	if (p->window.peak_per_minute < 0) {
		json_null(j, "peak");
	} else {
		json_object_begin(j, "peak");
		json_double(j, "requestsPerMinute", p->window.peak_per_minute);
		json_time(j, "at", p->window.peak_at_ms);
		json_object_end(j);
	}
	json_object_end(j);
}

static void performance_status(const struct performance *p, struct json *j)
{
	static const char *const classes[RS_STATUS_CLASSES] = { "1xx", "2xx", "3xx", "4xx", "5xx" };
	const struct metrics_sums *sums = &p->window.sums;

	json_object_begin(j, "status");
	for (unsigned int i = 0; i < RS_STATUS_CLASSES; i++)
		json_uint(j, classes[i], sums->status[i]);
	json_uint(j, "aborted", sums->aborted);
	json_object_end(j);
	json_object_begin(j, "incomplete");
	json_uint(j, "byServer", sums->cut_by_server);
	json_uint(j, "byClient", sums->cut_by_client);
	json_object_end(j);
}

/* The process that is worst off; NULL: nothing is known of any. */
static const struct metrics_process *performance_worst(const struct performance *p, bool memory)
{
	const struct metrics_process *worst = NULL;
	double most = -1;

	for (int i = 0; i < p->count; i++) {
		const struct metrics_process *process = &p->processes[i];
		double value = memory ? process->memory_percent : process->cpu_percent;

		if (!process->alive || value <= most)
			continue;
		most = value;
		worst = process;
	}
	return worst;
}

static void performance_worst_put(const struct metrics_process *worst, struct json *j)
{
	if (!worst) {
		json_null(j, "worst");
		return;
	}
	json_object_begin(j, "worst");
	json_int(j, "pid", worst->target.pid);
	json_string(j, "service", worst->target.service);
	json_object_end(j);
}

/* Stops of all processes; the share is that of the one which stood still the longest part. */
struct performance_stops {
	double count, full, ms, max_ms, percent;
};

static void performance_stop(struct performance_stops *sum, const struct metrics_process *p,
			     const struct metrics_stops *stops)
{
	double percent = stops->ms >= 0 && p->window_ms > 0 ? 100 * stops->ms / p->window_ms
							    : METRICS_UNKNOWN;

	performance_add(&sum->count, stops->count);
	performance_add(&sum->full, stops->full);
	performance_add(&sum->ms, stops->ms);
	sum->max_ms = stops->max_ms > sum->max_ms ? stops->max_ms : sum->max_ms;
	sum->percent = percent > sum->percent ? percent : sum->percent;
}

static struct performance_stops performance_stops_of(const struct performance *p, bool statements)
{
	struct performance_stops sum = { METRICS_UNKNOWN, METRICS_UNKNOWN, METRICS_UNKNOWN,
					 METRICS_UNKNOWN, METRICS_UNKNOWN };

	for (int i = 0; i < p->count; i++) /* of those that have ended, too */
		performance_stop(&sum, &p->processes[i],
				 statements ? &p->processes[i].served : &p->processes[i].collected);
	return sum;
}

/* Why none of them tells its collections: the first that lives has the word. */
static const char *performance_gc_reason(const struct performance *p)
{
	for (int i = 0; i < p->count; i++) {
		const struct metrics_process *process = &p->processes[i];

		if (!process->alive)
			continue;
		if (process->runtime_why != RUNTIME_ATTACHED)
			return runtime_why_text(process->runtime_why);
		return process->served.count >= 0 ? "it has no collector of garbage"
						  : "it was attached just now";
	}
	return "no process is watched";
}

static void performance_gc(const struct performance *p, struct json *j)
{
	struct performance_stops sum = performance_stops_of(p, false);

	if (sum.count < 0) {
		json_null(j, "gc");
		json_string(j, "gcReason", performance_gc_reason(p));
		return;
	}
	json_object_begin(j, "gc");
	json_double(j, "count", sum.count);
	json_measure(j, "full", sum.full);
	json_measure(j, "pauseMs", sum.ms);
	json_measure(j, "pausePercent", sum.percent);
	json_measure(j, "perMinute", performance_per_minute(p, (uint64_t)sum.count));
	json_measure(j, "maxPauseMs", sum.count > 0 ? sum.max_ms : METRICS_UNKNOWN);
	json_object_end(j);
	json_null(j, "gcReason");
}

/* Of a database server that says when it begins and ends a statement. */
static void performance_statements(const struct performance *p, struct json *j)
{
	struct performance_stops sum = performance_stops_of(p, true);

	if (sum.count < 0) {
		json_null(j, "statements");
		return;
	}
	json_object_begin(j, "statements");
	json_double(j, "count", sum.count);
	json_measure(j, "perMinute", performance_per_minute(p, (uint64_t)sum.count));
	json_measure(j, "totalMs", sum.ms);
	json_measure(j, "avgMs", sum.count > 0 ? sum.ms / sum.count : METRICS_UNKNOWN);
	json_measure(j, "maxMs", sum.count > 0 ? sum.max_ms : METRICS_UNKNOWN);
	json_object_end(j);
}

static void performance_memory(const struct performance *p, struct json *j)
{
	const struct metrics_process *worst = performance_worst(p, true);
	double heap = METRICS_UNKNOWN, limit = METRICS_UNKNOWN, external = METRICS_UNKNOWN;
	double rss = METRICS_UNKNOWN, allocated = METRICS_UNKNOWN;

	for (int i = 0; i < p->count; i++) {
		const struct metrics_process *process = &p->processes[i];

		if (!process->alive)
			continue;
		performance_add(&heap, process->heap_live);
		performance_add(&limit, process->heap_limit);
		performance_add(&external, process->external);
		performance_add(&rss, process->rss);
		performance_add(&allocated, process->allocated_per_s);
	}
	json_object_begin(j, "memory");
	json_measure(j, "heapUsed", heap);
	json_measure(j, "heapLimit", limit);
	json_measure(j, "external", external);
	json_measure(j, "rss", rss);
	json_measure(j, "usagePercent", worst ? worst->memory_percent : METRICS_UNKNOWN);
	json_measure(j, "allocatedPerSecond", allocated);
	json_string(j, "level", worst ? document_level(worst->memory_level) : NULL);
	performance_worst_put(worst, j);
	performance_gc(p, j);
	json_object_end(j);
}

/* Where its threads were while they were off the processor. */
static void performance_off_cpu(const struct performance *p, struct json *j)
{
	static const char *const names[CAUSES] = { "socketMs", "diskMs",  "lockMs",
						   "sleepMs",  "otherMs", "runQueueMs" };

	bool known = false, sampled = false;

	json_object_begin(j, "offCpu");
	for (int cause = 0; cause < CAUSES; cause++) {
		double sum = METRICS_UNKNOWN;

		for (int i = 0; i < p->count; i++)
			performance_add(&sum, p->processes[i].waits_ms[cause]);
		json_measure(j, names[cause], sum);
	}
	for (int i = 0; i < p->count; i++) {
		known = known || p->processes[i].waits_ms[CAUSE_OTHER] >= 0;
		sampled = sampled || p->processes[i].waits_sampled;
	}
	if (known)
		json_bool(j, "sampled", sampled);
	else
		json_null(j, "sampled");
	json_object_end(j);
}

/* Processes of one group tell the same: what is told is of the group that was throttled most. */
static void performance_throttled(const struct performance *p, struct json *j)
{
	double percent = METRICS_UNKNOWN, ms = METRICS_UNKNOWN;

	for (int i = 0; i < p->count; i++) {
		const struct metrics_process *process = &p->processes[i];

		percent =
			process->throttled_percent > percent ? process->throttled_percent : percent;
		ms = process->throttled_ms > ms ? process->throttled_ms : ms;
	}
	json_measure(j, "throttledPercent", percent);
	json_measure(j, "throttledMs", ms);
}

static double performance_ms(double seconds)
{
	return seconds < 0 ? METRICS_UNKNOWN : seconds * 1e3;
}

/* Of one process that was asked for by its pid. */
static void performance_threads(const struct performance *p, struct json *j)
{
	if (p->thread_count <= 0) {
		json_null(j, "threads");
		return;
	}
	json_array_begin(j, "threads");
	for (int i = 0; i < p->thread_count; i++) {
		const struct metrics_thread *thread = &p->threads[i];

		json_object_begin(j, NULL);
		json_int(j, "tid", thread->tid);
		json_string(j, "name", thread->name);
		json_measure(j, "processPercent", thread->core_percent);
		json_double(j, "cpuMs", thread->cpu_s * 1e3);
		json_measure(j, "userMs", performance_ms(thread->user_s));
		json_measure(j, "systemMs", performance_ms(thread->system_s));
		json_double(j, "runQueueWaitMs", thread->run_queue_s * 1e3);
		json_object_end(j);
	}
	json_array_end(j);
}

static void performance_cpu(const struct performance *p, struct json *j)
{
	const struct metrics_process *worst = performance_worst(p, false);
	double user = METRICS_UNKNOWN, system = METRICS_UNKNOWN, core = METRICS_UNKNOWN;
	double waited = METRICS_UNKNOWN;

	for (int i = 0; i < p->count; i++) {
		const struct metrics_process *process = &p->processes[i];

		/* What a process that has ended since used belongs to the window too. */
		performance_add(&user, process->user_ms);
		performance_add(&system, process->system_ms);
		performance_add(&waited, process->run_queue_ms);
		if (process->alive)
			performance_add(&core, process->core_percent);
	}
	json_object_begin(j, "cpu");
	json_measure(j, "userMs", user);
	json_measure(j, "systemMs", system);
	json_measure(j, "usagePercent", worst ? worst->cpu_percent : METRICS_UNKNOWN);
	json_measure(j, "processPercent", core);
	performance_throttled(p, j);
	json_measure(j, "runQueueWaitMs", waited);
	performance_off_cpu(p, j);
	performance_threads(p, j);
	json_string(j, "level", worst ? document_level(worst->cpu_level) : NULL);
	performance_worst_put(worst, j);
	json_object_end(j);
}

/* Of all that the window knows, those too that ended in it. */
static void performance_strain(const struct performance *p, struct json *j)
{
	struct document_strain sum = { .incidents = p->incidents,
				       .of_process = p->q->ask.scope.pid != 0 };

	document_strain_init(&sum);
	for (int i = 0; i < p->count; i++)
		document_strain_add(&sum, &p->processes[i]);
	document_strain_put(&sum, j);
}

static void performance_system(const struct performance *p, struct json *j)
{
	json_object_begin(j, "system");
	json_measure(j, "memoryUsedPercent", p->system.memory_used_percent);
	json_measure(j, "cpuPercent", p->system.cpu_percent);
	json_measure(j, "load1", p->system.load1);
	json_object_begin(j, "pressure");
	json_measure(j, "cpu", p->system.pressure_cpu);
	json_measure(j, "memory", p->system.pressure_memory);
	json_measure(j, "io", p->system.pressure_io);
	json_object_end(j);
	json_object_end(j);
}

static void performance_capture(const struct performance *p, struct json *j)
{
	const struct metrics_sums *sums = &p->window.sums;
	double detailed = (double)(sums->recorded + sums->folded);
	double all = (double)sums->count + (double)sums->unparsed;

	if (p->q->ask.scope.route) /* it is counted by its records alone */
		all += (double)sums->dropped;
	json_object_begin(j, "capture");
	json_uint(j, "seen", sums->count);
	json_uint(j, "recorded", sums->recorded);
	json_uint(j, "folded", sums->folded);
	json_uint(j, "detailDropped", sums->dropped);
	json_uint(j, "unparsed", sums->unparsed);
	json_uint(j, "gap", sums->gap);
	json_double(j, "completeness", all > 0 && detailed < all ? 100 * detailed / all : 100);
	json_object_end(j);
}

void document_window_put(const struct question *q, const struct metrics_window *window,
			 struct json *j)
{
	const struct performance p = { .q = q, .window = *window };

	performance_times(&p, j);
	performance_throughput(&p, j);
	performance_status(&p, j);
	performance_capture(&p, j);
}

static void performance_processes(const struct performance *p, struct json *j)
{
	json_array_begin(j, "processes");
	for (int i = 0; i < p->count; i++) {
		const struct capture_target *target = &p->processes[i].target;

		if (!p->processes[i].alive)
			continue;
		json_object_begin(j, NULL);
		json_int(j, "pid", target->pid);
		json_string(j, "service", target->service);
		json_time(j, "startedAt", target->started_ms);
		json_array_begin(j, "layers");
		if (!target->bare)
			json_string(j, NULL, "preload");
		if (target->kernel)
			json_string(j, NULL, "ebpf");
		json_array_end(j);
		json_object_end(j);
	}
	json_array_end(j);
}

/* Whole seconds of the agent, or of the oldest process asked for. */
static int64_t performance_uptime(const struct performance *p)
{
	const struct request *r = p->q->request;
	int64_t oldest = r->wall_ms;

	if (!p->q->ask.scope.pid && !p->q->ask.scope.service)
		return (int64_t)((r->now_ns - p->q->site->started_ns) / UINT64_C(1000000000));
	for (int i = 0; i < p->count; i++) {
		if (p->processes[i].alive && p->processes[i].target.started_ms < oldest)
			oldest = p->processes[i].target.started_ms;
	}
	return (r->wall_ms - oldest) / 1000;
}

int document_performance(const struct question *q, struct json *j)
{
	struct performance p = { .q = q };
	struct metrics_scope processes = q->ask.scope;
	int ret = metrics_window_get(q->site->metrics, &q->ask.scope, &p.window);

	if (ret)
		return document_refuse(q, ret);
	processes.route = NULL; /* the processes of a route are those of its service */
	p.count = metrics_process_list(q->site->metrics, &processes, &p.processes);
	if (p.count < 0)
		return document_refuse(q, p.count);
	metrics_system_get(q->site->metrics, &p.system);
	metrics_incidents_get(q->site->metrics, &processes, &p.incidents);
	if (processes.pid)
		p.thread_count = metrics_threads(q->site->metrics, processes.pid, p.threads);

	json_object_begin(j, NULL);
	json_time(j, "timestamp", q->request->wall_ms);
	json_int(j, "uptime", performance_uptime(&p));
	document_range(q, j);
	json_uint(j, "coveredSeconds", p.window.span_s);
	performance_times(&p, j);
	performance_throughput(&p, j);
	performance_status(&p, j);
	performance_memory(&p, j);
	performance_cpu(&p, j);
	performance_statements(&p, j);
	performance_strain(&p, j);
	performance_system(&p, j);
	performance_capture(&p, j);
	performance_processes(&p, j);
	json_object_end(j);
	free(p.processes);
	return 0;
}
