/*
 * document_capture - the ledger: what was seen of each process, what was lost of it, and its cost.
 */
#include "config.h"
#include "site.h"

#include <errno.h>
#include <ringside/segment.h>
#include <stdlib.h>
#include <string.h>

#define CAPTURE_SAMPLES 30u /* requests; the mean of fewer says little */

static const char *const capture_kinds[RS_KINDS] = {
	[RS_KIND_REQUEST] = "request", [RS_KIND_CONNECTION] = "connection",
	[RS_KIND_CALL] = "call",       [RS_KIND_HEADERS] = "headers",
	[RS_KIND_STACK] = "stack",     [RS_KIND_STATEMENT] = "statement",
	[RS_KIND_NOTE] = "note",
};

static const char *capture_name(const char *const *names, unsigned int count, unsigned int value)
{
	return value < count ? names[value] : NULL;
}

static void capture_put_state(const struct metrics_process *p, struct json *j)
{
	static const char *const states[] = { "off", "on", "countersOnly" };
	static const char *const whys[] = { NULL,       "asked",  "seccomp", "noTsc",
					    "noMemory", "noLibc", "doubt" };
	static const char *const clocks[] = { "none", "tsc", "monotonic" };
	static const char *const allocators[] = { NULL, "seen", "hidden" };

	/* who has no segment has no state of it */
	json_string(j, "state", p->target.bare ? NULL : capture_name(states, 3, p->ledger.state));
	json_string(j, "why", capture_name(whys, 7, p->ledger.why));
	json_string(j, "clock", capture_name(clocks, 3, p->ledger.clock));
	json_string(j, "allocator", capture_name(allocators, 3, p->target.allocator));
	json_array_begin(j, "layers");
	if (!p->target.bare)
		json_string(j, NULL, "preload");
	if (p->target.kernel)
		json_string(j, NULL, "ebpf");
	json_array_end(j);
	json_array_begin(j, "unseen"); /* ways of moving bytes that this layer does not see */
	if (p->ledger.unseen & RS_UNSEEN_IO_URING)
		json_string(j, NULL, "io_uring");
	if (p->ledger.unseen & RS_UNSEEN_STDIO)
		json_string(j, NULL, "stdio");
	if (p->ledger.unseen & RS_UNSEEN_CHILDREN)
		json_string(j, NULL, "sandboxed_children");
	if (p->ledger.unseen & RS_UNSEEN_SYSTEM_CALLS)
		json_string(j, NULL, "system_calls");
	json_array_end(j);
}

/* counted = delivered + folded + dropped, and what was refused or is still on its way. */
static void capture_put_kinds(const struct metrics_process *p, struct json *j)
{
	json_object_begin(j, "kinds");
	for (unsigned int k = 0; k < RS_KINDS; k++) {
		if (!capture_kinds[k] || !p->totals.counted[k])
			continue;
		json_object_begin(j, capture_kinds[k]);
		json_uint(j, "counted", p->totals.counted[k]);
		json_uint(j, "delivered", p->ledger.delivered[k]);
		json_uint(j, "folded", p->totals.folded[k]);
		json_uint(j, "dropped", p->totals.dropped[k]);
		json_object_end(j);
	}
	json_object_end(j);
}

/* Handshakes since it was first seen, and their mean; null: there was none. */
static void capture_put_tls(const struct drain_counters *c, struct json *j)
{
	static const char *const names[RS_TLS_VERSIONS] = {
		[RS_TLS_UNKNOWN] = "unknown",
		[RS_TLS_OLDER] = "older",
		[RS_TLS_1_2] = "TLSv1.2",
		[RS_TLS_1_3] = "TLSv1.3",
	};
	uint64_t all = 0;

	for (unsigned int k = 0; k < RS_TLS_VERSIONS; k++)
		all += c->handshakes[k];
	json_object_begin(j, "tls");
	json_uint(j, "handshakes", all);
	json_uint(j, "failed", c->handshakes_failed);
	json_measure(j, "avgMs",
		     all ? (double)c->handshake_ns / (double)all / 1e6 : METRICS_UNKNOWN);
	json_object_begin(j, "versions");
	for (unsigned int k = 0; k < RS_TLS_VERSIONS; k++)
		if (c->handshakes[k])
			json_uint(j, names[k], c->handshakes[k]);
	json_object_end(j);
	json_object_end(j);
}

static void capture_put_reasons(const struct metrics_process *p, struct json *j)
{
	json_object_begin(j, "lost");
	for (unsigned int k = 0; document_lost(k); k++)
		json_uint(j, document_lost(k), p->totals.lost[k]);
	json_uint(j, "torn", p->ledger.torn);
	json_uint(j, "bad", p->ledger.bad);
	json_uint(j, "gap", p->ledger.gap_requests);
	json_object_end(j);
	json_object_begin(j, "unparsed");
	for (unsigned int k = 0; document_unparsed(k); k++)
		json_uint(j, document_unparsed(k), p->totals.unparsed[k]);
	json_object_end(j);
}

