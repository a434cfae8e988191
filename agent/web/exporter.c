#include "exporter.h"

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORTER_NAME 64
#define EXPORTER_THEIRS "exported_" /* before a name that would not do */

struct exporter {
	struct exposition e;
	struct site *site;
	const struct request *request;
	struct metrics_total *totals;
	struct metrics_row *services;
	struct metrics_process *processes;
	int total_count, service_count, process_count;
};

/* One value of a service's sums, and how its label calls it. */
struct exporter_sum {
	const char *label; /* the value of the label, NULL: none */
	size_t offset;
};

#define EXPORTER_SUM(field) offsetof(struct metrics_sums, field)

static uint64_t exporter_sum_get(const struct metrics_sums *sums, size_t offset)
{
	uint64_t value;

	memcpy(&value, (const char *)sums + offset, sizeof(value));
	return value;
}

void exporter_service(struct exposition_labels *l, const char *service, const char *environment)
{
	exposition_labels_init(l);
	exposition_label(l, "service", service);
	if (*environment)
		exposition_label(l, "environment", environment);
}

static void exporter_route(struct exposition_labels *l, const struct metrics_total *t)
{
	exporter_service(l, t->service, t->environment);
	exposition_label(l, "http_request_method", document_method(t->method));
	exposition_label(l, "http_route", t->route);
}

static void exporter_durations(struct exporter *x)
{
	static const struct exposition_family family = {
		"http_server_request_duration_seconds",
		"Duration of HTTP requests served, by route.", EXPOSITION_HISTOGRAM
	};

	exposition_head(&x->e, &family);
	for (int i = 0; i < x->total_count; i++) {
		const struct metrics_total *t = &x->totals[i];
		const struct exposition_histogram h = { metrics_bounds_s, t->steps, METRICS_BOUNDS,
							(double)t->sums.span_ns / 1e9 };
		struct exposition_labels l;

		if (!t->route[0])
			continue;
		exporter_route(&l, t);
		exposition_histogram(&x->e, &l, &h);
	}
}

/* Classes that a route never answered with are left out: there are many routes. */
static void exporter_statuses(struct exporter *x)
{
	static const char *const classes[] = { "1xx", "2xx", "3xx", "4xx", "5xx", "aborted" };
	static const struct exposition_family family = { "ringside_route_requests",
							 "Requests of a route, by class of their "
							 "status.",
							 EXPOSITION_COUNTER };

	exposition_head(&x->e, &family);
	for (int i = 0; i < x->total_count; i++) {
		const struct metrics_total *t = &x->totals[i];
		struct exposition_labels l;

		for (unsigned int k = 0; k <= RS_STATUS_CLASSES && t->route[0]; k++) {
			uint64_t count =
				k < RS_STATUS_CLASSES ? t->sums.status[k] : t->sums.aborted;

			if (!count)
				continue;
			exporter_route(&l, t);
			exposition_label(&l, "status", classes[k]);
			exposition_uint(&x->e, &l, count);
		}
	}
}

/* One family of counters from the sums of each service; rows end with an offset of SIZE_MAX. */
static void exporter_sums(struct exporter *x, const struct exposition_family *family,
			  const char *label, const struct exporter_sum *rows)
{
	exposition_head(&x->e, family);
	for (int i = 0; i < x->total_count; i++) {
		const struct metrics_total *t = &x->totals[i];

		for (const struct exporter_sum *row = rows; row->offset != SIZE_MAX && !t->route[0];
		     row++) {
			struct exposition_labels l;

			exporter_service(&l, t->service, t->environment);
			if (row->label)
				exposition_label(&l, label, row->label);
			exposition_uint(&x->e, &l, exporter_sum_get(&t->sums, row->offset));
		}
	}
}

static void exporter_requests(struct exporter *x)
{
	static const struct {
		struct exposition_family family;
		const char *label;
		struct exporter_sum rows[8];
	} families[] = {
		{ { "ringside_requests", "Requests served, by class of their status.",
		    EXPOSITION_COUNTER },
		  "status",
		  { { "1xx", EXPORTER_SUM(status[0]) },
		    { "2xx", EXPORTER_SUM(status[1]) },
		    { "3xx", EXPORTER_SUM(status[2]) },
		    { "4xx", EXPORTER_SUM(status[3]) },
		    { "5xx", EXPORTER_SUM(status[4]) },
		    { "aborted", EXPORTER_SUM(aborted) },
		    { NULL, SIZE_MAX } } },
		{ { "ringside_requests_failed",
		    "Requests that failed: 5xx, cut short by the server, or not answered.",
		    EXPOSITION_COUNTER },
		  NULL,
		  { { NULL, EXPORTER_SUM(errors) }, { NULL, SIZE_MAX } } },
		{ { "ringside_requests_slow", "Requests over the limits of slowness.",
		    EXPOSITION_COUNTER },
		  "level",
		  { { "warning", EXPORTER_SUM(slow_warning) },
		    { "critical", EXPORTER_SUM(slow_critical) },
		    { NULL, SIZE_MAX } } },
		{ { "ringside_requests_incomplete", "Replies cut short, by whom.",
		    EXPOSITION_COUNTER },
		  "by",
		  { { "server", EXPORTER_SUM(cut_by_server) },
		    { "client", EXPORTER_SUM(cut_by_client) },
		    { NULL, SIZE_MAX } } },
		{ { "ringside_requests_bytes", "Bytes of requests and of their replies.",
		    EXPOSITION_COUNTER },
		  "direction",
		  { { "in", EXPORTER_SUM(bytes_in) },
		    { "out", EXPORTER_SUM(bytes_out) },
		    { NULL, SIZE_MAX } } },
		{ { "ringside_capture_requests", "How the detail of requests reached the agent.",
		    EXPOSITION_COUNTER },
		  "how",
		  { { "recorded", EXPORTER_SUM(recorded) },
		    { "folded", EXPORTER_SUM(folded) },
		    { "dropped", EXPORTER_SUM(dropped) },
		    { "gap", EXPORTER_SUM(gap) },
		    { NULL, SIZE_MAX } } },
		{ { "ringside_capture_unparsed", "Messages and connections that were not parsed.",
		    EXPOSITION_COUNTER },
		  NULL,
		  { { NULL, EXPORTER_SUM(unparsed) }, { NULL, SIZE_MAX } } },
	};

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		exporter_sums(x, &families[i].family, families[i].label, families[i].rows);
	}
}

