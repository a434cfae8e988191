/*
 * document_fleet - what all agents that share our Redis have measured and seen, merged.
 */
#include "fleet.h"
#include "moment.h"
#include "site.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLEET_S_MS 1000

static const char *fleet_state(enum muster_state state)
{
	static const char *const names[] = {
		[MUSTER_LIVE] = "live", [MUSTER_GONE] = "gone", [MUSTER_UNREAD] = "unread"
	};

	return names[state];
}

/* Why there is no view. */
static int fleet_refuse(const struct question *q, const struct view *v)
{
	char since[MOMENT_TEXT];

	if (!v->since_ms)
		return refuse(q->no, 503, "redis_fault", "%s", v->fault);
	moment_format(v->since_ms, since);
	return refuse(q->no, 503, "redis_away", "the Redis is away since %s: %s", since, v->fault);
}

/* One that tells something. NULL: none, and why; -EAGAIN: it is being gathered. */
static int fleet_view_of(const struct question *q, bool sums, struct view **out)
{
	const struct metrics_scope *scope = &q->ask.scope;
	struct view_ask ask = { .sums = sums, .window_s = (uint32_t)q->ask.asked_s };
	int ret;

	*out = NULL;
	if (!q->site->fleet)
		return refuse(q->no, 503, "fleet_off",
			      "this agent is in no fleet: that needs redis.url, redis.aggregates "
			      "and fleet.enabled");
	if (!q->ask.window) {
		snprintf(q->no->field, sizeof(q->no->field), "from");
		return refuse(q->no, 400, "bad_window", "a fleet has windows up to now alone");
	}
	if (sums && ((scope->service && strlen(scope->service) >= sizeof(ask.service)) ||
		     (scope->route && strlen(scope->route) >= sizeof(ask.route))))
		return document_refuse(q, -ENOENT);
	if (sums) {
		snprintf(ask.service, sizeof(ask.service), "%s",
			 scope->service ? scope->service : "");
		snprintf(ask.route, sizeof(ask.route), "%s", scope->route ? scope->route : "");
	}
	ret = fleet_ask(q->site->fleet, &ask, q->request->now_ns, out);
	if (ret == -ENOBUFS)
		return refuse(q->no, 503, "busy", "too many different views are being gathered");
	if (ret || !*(*out)->fault)
		return ret;
	ret = fleet_refuse(q, *out);
	view_put(*out);
	*out = NULL;
	return ret;
}

static void fleet_share(struct json *j, uint64_t told_s, uint64_t wanted_s)
{
	json_measure(j, "completeness",
		     wanted_s ? 100 * (double)told_s / (double)wanted_s : METRICS_UNKNOWN);
}

/* How much of a view can be relied on. */
static void fleet_put(const struct view *v, struct json *j)
{
	uint64_t told_s = 0, wanted_s = 0, unread = 0;

	for (uint32_t i = 0; i < v->muster.count; i++) {
		told_s += v->muster.hosts[i].told_s;
		wanted_s += v->muster.hosts[i].wanted_s;
		unread += v->muster.hosts[i].unread;
	}
	json_object_begin(j, "fleet");
	json_time(j, "asOf", v->muster.now_ms);
	json_double(j, "tookMs", DOCUMENT_MS(v->took_ns));
	json_uint(j, "hosts", v->muster.count);
	json_uint(j, "live", muster_count(&v->muster, MUSTER_LIVE));
	json_uint(j, "gone", muster_count(&v->muster, MUSTER_GONE));
	json_uint(j, "unread", muster_count(&v->muster, MUSTER_UNREAD));
	json_uint(j, "leftOut", v->hosts_left);
	fleet_share(j, told_s, wanted_s);
	json_string(j, "cut", v->cut);
	json_uint(j, "keysRead", v->keys);
	json_uint(j, "bytesRead", v->bytes);
	json_uint(j, "valuesUnread", unread);
	json_uint(j, "valuesRefused", v->refused);
	json_object_end(j);
}

