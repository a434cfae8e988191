#include "dispatch.h"

#include "actions.h"
#include "backoff.h"
#include "courier.h"
#include "desk.h"
#include "herald.h"
#include "log.h"
#include "stops.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define DISPATCH_SILENT_NS INT64_C(30000000000) /* beyond a channel's own time: nobody answers */
#define DISPATCH_KEPT_MS INT64_C(86400000)      /* no notice is told a day late */
#define DISPATCH_LEAST_MS INT64_C(3600000)      /* … but what another run left has an hour */
#define DISPATCH_HEARD 256
#define DISPATCH_MS INT64_C(1000000)

void dispatch_close(struct dispatch *d)
{
	if (!d)
		return;
	hold_fini(&d->hold);
	postbox_close(d->postbox);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

/* Those of its level and of the levels below: who was told before hears how it goes on. */
static uint32_t dispatch_of(const struct dispatch *d, const struct notice *n)
{
	uint32_t channels = 0;

	for (int level = 0; level < CONFIG_ALERTS_LEVELS && level < n->level; level++)
		channels |= d->config.alerts->levels[level];
	return channels & d->config.alerts->in_use;
}

void dispatch_notice(void *dispatch, const struct notice *notice)
{
	struct dispatch *d = dispatch;
	uint32_t channels = dispatch_of(d, notice), carried = 0;
	bool logged = false;
	int ret;

	for (uint32_t i = 0; i < d->config.alerts->count; i++) {
		if (desk_carries(d, i) || (desk_acts(d, i) && actions_are_for(d, notice)))
			carried |= channels & 1u << i;
		else if (!desk_acts(d, i))
			logged = logged || channels >> i & 1;
	}
	stops_at("decided");
	pthread_mutex_lock(&d->lock);
	hold_forget(&d->hold, notice->id);
	ret = postbox_put(d->postbox, notice, carried);
	pthread_mutex_unlock(&d->lock);
	if (ret)
		log_error("a notice is kept in memory alone: %s", strerrordesc_np(-ret));
	if (logged)
		herald_send(NULL, notice);
}

void dispatch_settle(void *dispatch)
{
	struct dispatch *d = dispatch;

	pthread_mutex_lock(&d->lock);
	postbox_sync(d->postbox);
	pthread_mutex_unlock(&d->lock);
}

int dispatch_open(struct dispatch **out, const struct dispatch_config *config, int64_t wall_ms)
{
	struct dispatch *d = calloc(1, sizeof(*d));
	char damage[DISPATCH_TEXT];
	struct postbox_names names;
	int ret;

	*out = NULL;
	if (!d)
		return -ENOMEM;
	d->config = *config;
	desk_open(d, &names);
	ret = postbox_open(&d->postbox, config->scribe, &names);
	if (!ret)
		ret = -pthread_mutex_init(&d->lock, NULL);
	if (ret) {
		postbox_close(d->postbox);
		free(d);
		return ret;
	}
	desk_damage(d, damage, sizeof(damage));
	if (*damage)
		log_error("%s/%s", scribe_folder(config->scribe), damage);
	desk_tell(d, wall_ms);
	*out = d;
	return 0;
}

/*
 * Since when all wait, by a clock that nobody sets. What another run left has but its wall time, of
 * which it cannot be known whether it was this one's: it is believed as far as that does no harm.
 */
static void dispatch_age(const struct dispatch *d, int64_t now_ns, int64_t wall_ms)
{
	for (size_t i = 0; i < d->postbox->count; i++) {
		struct postbox_entry *entry = &d->postbox->entries[i];
		int64_t age_ms = wall_ms - entry->notice.at_ms;

		if (entry->aged)
			continue;
		if (age_ms > DISPATCH_KEPT_MS - DISPATCH_LEAST_MS)
			age_ms = DISPATCH_KEPT_MS - DISPATCH_LEAST_MS;
		entry->since_ns = now_ns - (age_ms > 0 ? age_ms : 0) * DISPATCH_MS;
		entry->aged = true;
	}
}

/* What is too old to be told is not. */
static const struct postbox_entry *dispatch_next(struct dispatch *d, uint32_t channel,
						 int64_t now_ns)
{
	const struct postbox_entry *entry;

	while ((entry = postbox_first(d->postbox, channel))) {
		if (now_ns - entry->since_ns < DISPATCH_KEPT_MS * DISPATCH_MS)
			return entry;
		log_error("channel %s: a notice of %s is given up after a day",
			  d->channels[channel].row.name, entry->notice.rule);
		d->channels[channel].dropped++;
		postbox_done(d->postbox, entry->notice.sequence, channel);
	}
	return NULL;
}

static int dispatch_order(const struct dispatch *d, uint32_t channel, enum format_kind kind,
			  const struct notice *notice)
{
	const struct courier_order order = { .kind = kind,
					     .sum = channel_sum(
						     &d->config.alerts->channels[channel]),
					     .notice = *notice };

	return d->silent ? -EPIPE : courier_order(d->config.link, &order);
}

static void dispatch_channel_step(struct dispatch *d, uint32_t channel, int64_t now_ns)
{
	struct dispatch_channel *c = &d->channels[channel];
	int64_t most_ns = d->config.alerts->channels[channel].timeout_ms * INT64_C(1000000) +
			  DISPATCH_SILENT_NS;
	const struct postbox_entry *entry;

	if (c->flying_ns && now_ns - c->flying_ns < most_ns)
		return;
	c->flying_ns = 0;
	if (now_ns < c->due_ns)
		return;
	entry = dispatch_next(d, channel, now_ns);
	if (!entry || dispatch_order(d, channel, FORMAT_NOTICE, &entry->notice))
		return; /* it is behind: in a second */
	c->flying = entry->notice.sequence;
	c->flying_ms = entry->notice.at_ms;
	c->flying_ns = now_ns;
}

static void dispatch_step(struct dispatch *d, int64_t now_ns, int64_t wall_ms)
{
	if (!d->now_ns)
		actions_recall(d, now_ns, wall_ms);
	d->now_ns = now_ns;
	dispatch_age(d, now_ns, wall_ms);
	if (!postbox_is_settled(d->postbox))
		return;
	for (uint32_t i = 0; i < d->config.alerts->count; i++) {
		if (desk_carries(d, i))
			dispatch_channel_step(d, i, now_ns);
		else if (desk_acts(d, i))
			actions_step(d, i, now_ns, wall_ms);
	}
}

void dispatch_second(struct dispatch *d, int64_t now_ns, int64_t wall_ms)
{
	pthread_mutex_lock(&d->lock);
	postbox_second(d->postbox);
	dispatch_step(d, now_ns, wall_ms);
	desk_tell(d, wall_ms);
	pthread_mutex_unlock(&d->lock);
}

void dispatch_written(struct dispatch *d, int64_t now_ns, int64_t wall_ms)
{
	pthread_mutex_lock(&d->lock);
	dispatch_step(d, now_ns, wall_ms);
	pthread_mutex_unlock(&d->lock);
}

static void dispatch_failed(struct dispatch_channel *c, const struct courier_word *w,
			    int64_t now_ns, int64_t wall_ms)
{
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		random = UINT32_MAX / 2;
	if (!c->row.tries)
		log_warning("channel %s: %s", c->row.name, w->text);
	c->row.tries++;
	c->row.failed_ms = wall_ms;
	snprintf(c->row.fault, sizeof(c->row.fault), "%s", w->text);
	c->due_ns = now_ns + backoff_wait_ns(c->row.tries, random);
	if (now_ns + w->retry_ms * INT64_C(1000000) > c->due_ns)
		c->due_ns = now_ns + w->retry_ms * INT64_C(1000000);
}

/* Of a notice that we wait for; one that another worker ordered is ordered again and known. */
static void dispatch_take_notice(struct dispatch *d, uint32_t channel, const struct courier_word *w,
				 int64_t now_ns, int64_t wall_ms)
{
	struct dispatch_channel *c = &d->channels[channel];

	if (!c->flying_ns || c->flying != w->sequence || c->flying_ms != w->at_ms)
		return;
	c->flying_ns = 0;
	if (w->outcome == COURIER_LATER) {
		dispatch_failed(c, w, now_ns, wall_ms);
		return;
	}
	stops_at("heard");
	c->due_ns = 0;
	if (w->outcome == COURIER_ARRIVED)
		desk_arrived(c, w->text, wall_ms);
	else
		desk_refused(c, w->text, wall_ms);
	postbox_done(d->postbox, w->sequence, channel);
}

/* A courier that is new knows of nothing: what was under way is ordered again. */
static void dispatch_anew(struct dispatch *d)
{
	for (uint32_t i = 0; i < d->config.alerts->count; i++) {
		struct dispatch_row *row = &d->channels[i].row;

		if (!desk_carries(d, i))
			continue;
		d->channels[i].flying_ns = 0;
		if (row->trial != DISPATCH_TRYING)
			continue;
		row->trial = DISPATCH_BAD;
		snprintf(row->trial_text, sizeof(row->trial_text), "the runner was started anew");
	}
}

static void dispatch_take(struct dispatch *d, const struct courier_word *w, int64_t now_ns,
			  int64_t wall_ms)
{
	int at = desk_find(d, w);

	d->pid = w->pid;
	if (w->kind == FORMAT_HELD)
		hold_heard(&d->hold);
	else if (w->outcome == COURIER_HELLO)
		dispatch_anew(d);
	else if (at < 0 || !desk_carries(d, (uint32_t)at))
		return; /* it speaks for none but its own */
	else if (w->kind == FORMAT_NOTICE)
		dispatch_take_notice(d, (uint32_t)at, w, now_ns, wall_ms);
	else if (w->kind == FORMAT_TEST)
		desk_tried(&d->channels[at], w);
}

static bool dispatch_forgets(const struct dispatch *d, uint32_t channel)
{
	return desk_is_used(d, channel) &&
	       d->config.alerts->channels[channel].type == CHANNEL_ALERTMANAGER;
}

bool dispatch_holds(struct dispatch *d, int64_t now_ns)
{
	bool any = false;

	for (uint32_t i = 0; i < d->config.alerts->count; i++)
		any = any || dispatch_forgets(d, i);
	return any && hold_is_due(&d->hold, now_ns);
}

/* To a channel that fails nothing is held: what waits for it comes first. */
static uint32_t dispatch_hold_one(const struct dispatch *d, const struct notice *notice)
{
	uint32_t channels = dispatch_of(d, notice), told = 0;

	for (uint32_t i = 0; i < d->config.alerts->count; i++)
		if (channels >> i & 1 && dispatch_forgets(d, i) && !d->channels[i].row.tries)
			told += !dispatch_order(d, i, FORMAT_HELD, notice);
	return told;
}

static void dispatch_hold_step(struct dispatch *d)
{
	const struct notice *notice;

	while ((notice = hold_next(&d->hold)))
		hold_told(&d->hold, notice->id ? dispatch_hold_one(d, notice) : 0);
}

void dispatch_hold(struct dispatch *d, struct notice *notices, size_t count)
{
	pthread_mutex_lock(&d->lock);
	hold_begin(&d->hold, notices, count);
	dispatch_hold_step(d);
	pthread_mutex_unlock(&d->lock);
}

pid_t dispatch_courier(struct dispatch *d)
{
	return d->pid;
}

pid_t dispatch_runner(struct dispatch *d)
{
	return d->runner;
}

bool dispatch_hear(struct dispatch *d, int64_t now_ns, int64_t wall_ms)
{
	struct courier_word word;
	int ret = 1;

	pthread_mutex_lock(&d->lock);
	for (int i = 0; i < DISPATCH_HEARD && (ret == 1 || ret == -EBADMSG); i++) {
		ret = courier_hear(d->config.link, &word);
		if (ret == 1)
			dispatch_take(d, &word, now_ns, wall_ms);
	}
	if (ret != 1 && ret != -EAGAIN && ret != -EINTR && ret != -EBADMSG) {
		d->silent = true;
		log_error("the runner is gone: notices wait until the agent is started again");
	}
	dispatch_step(d, now_ns, wall_ms);
	dispatch_hold_step(d);
	pthread_mutex_unlock(&d->lock);
	return !d->silent;
}

uint32_t dispatch_list(struct dispatch *d, struct dispatch_row *rows)
{
	uint32_t count;

	pthread_mutex_lock(&d->lock);
	count = d->config.alerts->count; /* a reload changes it */
	for (uint32_t i = 0; i < count; i++) {
		rows[i] = d->channels[i].row;
		rows[i].waiting = postbox_waiting(d->postbox, i);
		rows[i].dropped = desk_dropped(d, i);
	}
	pthread_mutex_unlock(&d->lock);
	return count;
}

void dispatch_counts_get(struct dispatch *d, struct dispatch_counts *out)
{
	memset(out, 0, sizeof(*out));
	pthread_mutex_lock(&d->lock);
	for (uint32_t i = 0; i < d->config.alerts->count; i++) {
		out->waiting += postbox_waiting(d->postbox, i);
		out->dropped += desk_dropped(d, i);
	}
	out->damaged = d->postbox->damaged;
	pthread_mutex_unlock(&d->lock);
}

/* What is known of a channel goes on where there is one of its name. */
static void dispatch_move(struct dispatch *d, const struct config_alerts *next)
{
	struct dispatch_channel moved[CHANNEL_MAX] = { 0 };

	for (uint32_t k = 0; k < d->config.alerts->count; k++) {
		bool stays = false;

		for (uint32_t i = 0; i < next->count; i++) {
			if (strcmp(next->channels[i].name, d->channels[k].row.name) != 0)
				continue;
			moved[i] = d->channels[k];
			stays = true;
		}
		if (!stays)
			desk_leave(d, k);
	}
	memcpy(d->channels, moved, sizeof(moved));
	d->config.alerts = next;
	for (uint32_t i = 0; i < next->count; i++) {
		if (desk_acts(d, i))
			continue;
		/* it is ordered again, from who has the channel as it is now; and at once */
		d->channels[i].flying_ns = d->channels[i].due_ns = 0;
		d->channels[i].begins = false; /* it is no action any more */
		if (d->channels[i].row.trial != DISPATCH_TRYING)
			continue;
		d->channels[i].row.trial = DISPATCH_BAD;
		snprintf(d->channels[i].row.trial_text, DISPATCH_TEXT, "channels were read again");
	}
}

void dispatch_channels(struct dispatch *d, const struct config_alerts *alerts)
{
	struct postbox_names names;

	pthread_mutex_lock(&d->lock);
	dispatch_move(d, alerts);
	desk_open(d, &names);
	postbox_rename(d->postbox, &names);
	for (uint32_t i = 0; i < alerts->count; i++)
		if (desk_carries(d, i) && d->config.link < 0)
			log_warning("channel %s: the agent has no runner; start it again",
				    alerts->channels[i].name);
	pthread_mutex_unlock(&d->lock);
}

static int dispatch_try_one(struct dispatch *d, uint32_t channel, int64_t wall_ms)
{
	struct dispatch_row *row = &d->channels[channel].row;
	struct notice notice = { .rule = "ringside-test",
				 .severity = SPEC_WARNING,
				 .level = 1,
				 .number = 1,
				 .unit = METRIC_UNIT_NUMBER,
				 .at_ms = wall_ms,
				 .since_ms = wall_ms,
				 .summary = "somebody tries this channel; nothing is wrong" };
	int ret;

	if (!row->in_use)
		return -ENODEV;
	if (row->trial == DISPATCH_TRYING)
		return -EBUSY;
	if (desk_acts(d, channel)) {
		actions_try(d, channel, &notice);
		return 0;
	}
	if (!desk_carries(d, channel)) {
		herald_send(NULL, &notice);
		row->trial = DISPATCH_GOOD;
		row->trial_ms = wall_ms;
		snprintf(row->trial_text, sizeof(row->trial_text), "written");
		return 0;
	}
	ret = dispatch_order(d, channel, FORMAT_TEST, &notice);
	if (!ret) {
		row->trial = DISPATCH_TRYING;
		row->trial_ms = wall_ms;
		row->trial_text[0] = '\0';
	}
	return ret;
}

int dispatch_try(struct dispatch *d, const char *name, int64_t wall_ms)
{
	int ret = -ENOENT;

	pthread_mutex_lock(&d->lock);
	for (uint32_t i = 0; i < d->config.alerts->count; i++)
		if (!strcmp(d->config.alerts->channels[i].name, name))
			ret = dispatch_try_one(d, i, wall_ms);
	pthread_mutex_unlock(&d->lock);
	return ret;
}
