/*
 * exporter_agent - what /metrics tells of the agent itself.
 */
#include "exporter.h"

#include "health.h"
#include "usage.h"

#include <stdlib.h>
#include <string.h>

#define EXPORTER_COUNTERS 64 /* of other parts of the agent */

static void exporter_one(struct exposition *e, const char *name, const char *help,
			 enum exposition_type type, double value)
{
	const struct exposition_family family = { name, help, type };

	exposition_head(e, &family);
	exposition_value(e, NULL, value);
}

static void exporter_self(struct exposition *e, const struct site *site, const struct request *r)
{
	double age_s = (double)(r->now_ns - site->started_ns) / 1e9;
	struct usage used;

	usage_read(&used);
	exporter_one(e, "process_cpu_seconds", "CPU time of this process.", EXPOSITION_COUNTER,
		     used.cpu_s);
	exporter_one(e, "process_resident_memory_bytes", "Resident memory.", EXPOSITION_GAUGE,
		     used.resident_bytes);
	exporter_one(e, "process_virtual_memory_bytes", "Virtual memory.", EXPOSITION_GAUGE,
		     used.virtual_bytes);
	exporter_one(e, "process_open_fds", "Open descriptors.", EXPOSITION_GAUGE,
		     used.descriptors);
	exporter_one(e, "process_max_fds", "Descriptors allowed.", EXPOSITION_GAUGE,
		     used.descriptors_most);
	exporter_one(e, "process_start_time_seconds", "When the agent began, since 1970.",
		     EXPOSITION_GAUGE, (double)r->wall_ms / 1e3 - age_s);
}

static void exporter_metrics(struct exposition *e, const struct site *site)
{
	struct metrics_losses losses;

	metrics_losses_get(site->metrics, &losses);
	exporter_one(e, "ringside_metrics_requests_lost",
		     "Requests whose detail found no room in the aggregates.", EXPOSITION_COUNTER,
		     (double)losses.requests);
	exporter_one(e, "ringside_metrics_slots_lost",
		     "Seconds of a series given up before their time.", EXPOSITION_COUNTER,
		     (double)losses.slots);
	exporter_one(e, "ringside_metrics_requests_late",
		     "Requests that ended before all that is kept.", EXPOSITION_COUNTER,
		     (double)losses.late);
	exporter_one(e, "ringside_metrics_requests_unlisted",
		     "Slow or failed requests that came too fast for their list.",
		     EXPOSITION_COUNTER, (double)losses.listed);
	exporter_one(e, "ringside_metrics_bytes", "Memory of the aggregates.", EXPOSITION_GAUGE,
		     (double)losses.bytes_used);
	exporter_one(e, "ringside_metrics_limit_bytes", "Memory that the aggregates may take.",
		     EXPOSITION_GAUGE, (double)losses.bytes_limit);
}

static void exporter_tally(struct exposition *e, const struct site *site)
{
	const char *before = "";

	for (unsigned int i = 0; i < TALLY_KINDS; i++) {
		const struct tally_info *info = tally_info((enum tally_kind)i);
		const struct exposition_family family = { info->name, info->help,
							  EXPOSITION_COUNTER };
		struct exposition_labels l;

		exposition_labels_init(&l);
		if (strcmp(before, info->name) != 0)
			exposition_head(e, &family);
		before = info->name;
		if (info->label)
			exposition_label(&l, info->label, info->value);
		exposition_uint(e, &l, site->tally.counts[i]);
	}
}

/* What the rest of the agent counts, in its own order. */
static void exporter_others(struct exposition *e, const struct site *site)
{
	struct web_counter rows[EXPORTER_COUNTERS];
	size_t count = 0;
	const char *before = "";

	if (site->counters)
		count = site->counters(site->counters_ctx, rows, EXPORTER_COUNTERS);
	for (size_t i = 0; i < count; i++) {
		const struct exposition_family family = { rows[i].name, rows[i].help,
							  rows[i].level ? EXPOSITION_GAUGE
									: EXPOSITION_COUNTER };
		struct exposition_labels l;

		exposition_labels_init(&l);
		if (strcmp(before, rows[i].name) != 0)
			exposition_head(e, &family);
		before = rows[i].name;
		if (rows[i].label)
			exposition_label(&l, rows[i].label, rows[i].value);
		exposition_value(e, &l, rows[i].number);
	}
}

static void exporter_state(struct exposition *e, const struct site *site)
{
	static const struct exposition_family build = { "ringside_build_info",
							"Always 1; its labels tell what runs.",
							EXPOSITION_GAUGE };
	char reason[HEALTH_REASON];
	struct exposition_labels l;

	exposition_labels_init(&l);
	exposition_label(&l, "version", RS_VERSION);
	exposition_head(e, &build);
	exposition_uint(e, &l, 1);
	exporter_one(e, "ringside_ready", "1: everything that was to be attached is.",
		     EXPOSITION_GAUGE, health_ready_get(site->health, reason));
	exporter_one(e, "ringside_health", "The worst part: 0 healthy, 2 degraded, 3 unhealthy.",
		     EXPOSITION_GAUGE, (double)health_worst(site->health));
}

void exporter_put_agent(struct exposition *e, const struct site *site, const struct request *r)
{
	exporter_self(e, site, r);
	exporter_state(e, site);
	exporter_metrics(e, site);
	exporter_tally(e, site);
	exporter_put_cache(e, site);
	exporter_put_origins(e, site);
	exporter_put_proxy(e, site);
	exporter_others(e, site);
}