static void fleet_host_card(const struct muster_host *h, struct json *j)
{
	const struct card *c = &h->card;

	if (!c->schema) {
		json_null(j, "startedAt");
		json_null(j, "version");
		json_null(j, "clockOffsetMs");
		json_null(j, "goneAfterMs");
		json_null(j, "services");
		json_null(j, "alerts");
		json_null(j, "lost");
		return;
	}
	json_time(j, "startedAt", c->started_ms);
	json_string(j, "version", c->version);
	json_int(j, "clockOffsetMs", c->offset_ms);
	json_uint(j, "goneAfterMs", c->gone_after_ms);
	json_uint(j, "services", c->services);
	json_uint(j, "alerts", c->alert_count + c->alerts_left);
	json_uint(j, "lost", c->lost);
}

static void fleet_host_span(const struct muster_host *h, struct json *j)
{
	if (!h->card.schema) {
		json_null(j, "from");
		json_null(j, "to");
	} else {
		json_time(j, "from", h->span.from_ms);
		json_time(j, "to", h->span.to_ms);
	}
	json_uint(j, "wantedSeconds", h->wanted_s);
	json_uint(j, "toldSeconds", h->told_s);
	fleet_share(j, h->told_s, h->wanted_s);
}

/* counted: what it has measured, too, in the scope of the view. */
static void fleet_host_put(const struct view *v, const struct muster_host *h, bool counted,
			   struct json *j)
{
	json_object_begin(j, NULL);
	json_string(j, "host", h->name);
	json_string(j, "state", fleet_state(h->state));
	json_time(j, "lastSeen", h->seen_ms);
	json_int(j, "ageMs", v->muster.now_ms - h->seen_ms);
	if (h->state == MUSTER_GONE)
		json_time(j, "goneSince", h->seen_ms + (int64_t)h->card.gone_after_ms);
	else
		json_null(j, "goneSince");
	fleet_host_span(h, j);
	if (counted) {
		json_uint(j, "count", h->sums.count);
		json_uint(j, "errors", h->sums.errors);
	} else {
		fleet_host_card(h, j);
	}
	json_string(j, "error", *h->fault ? h->fault : NULL);
	json_object_end(j);
}

/* Age and completeness of each. */
static void fleet_hosts_put(const struct view *v, bool counted, struct json *j)
{
	json_array_begin(j, "hosts");
	for (uint32_t i = 0; i < v->muster.count; i++)
		fleet_host_put(v, &v->muster.hosts[i], counted, j);
	json_array_end(j);
}

int document_fleet_hosts(const struct question *q, struct json *j)
{
	struct view *v;
	size_t from, to;
	int ret = fleet_view_of(q, false, &v);

	if (!v)
		return ret;
	json_object_begin(j, NULL);
	json_string(j, "window", q->ask.window);
	fleet_put(v, j);
	document_page(q, j, v->muster.count, &from, &to);
	json_array_begin(j, "hosts");
	for (size_t i = from; i < to; i++)
		fleet_host_put(v, &v->muster.hosts[i], false, j);
	json_array_end(j);
	json_object_end(j);
	view_put(v);
	return 0;
}

/* The window, by the clock of the Redis: from the first host's begin to the last one's end. */
static void fleet_range(const struct question *q, const struct view *v, struct json *j)
{
	int64_t from_ms = INT64_MAX, to_ms = 0;

	for (uint32_t i = 0; i < v->muster.count; i++) {
		const struct muster_host *h = &v->muster.hosts[i];

		if (!h->card.schema)
			continue;
		from_ms = h->span.from_ms < from_ms ? h->span.from_ms : from_ms;
		to_ms = h->span.to_ms > to_ms ? h->span.to_ms : to_ms;
	}
	if (!to_ms) {
		to_ms = v->muster.now_ms;
		from_ms = to_ms - (int64_t)q->ask.asked_s * FLEET_S_MS;
	}
	json_string(j, "window", q->ask.window);
	json_time(j, "from", from_ms);
	json_time(j, "to", to_ms);
	json_uint(j, "coveredSeconds", v->told_s);
}

static double fleet_rate(const struct view *v, uint64_t value)
{
	return v->told_s ? (double)value / (double)v->told_s : METRICS_UNKNOWN;
}