/*
 * Of the hooks one in RS_COST_EVERY is timed. nsPerRequest is of all that a process did since it
 * was first seen; cpuPercent is that times the requests between the two samples that the CPU time
 * is of, which is why they are counted there and not in the window.
 */
static double capture_each(const struct metrics_process *p)
{
	if (p->totals.cost_samples < CAPTURE_SAMPLES || !p->totals.requests)
		return METRICS_UNKNOWN;
	return (double)p->totals.cost_ns * RS_COST_EVERY / (double)p->totals.requests;
}

/* What we cost a process in the window, by what each request costs; METRICS_UNKNOWN. */
static double capture_own_ns(const struct metrics_process *p, double each)
{
	return each >= 0 ? each * (double)p->window_requests : METRICS_UNKNOWN;
}

static double capture_add(double a, double b)
{
	return b >= 0 ? a + b : METRICS_UNKNOWN;
}

static double capture_share(double own_ns, double cpu_ms)
{
	return own_ns >= 0 && cpu_ms > 0 ? 100 * own_ns / (cpu_ms * 1e6) : METRICS_UNKNOWN;
}

static void capture_put_cost(const struct metrics_process *p, struct json *j)
{
	json_object_begin(j, "cost");
	json_measure(j, "nsPerRequest", capture_each(p));
	json_measure(j, "cpuPercent",
		     capture_share(capture_own_ns(p, capture_each(p)), p->user_ms + p->system_ms));
	json_uint(j, "samples", p->totals.cost_samples);
	json_object_end(j);
}

/* How much is recorded beside the counters, and what made it so. */
static void capture_put_detail(const struct question *q, const struct metrics_process *p,
			       struct json *j)
{
	static const char *const levels[] = { "all", "noStrings", "sampled", "off" };
	const struct drain_detail *d = &p->ledger.detail;
	bool moved = d->since_ns != 0;
	int64_t since_ms = q->request->wall_ms -
			   (int64_t)((q->request->now_ns - d->since_ns) / UINT64_C(1000000));

	json_object_begin(j, "detail");
	json_string(j, "level", capture_name(levels, 4, d->level));
	json_uint(j, "sample", d->level == DRAIN_DETAIL_SAMPLED ? d->sample : 1);
	json_string(j, "why",
		    d->level == DRAIN_DETAIL_ALL   ? NULL
		    : d->level == DRAIN_DETAIL_OFF ? "asked"
						   : "budget");
	if (moved)
		json_time(j, "since", since_ms);
	else
		json_null(j, "since");
	json_measure(j, "cpuPercent",
		     moved && d->level != DRAIN_DETAIL_OFF ? d->share : METRICS_UNKNOWN);
	json_object_end(j);
}

static const char *capture_named(uint8_t named)
{
	static const char *const texts[TARGET_NAMED] = {
		[TARGET_NAMED_PROGRAM] = "program",
		[TARGET_NAMED_RINGSIDE] = "RINGSIDE_SERVICE",
		[TARGET_NAMED_OTEL_NAME] = "OTEL_SERVICE_NAME",
		[TARGET_NAMED_OTEL_ATTRIBUTES] = "OTEL_RESOURCE_ATTRIBUTES",
		[TARGET_NAMED_RULE] = "targets.names",
		[TARGET_NAMED_UNIT] = "unit",
		[TARGET_NAMED_SCRIPT] = "script",
	};

	return texts[named < TARGET_NAMED ? named : TARGET_NAMED_PROGRAM];
}

static void capture_put_environment(const struct metrics_process *p, struct json *j)
{
	json_string(j, "environment", p->target.environment[0] ? p->target.environment : NULL);
}

static void capture_put(const struct question *q, const struct metrics_process *p, struct json *j)
{
	json_object_begin(j, NULL);
	json_int(j, "pid", p->target.pid);
	json_string(j, "service", p->target.service);
	json_string(j, "serviceFrom", capture_named(p->target.named));
	capture_put_environment(p, j);
	json_string(j, "executable", p->target.exe[0] ? p->target.exe : NULL);
	json_time(j, "startedAt", p->target.started_ms);
	json_bool(j, "alive", p->alive);
	capture_put_state(p, j);
	json_uint(j, "seen", p->totals.requests);
	json_uint(j, "recorded", p->ledger.delivered[RS_KIND_REQUEST]);
	json_uint(j, "folded", p->totals.folded[RS_KIND_REQUEST]);
	json_uint(j, "dropped", p->totals.dropped[RS_KIND_REQUEST]);
	json_uint(j, "inFlight", p->alive ? drain_in_flight(&p->totals) : 0);
	json_uint(j, "connectionsOpened", p->totals.opened);
	json_uint(j, "connectionsClosed", p->totals.closed);
	capture_put_tls(&p->totals, j);
	capture_put_kinds(p, j);
	capture_put_reasons(p, j);
	capture_put_cost(p, j);
	capture_put_detail(q, p, j);
	json_object_end(j);
}

/* Rows of one service stand together. */
static int capture_compare_services(const void *left, const void *right)
{
	const struct metrics_process *a = left, *b = right;
	int by_name = strcmp(a->target.service, b->target.service);

	return by_name ? by_name : strcmp(a->target.environment, b->target.environment);
}

