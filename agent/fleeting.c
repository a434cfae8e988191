#include "fleeting.h"

#include "alarm.h"
#include "alerts.h"
#include "deposit.h"
#include "log.h"
#include "metric.h"
#include "moment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define FLEETING_MS_NS UINT64_C(1000000)
#define FLEETING_S_NS UINT64_C(1000000000)
#define FLEETING_OTHERS_NS (60 * FLEETING_S_NS) /* so long another of our name is news */

void fleeting_host(const struct config *config, char out[PARCEL_HOST])
{
	const char *said = config_text(config, CONFIG_FLEET_HOST);
	char own[256] = "";

	if (!*said && gethostname(own, sizeof(own) - 1))
		own[0] = '\0';
	parcel_host(*said ? said : own, out);
}

static void fleeting_slots(const struct deposit *d, struct card *card)
{
	for (uint32_t i = 0; i < CARD_STEPS; i++) {
		struct deposit_span span;

		deposit_span_get(d, (enum series_step)(SERIES_COARSE + i), &span);
		card->slots[i] = (struct card_slots){ span.from, span.until, span.lacks_from,
						      span.lacks_until };
		card->base_ms = span.base_ms;
		if (!i)
			card->services = span.services;
	}
}

static uint64_t fleeting_read(const _Atomic uint64_t *count)
{
	return atomic_load_explicit(count, memory_order_relaxed);
}

static void fleeting_alert(const struct alerts_row *row, struct card_alert *out)
{
	const struct notice *n = &row->notice;

	snprintf(out->id, sizeof(out->id), "%llu", (unsigned long long)n->id);
	snprintf(out->rule, sizeof(out->rule), "%s", n->rule);
	snprintf(out->state, sizeof(out->state), "%s",
		 row->state == ALARM_PENDING ? "pending"
		 : row->acknowledged         ? "acknowledged"
					     : "firing");
	snprintf(out->severity, sizeof(out->severity), "%s", spec_severity_name(n->severity));
	snprintf(out->unit, sizeof(out->unit), "%s", metric_unit_name(n->unit));
	snprintf(out->summary, sizeof(out->summary), "%s", n->summary);
	snprintf(out->service, sizeof(out->service), "%s", n->labels.service);
	snprintf(out->environment, sizeof(out->environment), "%s", n->labels.environment);
	snprintf(out->route, sizeof(out->route), "%s", n->labels.route);
	snprintf(out->method, sizeof(out->method), "%s", n->labels.method);
	moment_format(n->since_ms, out->since);
	out->value = n->value;
	out->threshold = n->limit;
	out->level = n->level;
	out->notices = n->number;
}

/* What fires comes first, critical before warning. */
static int fleeting_compare(const void *left, const void *right)
{
	const struct alerts_row *a = left, *b = right;

	if (a->state != b->state)
		return b->state - a->state;
	return (int)b->notice.severity - (int)a->notice.severity;
}

static void fleeting_alerts(const struct fleeting *f, struct card *card)
{
	struct alerts_row *rows = NULL;
	int count = 0;

	if (f->config.alerts)
		count = alerts_list(f->config.alerts, false, moment_wall_ms(), &rows);
	if (count <= 0)
		return;
	qsort(rows, (size_t)count, sizeof(*rows), fleeting_compare);
	card->alert_count = (uint32_t)count < CARD_ALERTS ? (uint32_t)count : CARD_ALERTS;
	card->alerts = calloc(card->alert_count, sizeof(*card->alerts));
	if (!card->alerts)
		card->alert_count = 0;
	card->alerts_left = (uint32_t)count - card->alert_count;
	for (uint32_t i = 0; i < card->alert_count; i++)
		fleeting_alert(&rows[i], &card->alerts[i]);
	free(rows);
}

static void fleeting_fill(void *ctx, struct card *card)
{
	const struct fleeting *f = ctx;
	const struct deposit *d = f->config.depot->deposit;
	const struct deposit_counts *c = deposit_counts(d);

	card->lost = fleeting_read(&c->refused) + fleeting_read(&c->over_budget) +
		     fleeting_read(&c->left_out) + fleeting_read(&c->missed);
	fleeting_slots(d, card);
	fleeting_alerts(f, card);
}

static void fleeting_off(const struct fleeting *f, const char *reason, int64_t wall_ms)
{
	health_put(f->config.health, "fleet", HEALTH_INFO, reason, wall_ms);
}

static int fleeting_begin(struct fleeting *f)
{
	const struct config *c = f->config.config;
	struct announce_config announce = {
		.redis = f->config.redis,
		.host = f->config.host,
		.gone_after_ms = config_span_ns(c, CONFIG_FLEET_GONE_AFTER) / FLEETING_MS_NS,
		.forget_ms = config_span_ns(c, CONFIG_FLEET_FORGET_AFTER) / FLEETING_MS_NS,
		.version = RS_VERSION,
		.now_ns = moment_monotonic_ns,
		.wall_ms = moment_wall_ms,
		.fill = fleeting_fill,
		.ctx = f,
	};

	announce.started_ms =
		moment_wall_ms() -
		(int64_t)((moment_monotonic_ns() - f->config.started_ns) / FLEETING_MS_NS);
	if (getrandom(&announce.agent, sizeof(announce.agent), 0) != sizeof(announce.agent))
		return -EIO;
	return fleet_open(&f->fleet, &announce);
}