static void fleet_row_put(const struct view *v, const struct merge_row *row, struct json *j)
{
	const struct metrics_sums *s = &row->sums;

	json_object_begin(j, NULL);
	json_string(j, "service", row->service);
	json_string(j, "environment", *row->environment ? row->environment : NULL);
	json_uint(j, "hosts", row->hosts);
	json_uint(j, "count", s->count);
	json_measure(j, "requestsPerSecond", fleet_rate(v, s->count));
	json_measure(j, "errorRate",
		     s->count ? 100.0 * (double)s->errors / (double)s->count : METRICS_UNKNOWN);
	document_measure_ms(j, "avg",
			    s->count ? (double)s->span_ns / (double)s->count : METRICS_UNKNOWN);
	document_measure_ms(j, "p50", row->percentile_ns[METRICS_P50]);
	document_measure_ms(j, "p95", row->percentile_ns[METRICS_P95]);
	document_measure_ms(j, "p99", row->percentile_ns[METRICS_P99]);
	document_measure_ms(j, "max", s->max_ns ? (double)s->max_ns : METRICS_UNKNOWN);
	json_measure(j, "apdex", row->apdex);
	json_measure(j, "inFlight", row->gauges[METRICS_GAUGE_IN_FLIGHT]);
	json_measure(j, "cpuPercent", row->gauges[METRICS_GAUGE_CPU_PERCENT]);
	json_measure(j, "rss", row->gauges[METRICS_GAUGE_RSS]);
	json_measure(j, "memoryPercent", row->gauges[METRICS_GAUGE_MEMORY_PERCENT]);
	json_uint(j, "detailDropped", s->dropped);
	json_object_end(j);
}

int document_fleet_services(const struct question *q, struct json *j)
{
	struct view *v;
	size_t from, to;
	int ret = fleet_view_of(q, true, &v);

	if (!v)
		return ret;
	json_object_begin(j, NULL);
	fleet_range(q, v, j);
	fleet_put(v, j);
	document_page(q, j, v->row_count, &from, &to);
	json_array_begin(j, "services");
	for (size_t i = from; i < to; i++)
		fleet_row_put(v, &v->rows[i], j);
	json_array_end(j);
	fleet_hosts_put(v, true, j);
	json_object_end(j);
	view_put(v);
	return 0;
}

/* What is of processes, and so of no route. */
static void fleet_load_put(const struct question *q, const struct merge_row *row, struct json *j)
{
	double values[METRICS_GAUGES];

	memcpy(values, row->gauges, sizeof(values));
	if (q->ask.scope.route)
		gauges_init(values);
	json_object_begin(j, "memory");
	json_measure(j, "rss", values[METRICS_GAUGE_RSS]);
	json_measure(j, "heapUsed", values[METRICS_GAUGE_HEAP]);
	json_measure(j, "usagePercent", values[METRICS_GAUGE_MEMORY_PERCENT]);
	json_measure(j, "allocatedPerSecond", values[METRICS_GAUGE_ALLOCATED]);
	json_object_end(j);
	json_object_begin(j, "cpu");
	json_measure(j, "usagePercent", values[METRICS_GAUGE_CPU_PERCENT]);
	json_object_end(j);
	json_object_begin(j, "io");
	json_measure(j, "readBytesPerSecond", values[METRICS_GAUGE_READ]);
	json_measure(j, "writeBytesPerSecond", values[METRICS_GAUGE_WRITTEN]);
	json_object_end(j);
}

static void fleet_window_put(const struct question *q, const struct view *v, struct json *j)
{
	const struct merge_row *row = &v->total;
	double in_flight = row->gauges[METRICS_GAUGE_IN_FLIGHT];
	const struct metrics_window window = {
		.sums = row->sums,
		.percentile_ns = { row->percentile_ns[METRICS_P50], row->percentile_ns[METRICS_P90],
				   row->percentile_ns[METRICS_P95], row->percentile_ns[METRICS_P99],
				   row->percentile_ns[METRICS_P999] },
		.span_s = v->told_s,
		.in_flight = in_flight > 0 ? (uint64_t)in_flight : 0,
		.peak_per_minute = METRICS_UNKNOWN,
	};

	document_window_put(q, &window, j);
}

