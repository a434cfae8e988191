/*
 * document_live - how all stands right now: what is sent each second to who watches.
 */
#include "site.h"

#include "alerts.h"

#include <errno.h>
#include <stdlib.h>

#define LIVE_WINDOW_NS UINT64_C(10000000000)
#define LIVE_SERVICES 50

static double live_rate(uint64_t count, uint64_t span_s)
{
	return span_s ? (double)count / (double)span_s : METRICS_UNKNOWN;
}

static double live_errors(const struct metrics_sums *sums)
{
	return sums->count ? 100 * (double)sums->errors / (double)sums->count : METRICS_UNKNOWN;
}

static void live_requests(const struct metrics_sums *sums, const double *percentile_ns,
			  uint64_t span_s, struct json *j)
{
	json_uint(j, "count", sums->count);
	json_measure(j, "requestsPerSecond", live_rate(sums->count, span_s));
	json_measure(j, "errorRate", live_errors(sums));
	json_measure(j, "avg",
		     sums->count ? DOCUMENT_MS(sums->span_ns) / (double)sums->count
				 : METRICS_UNKNOWN);
	document_measure_ms(j, "p50", percentile_ns[METRICS_P50]);
	document_measure_ms(j, "p95", percentile_ns[METRICS_P95]);
	document_measure_ms(j, "p99", percentile_ns[METRICS_P99]);
}

static int live_compare(const void *a, const void *b)
{
	const struct metrics_row *x = a, *y = b;

	return (x->sums.count < y->sums.count) - (x->sums.count > y->sums.count);
}

static int live_services(const struct site *site, const struct metrics_scope *scope, struct json *j)
{
	struct metrics_row *rows;
	int count = metrics_services(site->metrics, scope, &rows);

	if (count < 0)
		return count;
	if (count)
		qsort(rows, (size_t)count, sizeof(*rows), live_compare);
	json_array_begin(j, "services");
	for (int i = 0; i < count && i < LIVE_SERVICES; i++) {
		const struct metrics_row *row = &rows[i];

		json_object_begin(j, NULL);
		json_string(j, "service", row->service);
		json_string(j, "environment", *row->environment ? row->environment : NULL);
		live_requests(&row->sums, row->percentile_ns, row->span_s, j);
		json_uint(j, "inFlight", row->in_flight);
		json_uint(j, "processes", row->processes);
		json_measure(j, "cpuPercent", row->core_percent);
		json_measure(j, "rss", row->rss);
		json_measure(j, "memoryPercent", row->memory_percent);
		json_object_end(j);
	}
	json_array_end(j);
	json_int(j, "omitted", count > LIVE_SERVICES ? count - LIVE_SERVICES : 0);
	free(rows);
	return 0;
}

static void live_alerts(const struct site *site, struct json *j)
{
	struct alerts_counts counts;

	if (!site->alerts) {
		json_null(j, "alerts");
		return;
	}
	alerts_counts_get(site->alerts, &counts);
	json_object_begin(j, "alerts");
	json_uint(j, "firing", counts.firing);
	json_uint(j, "pending", counts.pending);
	json_object_end(j);
}

static void live_system(const struct site *site, struct json *j)
{
	struct metrics_system system;

	metrics_system_get(site->metrics, &system);
	json_object_begin(j, "system");
	json_measure(j, "cpuPercent", system.cpu_percent);
	json_measure(j, "memoryUsedPercent", system.memory_used_percent);
	json_measure(j, "load1", system.load1);
	json_object_end(j);
}

int document_live(struct site *site, uint64_t now_ns, int64_t wall_ms, struct json *j)
{
	const struct metrics_scope scope = { .from_ns = now_ns - LIVE_WINDOW_NS };
	struct metrics_window *window = malloc(sizeof(*window));
	int ret = window ? metrics_window_get(site->metrics, &scope, window) : -ENOMEM;

	if (ret) {
		free(window);
		return ret;
	}
	json_object_begin(j, NULL);
	json_time(j, "timestamp", wall_ms);
	json_string(j, "window", "10s");
	live_requests(&window->sums, window->percentile_ns, window->span_s, j);
	json_uint(j, "inFlight", window->in_flight);
	live_system(site, j);
	live_alerts(site, j);
	ret = live_services(site, &scope, j);
	json_object_end(j);
	free(window);
	return ret;
}
