/*
 * document_rows - one row for each service, process or route, sorted and in pages.
 */
#include "site.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum rows_about { ROWS_SERVICES, ROWS_PROCESSES, ROWS_ROUTES };

struct rows_sort {
	const char *name;
	double (*value)(const struct metrics_row *row); /* NULL: by service, route and pid */
};

static double rows_rate(const struct metrics_row *row)
{
	return row->span_s ? (double)row->sums.count / (double)row->span_s : METRICS_UNKNOWN;
}

static double rows_errors(const struct metrics_row *row)
{
	return row->sums.count ? 100.0 * (double)row->sums.errors / (double)row->sums.count
			       : METRICS_UNKNOWN;
}

static double rows_p50(const struct metrics_row *row)
{
	return row->percentile_ns[METRICS_P50];
}

static double rows_p95(const struct metrics_row *row)
{
	return row->percentile_ns[METRICS_P95];
}

static double rows_p99(const struct metrics_row *row)
{
	return row->percentile_ns[METRICS_P99];
}

static double rows_max(const struct metrics_row *row)
{
	return row->sums.max_ns ? (double)row->sums.max_ns : METRICS_UNKNOWN;
}

static double rows_total(const struct metrics_row *row)
{
	return (double)row->sums.span_ns;
}

static double rows_apdex(const struct metrics_row *row)
{
	return row->apdex;
}

static double rows_cpu(const struct metrics_row *row)
{
	return row->core_percent;
}

static double rows_memory(const struct metrics_row *row)
{
	return row->rss;
}

static double rows_in_flight(const struct metrics_row *row)
{
	return (double)row->in_flight;
}

static const struct rows_sort rows_sorts[] = {
	{ "rate", rows_rate },
	{ "errorRate", rows_errors },
	{ "p50", rows_p50 },
	{ "p95", rows_p95 },
	{ "p99", rows_p99 },
	{ "max", rows_max },
	{ "total", rows_total },
	{ "apdex", rows_apdex },
	{ "cpu", rows_cpu },
	{ "rss", rows_memory },
	{ "inFlight", rows_in_flight },
	{ "name", NULL },
};

static int rows_compare_names(const struct metrics_row *a, const struct metrics_row *b)
{
	int order = strcmp(a->service, b->service);

	if (!order)
		order = strcmp(a->environment, b->environment);
	if (!order)
		order = strcmp(a->route, b->route);
	if (!order)
		order = a->method - b->method;
	return order ? order : (a->pid > b->pid) - (a->pid < b->pid);
}

/* The most first; ties by name, so that a page never depends on luck. */
static int rows_compare(const void *left, const void *right, void *by)
{
	const struct metrics_row *a = left, *b = right;
	const struct rows_sort *sort = by;
	double x = sort->value ? sort->value(a) : 0;
	double y = sort->value ? sort->value(b) : 0;

	return x != y ? (x < y) - (x > y) : rows_compare_names(a, b);
}

static int rows_sort_find(const struct question *q, struct rows_sort *out)
{
	const char *name = q->ask.sort ? q->ask.sort : "rate";
	char list[128];
	size_t at = 0;

	for (size_t i = 0; i < sizeof(rows_sorts) / sizeof(rows_sorts[0]); i++) {
		*out = rows_sorts[i];
		if (!strcmp(out->name, name))
			return 0;
		at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", i ? ", " : "",
				       out->name);
	}
	snprintf(q->no->field, sizeof(q->no->field), "sort");
	return refuse(q->no, 400, "bad_sort", "must be one of %s", list);
}

static void rows_put_load(const struct metrics_row *row, struct json *j)
{
	json_measure(j, "cpuPercent", row->cpu_percent);
	json_measure(j, "processPercent", row->core_percent);
	json_measure(j, "throttledPercent", row->throttled_percent);
	json_measure(j, "throttledMs", row->throttled_ms);
	json_measure(j, "rss", row->rss);
	json_measure(j, "memoryPercent", row->memory_percent);
}