/* Hosts that clients asked for by TLS, of as many handshakes as were told with one. */
static void capture_put_names(const struct question *q, const struct metrics_process *p,
			      struct json *j)
{
	struct metrics_name *rows = NULL;
	int count =
		metrics_names(q->site->metrics, p->target.service, p->target.environment, &rows);

	json_array_begin(j, "tlsNames");
	for (int i = 0; i < count; i++) {
		json_object_begin(j, NULL);
		json_string(j, "name", rows[i].host);
		json_uint(j, "handshakes", rows[i].count);
		json_object_end(j);
	}
	json_array_end(j);
	free(rows);
}

static void capture_put_service(const struct question *q, const struct metrics_process *rows,
				int count, struct json *j)
{
	struct metrics_process sum = { .target = rows->target };
	double own_ns = 0;
	int reduced = 0, alive = 0;

	for (int i = 0; i < count; i++) {
		const struct metrics_process *p = &rows[i];

		alive += p->alive;
		reduced += p->alive && p->ledger.detail.level != DRAIN_DETAIL_ALL;
		sum.totals.cost_ns += p->totals.cost_ns;
		sum.totals.cost_samples += p->totals.cost_samples;
		sum.totals.requests += p->totals.requests;
		for (unsigned int k = 0; k < RS_TLS_VERSIONS; k++)
			sum.totals.handshakes[k] += p->totals.handshakes[k];
		sum.totals.handshakes_failed += p->totals.handshakes_failed;
		sum.totals.handshake_ns += p->totals.handshake_ns;
	}
	/* Both of the same processes: of one that is gone or just came the time is not known. */
	for (int i = 0; i < count && own_ns >= 0; i++) {
		if (rows[i].user_ms < 0)
			continue;
		sum.user_ms += rows[i].user_ms + rows[i].system_ms;
		own_ns = capture_add(own_ns, capture_own_ns(&rows[i], capture_each(&sum)));
	}
	json_object_begin(j, NULL);
	json_string(j, "service", rows->target.service);
	capture_put_environment(rows, j);
	json_int(j, "processes", alive);
	json_int(j, "reduced", reduced);
	capture_put_tls(&sum.totals, j);
	capture_put_names(q, rows, j);
	json_object_begin(j, "cost");
	json_measure(j, "nsPerRequest", capture_each(&sum));
	json_measure(j, "cpuPercent", capture_share(own_ns, sum.user_ms));
	json_uint(j, "samples", sum.totals.cost_samples);
	json_object_end(j);
	json_object_end(j);
}

static void capture_put_services(const struct question *q, struct metrics_process *rows, int count,
				 struct json *j)
{
	if (count)
		qsort(rows, (size_t)count, sizeof(*rows), capture_compare_services);
	json_array_begin(j, "services");
	for (int i = 0, n; i < count; i += n) {
		for (n = 1; i + n < count && !capture_compare_services(&rows[i], &rows[i + n]); n++)
			;
		capture_put_service(q, &rows[i], n, j);
	}
	json_array_end(j);
}

static void capture_put_agent(const struct question *q, struct json *j)
{
	struct metrics_losses losses;

	metrics_losses_get(q->site->metrics, &losses);
	json_object_begin(j, "aggregates");
	json_uint(j, "requestsLost", losses.requests);
	json_uint(j, "requestsLate", losses.late);
	json_uint(j, "requestsUnlisted", losses.listed);
	json_uint(j, "slotsLost", losses.slots);
	json_uint(j, "bytes", losses.bytes_used);
	json_uint(j, "limitBytes", losses.bytes_limit);
	json_object_end(j);
}

static int capture_compare(const void *left, const void *right)
{
	const struct metrics_process *a = left, *b = right;

	if (a->alive != b->alive)
		return b->alive - a->alive;
	if (a->target.pid != b->target.pid)
		return (a->target.pid > b->target.pid) - (a->target.pid < b->target.pid);
	return (a->target.key > b->target.key) - (a->target.key < b->target.key);
}

int document_capture(const struct question *q, struct json *j)
{
	struct metrics_process *rows = NULL;
	int count = metrics_process_list(q->site->metrics, &q->ask.scope, &rows);
	size_t from, to;

	if (count < 0)
		return document_refuse(q, count);
	json_object_begin(j, NULL);
	document_range(q, j); /* of cost.cpuPercent; all else is since a process was first seen */
	capture_put_agent(q, j);
	json_measure(j, "budgetPercent", config_number(q->site->config, CONFIG_CAPTURE_BUDGET));
	capture_put_services(q, rows, count, j);
	if (count)
		qsort(rows, (size_t)count, sizeof(*rows), capture_compare);
	document_page(q, j, (size_t)count, &from, &to);
	json_array_begin(j, "processes");
	for (size_t i = from; i < to; i++)
		capture_put(q, &rows[i], j);
	json_array_end(j);
	json_object_end(j);
	free(rows);
	return 0;
}
