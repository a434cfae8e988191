/*
 * document_capture - the ledger: what was seen of each process, what was lost of it, and its cost.
 */
#include "site.h"

#include <errno.h>
#include <ringside/segment.h>
#include <stdlib.h>

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

	json_string(j, "state", capture_name(states, 3, p->ledger.state));
	json_string(j, "why", capture_name(whys, 7, p->ledger.why));
	json_string(j, "clock", capture_name(clocks, 3, p->ledger.clock));
	json_string(j, "allocator", capture_name(allocators, 3, p->target.allocator));
	json_array_begin(j, "layers");
	json_string(j, NULL, "preload");
	json_array_end(j);
	json_array_begin(j, "unseen"); /* ways of moving bytes that this layer does not see */
	if (p->ledger.unseen & RS_UNSEEN_IO_URING)
		json_string(j, NULL, "io_uring");
	if (p->ledger.unseen & RS_UNSEEN_STDIO)
		json_string(j, NULL, "stdio");
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

/* The hooks' own time: sampled per request, and as a share of the CPU that the process used. */
static void capture_put_cost(const struct question *q, const struct metrics_process *p,
			     struct json *j)
{
	struct metrics_scope scope = q->ask.scope;
	double each = METRICS_UNKNOWN, share = METRICS_UNKNOWN;
	double cpu_ns = (p->user_ms + p->system_ms) * 1e6;
	struct metrics_window *window = malloc(sizeof(*window));

	if (p->totals.cost_samples)
		each = (double)p->totals.cost_ns / (double)p->totals.cost_samples;
	scope.pid = p->target.pid;
	if (window && each >= 0 && p->user_ms >= 0 && cpu_ns > 0 &&
	    !metrics_window_get(q->site->metrics, &scope, window))
		share = 100 * each * (double)window->sums.count / cpu_ns;
	free(window);
	json_object_begin(j, "cost");
	json_measure(j, "nsPerRequest", each);
	json_measure(j, "cpuPercent", share);
	json_uint(j, "samples", p->totals.cost_samples);
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

static void capture_put(const struct question *q, const struct metrics_process *p, struct json *j)
{
	json_object_begin(j, NULL);
	json_int(j, "pid", p->target.pid);
	json_string(j, "service", p->target.service);
	json_string(j, "serviceFrom", capture_named(p->target.named));
	json_string(j, "environment", p->target.environment[0] ? p->target.environment : NULL);
	json_string(j, "executable", p->target.exe[0] ? p->target.exe : NULL);
	json_time(j, "startedAt", p->target.started_ms);
	json_bool(j, "alive", p->alive);
	capture_put_state(p, j);
	json_uint(j, "seen", p->totals.requests);
	json_uint(j, "recorded", p->ledger.delivered[RS_KIND_REQUEST]);
	json_uint(j, "folded", p->totals.folded[RS_KIND_REQUEST]);
	json_uint(j, "dropped", p->totals.dropped[RS_KIND_REQUEST]);
	json_uint(j, "inFlight",
		  p->alive && p->totals.begun > p->totals.requests
			  ? p->totals.begun - p->totals.requests
			  : 0);
	json_uint(j, "connectionsOpened", p->totals.opened);
	json_uint(j, "connectionsClosed", p->totals.closed);
	capture_put_kinds(p, j);
	capture_put_reasons(p, j);
	capture_put_cost(q, p, j);
	json_object_end(j);
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
	if (count)
		qsort(rows, (size_t)count, sizeof(*rows), capture_compare);
	json_object_begin(j, NULL);
	document_range(q, j); /* of cost.cpuPercent; all else is since a process was first seen */
	capture_put_agent(q, j);
	document_page(q, j, (size_t)count, &from, &to);
	json_array_begin(j, "processes");
	for (size_t i = from; i < to; i++)
		capture_put(q, &rows[i], j);
	json_array_end(j);
	json_object_end(j);
	free(rows);
	return 0;
}