/* Why requests are here and in no route of their own; of all others, nothing. */
static void rows_put_reasons(const struct metrics_row *row, struct json *j)
{
	static const char *const names[METRICS_OTHERS] = {
		[METRICS_OTHER_FULL] = "route_limit",
		[METRICS_OTHER_REFUSED] = "refused_limit",
		[METRICS_OTHER_UNKNOWN] = "path_unknown",
	};

	if (!row->other) {
		json_null(j, "reasons");
		return;
	}
	json_array_begin(j, "reasons");
	for (unsigned int i = 0; i < METRICS_OTHERS; i++) {
		if (row->other & 1u << i)
			json_string(j, NULL, names[i]);
	}
	json_array_end(j);
}

static void rows_put(const struct metrics_row *row, enum rows_about about, struct json *j)
{
	json_object_begin(j, NULL);
	json_string(j, "service", row->service);
	json_string(j, "environment", row->environment[0] ? row->environment : NULL);
	if (about == ROWS_PROCESSES)
		json_int(j, "pid", row->pid);
	if (about == ROWS_SERVICES)
		json_uint(j, "processes", row->processes);
	if (about == ROWS_ROUTES) {
		json_string(j, "route", row->route);
		json_string(j, "method", document_method(row->method));
		rows_put_reasons(row, j);
	}
	json_uint(j, "count", row->sums.count);
	json_measure(j, "requestsPerSecond", rows_rate(row));
	json_measure(j, "errorRate", rows_errors(row));
	document_measure_ms(j, "avg",
			    row->sums.count ? (double)row->sums.span_ns / (double)row->sums.count
					    : METRICS_UNKNOWN);
	document_measure_ms(j, "p50", rows_p50(row));
	document_measure_ms(j, "p95", rows_p95(row));
	document_measure_ms(j, "p99", rows_p99(row));
	document_measure_ms(j, "max", rows_max(row));
	json_measure(j, "apdex", row->apdex);
	json_uint(j, "inFlight", row->in_flight);
	if (about != ROWS_ROUTES) {
		rows_put_load(row, j);
		document_strain_row(row, about == ROWS_SERVICES, j);
	}
	json_uint(j, "detailDropped", row->sums.dropped);
	json_object_end(j);
}

/* A process that has ended is listed only when it is asked for by its pid. */
static int rows_living(const struct question *q, struct metrics_row *rows, int count)
{
	int kept = 0;

	for (int i = 0; i < count; i++) {
		if (rows[i].processes || q->ask.scope.pid)
			rows[kept++] = rows[i];
	}
	return kept;
}

static int rows_document(const struct question *q, struct json *j, enum rows_about about)
{
	static int (*const get[])(struct metrics *, const struct metrics_scope *,
				  struct metrics_row **) = { metrics_services, metrics_processes,
							     metrics_routes };
	static const char *const names[] = { "services", "processes", "routes" };
	struct metrics_row *rows = NULL;
	struct rows_sort sort;
	size_t from, to;
	int count;

	if (rows_sort_find(q, &sort))
		return -1;
	count = get[about](q->site->metrics, &q->ask.scope, &rows);
	if (count < 0)
		return document_refuse(q, count);
	if (about == ROWS_PROCESSES)
		count = rows_living(q, rows, count);
	if (count)
		qsort_r(rows, (size_t)count, sizeof(*rows), rows_compare, &sort);
	json_object_begin(j, NULL);
	document_range(q, j);
	document_page(q, j, (size_t)count, &from, &to);
	json_array_begin(j, names[about]);
	for (size_t i = from; i < to; i++)
		rows_put(&rows[i], about, j);
	json_array_end(j);
	json_object_end(j);
	free(rows);
	return 0;
}

int document_services(const struct question *q, struct json *j)
{
	return rows_document(q, j, ROWS_SERVICES);
}

int document_processes(const struct question *q, struct json *j)
{
	return rows_document(q, j, ROWS_PROCESSES);
}

int document_routes(const struct question *q, struct json *j)
{
	return rows_document(q, j, ROWS_ROUTES);
}