static void exporter_active(struct exporter *x)
{
	static const struct exposition_family family = { "http_server_active_requests",
							 "Requests in progress.",
							 EXPOSITION_GAUGE };
	static const struct exposition_family processes = { "ringside_processes",
							    "Processes watched.",
							    EXPOSITION_GAUGE };
	struct exposition_labels l;

	exposition_head(&x->e, &family);
	for (int i = 0; i < x->service_count; i++) {
		exporter_service(&l, x->services[i].service, x->services[i].environment);
		exposition_uint(&x->e, &l, x->services[i].in_flight);
	}
	exposition_head(&x->e, &processes);
	for (int i = 0; i < x->service_count; i++) {
		exporter_service(&l, x->services[i].service, x->services[i].environment);
		exposition_uint(&x->e, &l, x->services[i].processes);
	}
}

/* By pid, and of one pid the living and newest first. */
static int exporter_compare(const void *left, const void *right)
{
	const struct metrics_process *a = left, *b = right;

	if (a->target.pid != b->target.pid)
		return (a->target.pid > b->target.pid) - (a->target.pid < b->target.pid);
	if (a->alive != b->alive)
		return b->alive - a->alive;
	return (a->target.key < b->target.key) - (a->target.key > b->target.key);
}

/* Until an old program's end is noticed, its pid may stand twice; a series must not. */
static void exporter_choose(struct exporter *x)
{
	int kept = 0;

	if (x->process_count)
		qsort(x->processes, (size_t)x->process_count, sizeof(*x->processes),
		      exporter_compare);
	for (int i = 0; i < x->process_count; i++) {
		const struct metrics_process *p = &x->processes[i];

		if (p->alive && (!kept || x->processes[kept - 1].target.pid != p->target.pid))
			x->processes[kept++] = *p;
	}
	x->process_count = kept;
}

static void exporter_cap_routes(struct exporter *x)
{
	int kept = 0, routes = 0;

	for (int i = 0; i < x->total_count; i++) {
		if (!x->totals[i].route[0] || routes++ < EXPORTER_ROUTES)
			x->totals[kept++] = x->totals[i];
		else
			x->site->tally.counts[TALLY_ROUTES]++;
	}
	x->total_count = kept;
}

/* Would a label of this name stand beside one of ours? config lets no other bytes in. */
static bool exporter_is_ours(const char *name)
{
	static const char *const ours[] = { "service",
					    "environment",
					    "pid",
					    "le",
					    "http_route",
					    "status",
					    "reason",
					    "mode",
					    "level",
					    "by",
					    "how",
					    "direction",
					    "class",
					    "kind",
					    "operation",
					    "from",
					    "version",
					    "why",
					    "http_request_method" };

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		if (!strcmp(name, ours[i]))
			return true;
	}
	return false;
}

/* The labels of the configuration. */
static void exporter_base(struct exposition_labels *l, const struct config *config)
{
	size_t count = config_count(config, CONFIG_LABELS);
	char name[EXPORTER_NAME];

	for (size_t i = 0; i < count; i++) {
		const char *item = config_item(config, CONFIG_LABELS, i);
		size_t length = strcspn(item, "=");
		const char *label = name + sizeof(EXPORTER_THEIRS) - 1;

		snprintf(name, sizeof(name), EXPORTER_THEIRS "%.*s", (int)length, item);
		if (exporter_is_ours(label) || !strncmp(label, "__", 2))
			label = name;
		exposition_label(l, label, item + length + (item[length] == '='));
	}
}

static int exporter_collect(struct exporter *x)
{
	const struct metrics_scope all = { 0 };

	x->total_count = metrics_totals(x->site->metrics, &x->totals);
	x->service_count = metrics_services(x->site->metrics, &all, &x->services);
	x->process_count = metrics_process_list(x->site->metrics, &all, &x->processes);
	if (x->total_count < 0 || x->service_count < 0 || x->process_count < 0)
		return -ENOMEM;
	exporter_choose(x);
	exporter_cap_routes(x);
	return 0;
}

int exporter_render(struct site *site, const struct request *r, bool open, char **bytes,
		    size_t *length)
{
	struct exporter x = { .site = site, .request = r };
	int ret = exporter_collect(&x);

	if (!ret) {
		exposition_init(&x.e, open);
		exporter_base(&x.e.base, site->config);
		exporter_durations(&x);
		exporter_statuses(&x);
		exporter_active(&x);
		exporter_requests(&x);
		exporter_put_incidents(&x.e, x.services, x.service_count);
		exporter_put_targets(&x.e, x.processes, x.process_count);
		exporter_put_agent(&x.e, site, r);
		ret = exposition_finish(&x.e, bytes, length);
	}
	free(x.totals);
	free(x.services);
	free(x.processes);
	return ret;
}