/* Has anybody told of what was asked for? */
static bool fleet_is_seen(const struct question *q, const struct view *v)
{
	if (q->ask.scope.route)
		return v->total.sums.count || v->cut;
	return !q->ask.scope.service || v->row_count || v->cut;
}

int document_fleet_performance(const struct question *q, struct json *j)
{
	struct view *v;
	int ret = fleet_view_of(q, true, &v);

	if (!v)
		return ret;
	if (!fleet_is_seen(q, v)) {
		view_put(v);
		return document_refuse(q, -ENOENT);
	}
	json_object_begin(j, NULL);
	json_time(j, "timestamp", v->muster.now_ms);
	fleet_range(q, v, j);
	fleet_window_put(q, v, j);
	fleet_load_put(q, &v->total, j);
	fleet_put(v, j);
	fleet_hosts_put(v, true, j);
	json_object_end(j);
	view_put(v);
	return 0;
}

/* One of a host: by their places in the view. */
struct fleet_alert {
	uint32_t host, at;
};

static const struct card_alert *fleet_alert_of(const struct muster *m, const struct fleet_alert *a)
{
	return &m->hosts[a->host].card.alerts[a->at];
}

/* What fires first, critical before warning, the youngest first. */
static int fleet_alert_compare(const void *left, const void *right, void *muster)
{
	const struct card_alert *a = fleet_alert_of(muster, left);
	const struct card_alert *b = fleet_alert_of(muster, right);
	int order = !strcmp(a->state, "pending") - !strcmp(b->state, "pending");

	if (!order)
		order = !strcmp(b->severity, "critical") - !strcmp(a->severity, "critical");
	return order ? order : strcmp(b->since, a->since);
}

/* All that are of the service asked for, in *out; how many; -ENOMEM. */
static int fleet_alerts_of(const struct question *q, struct view *v, struct fleet_alert **out)
{
	const char *service = q->ask.scope.service;
	size_t most = 0, count = 0;

	for (uint32_t i = 0; i < v->muster.count; i++)
		most += v->muster.hosts[i].card.alert_count;
	*out = calloc(most + 1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	for (uint32_t i = 0; i < v->muster.count; i++) {
		const struct card *c = &v->muster.hosts[i].card;

		for (uint32_t k = 0; k < c->alert_count; k++)
			if (!service || !strcmp(c->alerts[k].service, service))
				(*out)[count++] = (struct fleet_alert){ i, k };
	}
	if (count)
		qsort_r(*out, count, sizeof(**out), fleet_alert_compare, &v->muster);
	return (int)count;
}

static void fleet_alert_put(const struct view *v, const struct fleet_alert *a, struct json *j)
{
	const struct muster_host *h = &v->muster.hosts[a->host];

	json_object_begin(j, NULL);
	json_string(j, "host", h->name);
	json_string(j, "hostState", fleet_state(h->state));
	json_int(j, "ageMs", v->muster.now_ms - h->seen_ms);
	card_alert_members(fleet_alert_of(&v->muster, a), j);
	json_object_end(j);
}

static int fleet_alerts_put(const struct question *q, struct view *v, struct json *j)
{
	struct fleet_alert *alerts;
	uint64_t left = 0;
	size_t from, to;
	int count = fleet_alerts_of(q, v, &alerts);

	if (count < 0)
		return count;
	for (uint32_t i = 0; i < v->muster.count; i++)
		left += v->muster.hosts[i].card.alerts_left;
	json_object_begin(j, NULL);
	fleet_put(v, j);
	document_page(q, j, (size_t)count, &from, &to);
	json_array_begin(j, "alerts");
	for (size_t i = from; i < to; i++)
		fleet_alert_put(v, &alerts[i], j);
	json_array_end(j);
	json_uint(j, "alertsLeftOut", left);
	fleet_hosts_put(v, false, j);
	json_object_end(j);
	free(alerts);
	return 0;
}

int document_fleet_alerts(const struct question *q, struct json *j)
{
	struct view *v;
	int ret = fleet_view_of(q, false, &v);

	if (!v)
		return ret;
	ret = fleet_alerts_put(q, v, j);
	view_put(v);
	return ret;
}