void fleeting_open(struct fleeting *f, const struct fleeting_config *config, int64_t wall_ms)
{
	int ret;

	*f = (struct fleeting){ .config = *config };
	if (!config_switch(config->config, CONFIG_FLEET_ENABLED)) {
		fleeting_off(f, "turned off by fleet.enabled", wall_ms);
		return;
	}
	if (!config->depot->deposit) {
		fleeting_off(f, "needs redis.url and redis.aggregates", wall_ms);
		return;
	}
	ret = fleeting_begin(f);
	if (!ret)
		return;
	log_error("no fleet: %s", strerrordesc_np(-ret));
	health_put(config->health, "fleet", HEALTH_DEGRADED, strerrordesc_np(-ret), wall_ms);
}

void fleeting_close(struct fleeting *f)
{
	fleet_close(f->fleet);
	f->fleet = NULL;
}

int fleeting_fd(const struct fleeting *f)
{
	return f->fleet ? fleet_fd(f->fleet) : -1;
}

void fleeting_step(const struct fleeting *f)
{
	fleet_step(f->fleet);
}

static void fleeting_tell(struct fleeting *f, uint64_t now_ns, int64_t wall_ms)
{
	uint64_t gone_ns = config_span_ns(f->config.config, CONFIG_FLEET_GONE_AFTER);
	enum health_status status = HEALTH_HEALTHY;
	char reason[HEALTH_REASON];
	struct fleet_counts c;

	fleet_counts_get(f->fleet, &c);
	if (c.announce.others != f->others)
		f->others_ns = now_ns;
	f->others = c.announce.others;
	if (f->others_ns && now_ns - f->others_ns < FLEETING_OTHERS_NS) {
		status = HEALTH_DEGRADED;
		snprintf(reason, sizeof(reason),
			 "another agent announces itself as %s: fleet.host is to be different",
			 f->config.host);
	} else if (!c.announce.put_ns || now_ns > c.announce.put_ns + gone_ns) {
		status = c.announce.failed ? HEALTH_DEGRADED : HEALTH_INFO;
		snprintf(reason, sizeof(reason), "%s is not announced: %s", f->config.host,
			 c.announce.failed ? redis_fault_name(c.announce.fault)
					   : "it is being done");
	} else {
		snprintf(
			reason, sizeof(reason),
			"announced as %.64s, clock %+lld ms off the Redis's; %llu views, %llu cut; "
			"last: %u hosts, %u gone, %u unread",
			f->config.host, (long long)c.announce.offset_ms,
			(unsigned long long)c.views, (unsigned long long)c.cut, c.hosts, c.gone,
			c.unread);
	}
	health_put(f->config.health, "fleet", status, reason, wall_ms);
}

void fleeting_second(struct fleeting *f, uint64_t now_ns, int64_t wall_ms)
{
	if (!f->fleet)
		return;
	fleet_second(f->fleet);
	fleeting_tell(f, now_ns, wall_ms);
}

/* One row of /metrics. */
struct fleeting_row {
	const char *name, *help;
	size_t at;
	bool level; /* a uint32_t; else a uint64_t */
};

#define FLEETING_AT(field) offsetof(struct fleet_counts, field)

static const struct fleeting_row fleeting_rows[] = {
	{ "ringside_fleet_announcements", "Times that this host announced itself to its fleet.",
	  FLEETING_AT(announce.announced), false },
	{ "ringside_fleet_announcement_bytes", "Bytes of these.", FLEETING_AT(announce.bytes),
	  false },
	{ "ringside_fleet_announcements_failed", "Announcements that did not get there.",
	  FLEETING_AT(announce.failed), false },
	{ "ringside_fleet_announcements_of_others",
	  "Times that another agent of this host's name had announced itself.",
	  FLEETING_AT(announce.others), false },
	{ "ringside_fleet_views", "Views of the fleet that were gathered.", FLEETING_AT(views),
	  false },
	{ "ringside_fleet_views_cut", "Views that are not whole: there was too much to read.",
	  FLEETING_AT(cut), false },
	{ "ringside_fleet_views_failed", "Views that are none: the list of hosts was not read.",
	  FLEETING_AT(faults), false },
	{ "ringside_fleet_keys_read", "Values read for views.", FLEETING_AT(keys), false },
	{ "ringside_fleet_bytes_read", "Bytes of these.", FLEETING_AT(bytes), false },
	{ "ringside_fleet_values_refused", "Values in the place of a parcel that were none.",
	  FLEETING_AT(refused), false },
	{ "ringside_fleet_hosts", "Hosts of the fleet, as the last view had them.",
	  FLEETING_AT(hosts), true },
	{ "ringside_fleet_hosts_gone", "Hosts of it that were gone.", FLEETING_AT(gone), true },
	{ "ringside_fleet_hosts_unread", "Hosts of it of which nothing could be read.",
	  FLEETING_AT(unread), true },
};

size_t fleeting_counters(const struct fleeting *f, struct web_counter *out, size_t room)
{
	const size_t most = f->fleet ? sizeof(fleeting_rows) / sizeof(fleeting_rows[0]) : 0;
	struct fleet_counts counts;
	size_t count = 0;

	if (f->fleet)
		fleet_counts_get(f->fleet, &counts);
	for (; count < most && count < room; count++) {
		const struct fleeting_row *row = &fleeting_rows[count];
		const char *at = (const char *)&counts + row->at;
		double number = row->level ? (double)*(const uint32_t *)(const void *)at
					   : (double)*(const uint64_t *)(const void *)at;

		out[count] = (struct web_counter){
			.name = row->name, .help = row->help, .number = number, .level = row->level
		};
	}
	return count;
}
