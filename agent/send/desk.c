#include "desk.h"

#include "courier.h"
#include "health.h"
#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DESK_LATE 5 /* seconds: a disk that takes longer is spoken of */

bool desk_is_used(const struct dispatch *d, uint32_t channel)
{
	return d->config.alerts->in_use >> channel & 1;
}

bool desk_acts(const struct dispatch *d, uint32_t channel)
{
	return desk_is_used(d, channel) &&
	       channel_is_action(d->config.alerts->channels[channel].type);
}

bool desk_carries(const struct dispatch *d, uint32_t channel)
{
	return desk_is_used(d, channel) && !desk_acts(d, channel) &&
	       d->config.alerts->channels[channel].type != CHANNEL_LOG;
}

int desk_find(const struct dispatch *d, const struct courier_word *w)
{
	for (uint32_t i = 0; i < d->config.alerts->count; i++)
		if (desk_is_used(d, i) && channel_sum(&d->config.alerts->channels[i]) == w->sum)
			return (int)i;
	return -ENOENT;
}

uint64_t desk_dropped(const struct dispatch *d, uint32_t channel)
{
	return d->channels[channel].dropped + d->postbox->dropped[channel];
}

void desk_open(struct dispatch *d, struct postbox_names *names)
{
	const struct config_alerts *a = d->config.alerts;

	names->count = a->count;
	for (uint32_t i = 0; i < a->count; i++) {
		struct dispatch_row *row = &d->channels[i].row;

		names->at[i] = a->channels[i].name;
		memcpy(row->name, a->channels[i].name, sizeof(row->name));
		row->type = channel_type_name(a->channels[i].type);
		row->in_use = desk_is_used(d, i);
		row->levels = 0;
		for (int level = 0; level < CONFIG_ALERTS_LEVELS; level++)
			row->levels |= (a->levels[level] >> i & 1) << level;
	}
}

void desk_arrived(struct dispatch_channel *c, const char *text, int64_t wall_ms)
{
	if (c->row.tries)
		log_info("channel %s works again", c->row.name);
	c->row.tries = 0;
	c->row.delivered++;
	c->row.arrived_ms = wall_ms;
	snprintf(c->row.said, sizeof(c->row.said), "%s", text);
}

void desk_refused(struct dispatch_channel *c, const char *text, int64_t wall_ms)
{
	log_error("channel %s refuses a notice for good: %s", c->row.name, text);
	c->row.refused++;
	c->row.failed_ms = wall_ms;
	snprintf(c->row.fault, sizeof(c->row.fault), "%s", text);
}

void desk_tried(struct dispatch_channel *c, const struct courier_word *w)
{
	if (c->row.trial != DISPATCH_TRYING || c->row.trial_ms != w->at_ms)
		return;
	c->row.trial = w->outcome == COURIER_ARRIVED ? DISPATCH_GOOD : DISPATCH_BAD;
	snprintf(c->row.trial_text, sizeof(c->row.trial_text), "%s", w->text);
}

static void desk_part(const struct dispatch *d, uint32_t channel, char name[HEALTH_NAME])
{
	snprintf(name, HEALTH_NAME, "channel.%.23s", d->channels[channel].row.name);
}

void desk_leave(const struct dispatch *d, uint32_t channel)
{
	char name[HEALTH_NAME];

	desk_part(d, channel, name);
	health_drop(d->config.health, name);
}

static void desk_tell_channel(const struct dispatch *d, uint32_t channel, int64_t wall_ms)
{
	const struct dispatch_row *row = &d->channels[channel].row;
	uint64_t dropped = desk_dropped(d, channel);
	uint32_t waiting = postbox_waiting(d->postbox, channel);
	enum health_status status = HEALTH_HEALTHY;
	char name[HEALTH_NAME], reason[HEALTH_REASON];

	desk_part(d, channel, name);
	snprintf(reason, sizeof(reason), "%llu delivered, %u waiting, %llu dropped, %llu refused",
		 (unsigned long long)row->delivered, waiting, (unsigned long long)dropped,
		 (unsigned long long)row->refused);
	if (!row->in_use) {
		status = HEALTH_INFO;
		snprintf(reason, sizeof(reason), "not configured");
	} else if (!row->levels && !waiting) {
		status = HEALTH_INFO;
		snprintf(reason, sizeof(reason), "no level names it: it is told of nothing");
	} else if (row->tries) {
		status = HEALTH_DEGRADED;
		snprintf(reason, sizeof(reason), "failed %u times, %u wait, %llu dropped: %.96s",
			 row->tries, waiting, (unsigned long long)dropped, row->fault);
	} else if (dropped || row->refused) {
		status = HEALTH_DEGRADED;
	}
	health_put(d->config.health, name, status, reason, wall_ms);
}

void desk_damage(const struct dispatch *d, char *out, size_t size)
{
	const struct postbox *p = d->postbox;

	if (p->unread)
		snprintf(out, size, POSTBOX_FILE " cannot be read: %s: what it said is lost",
			 strerrordesc_np(-p->unread));
	else if (p->damaged)
		snprintf(out, size,
			 POSTBOX_FILE ": line %" PRIu64 ", from byte %zu on, is damaged, %" PRIu64
				      " lines in all: what they said is lost",
			 p->place.line, p->place.byte, p->damaged);
	else
		out[0] = '\0';
}

void desk_tell(struct dispatch *d, int64_t wall_ms)
{
	const struct postbox *p = d->postbox;
	char reason[HEALTH_REASON] = "";

	if (p->error && !d->unkept)
		log_error("notices on their way are in memory alone: %s",
			  strerrordesc_np(-p->error));
	d->unkept = p->error != 0;
	for (uint32_t i = 0; i < d->config.alerts->count; i++)
		if (d->config.alerts->channels[i].type != CHANNEL_LOG)
			desk_tell_channel(d, i, wall_ms);
	if (p->error)
		snprintf(reason, sizeof(reason),
			 "notices on their way are in memory alone, a restart would lose them: %s",
			 strerrordesc_np(-p->error));
	else if (p->late >= DESK_LATE)
		snprintf(reason, sizeof(reason),
			 "the disk has not taken what changed for %u s: notices wait for that",
			 p->late);
	else
		desk_damage(d, reason, sizeof(reason));
	health_put(d->config.health, "outbox", *reason ? HEALTH_DEGRADED : HEALTH_HEALTHY, reason,
		   wall_ms);
}
