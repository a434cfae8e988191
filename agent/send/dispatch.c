#include "dispatch.h"

#include "backoff.h"
#include "courier.h"
#include "health.h"
#include "herald.h"
#include "hold.h"
#include "log.h"
#include "postbox.h"
#include "stops.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define DISPATCH_SILENT_NS INT64_C(30000000000) /* beyond a channel's own time: nobody answers */
#define DISPATCH_KEPT_MS INT64_C(86400000)      /* no notice is told a day late */
#define DISPATCH_HEARD 256

struct dispatch_channel {
	struct dispatch_row row;
	uint64_t flying;              /* the sequence of the notice that is under way, … */
	int64_t flying_ms, flying_ns; /* … its time, and since when it is; flying_ns 0: none */
	int64_t due_ns;
	uint64_t dropped; /* too old, beside those of the postbox */
};

struct dispatch {
	pthread_mutex_t lock;
	struct dispatch_config config;
	struct postbox *postbox;
	struct dispatch_channel channels[CHANNEL_MAX];
	struct hold hold;
	pid_t pid;   /* of the courier; 0: it said nothing yet */
	bool silent; /* the courier is gone, and that was said */
};

static bool dispatch_is_used(const struct dispatch *d, uint32_t channel)
{
	return d->config.alerts->in_use >> channel & 1;
}

static bool dispatch_carries(const struct dispatch *d, uint32_t channel)
{
	return dispatch_is_used(d, channel) &&
	       d->config.alerts->channels[channel].type != CHANNEL_LOG;
}

static void dispatch_rows(struct dispatch *d, struct postbox_names *names)
{
	const struct config_alerts *a = d->config.alerts;

	names->count = a->count;
	for (uint32_t i = 0; i < a->count; i++) {
		struct dispatch_row *row = &d->channels[i].row;

		names->at[i] = a->channels[i].name;
		memcpy(row->name, a->channels[i].name, sizeof(row->name));
		row->type = channel_type_name(a->channels[i].type);
		row->in_use = dispatch_is_used(d, i);
		for (int level = 0; level < CONFIG_ALERTS_LEVELS; level++)
			row->levels |= (a->levels[level] >> i & 1) << level;
	}
}

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
		if (dispatch_carries(d, i))
			carried |= channels & 1u << i;
		else
			logged = logged || channels >> i & 1;
	}
	stops_at("decided");
	pthread_mutex_lock(&d->lock);
	hold_forget(&d->hold, notice->id);
	ret = postbox_put(d->postbox, notice, carried);
	pthread_mutex_unlock(&d->lock);
	if (ret)
		log_error("a notice is not on disk: %s", strerrordesc_np(-ret));
	if (logged)
		herald_send(NULL, notice);
}

void dispatch_settle(void *dispatch)
{
	struct dispatch *d = dispatch;

	pthread_mutex_lock(&d->lock);
	postbox_sync(d->postbox);
	pthread_mutex_unlock(&d->lock);
	stops_at("boxed");
}

static uint64_t dispatch_dropped(const struct dispatch *d, uint32_t channel)
{
	return d->channels[channel].dropped + d->postbox->dropped[channel];
}

static void dispatch_tell_channel(const struct dispatch *d, uint32_t channel, int64_t wall_ms)
{
	const struct dispatch_row *row = &d->channels[channel].row;
	uint64_t dropped = dispatch_dropped(d, channel);
	uint32_t waiting = postbox_waiting(d->postbox, channel);
	enum health_status status = HEALTH_HEALTHY;
	char name[HEALTH_NAME], reason[HEALTH_REASON];

	snprintf(name, sizeof(name), "channel.%.23s", row->name);
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

static void dispatch_tell(struct dispatch *d, int64_t wall_ms)
{
	const struct postbox *p = d->postbox;
	char reason[HEALTH_REASON] = "";

	for (uint32_t i = 0; i < d->config.alerts->count; i++)
		if (d->config.alerts->channels[i].type != CHANNEL_LOG)
			dispatch_tell_channel(d, i, wall_ms);
	if (p->error)
		snprintf(reason, sizeof(reason),
			 "notices on their way are in memory alone, a restart would lose them: %s",
			 strerrordesc_np(-p->error));
	else if (p->damaged)
		snprintf(reason, sizeof(reason), "%llu damaged lines of %s were left out",
			 (unsigned long long)p->damaged, POSTBOX_FILE);
	health_put(d->config.health, "outbox", *reason ? HEALTH_DEGRADED : HEALTH_HEALTHY, reason,
		   wall_ms);
}

int dispatch_open(struct dispatch **out, const struct dispatch_config *config, int64_t wall_ms)
{
	struct dispatch *d = calloc(1, sizeof(*d));
	struct postbox_names names;
	int ret;

	*out = NULL;
	if (!d)
		return -ENOMEM;
	d->config = *config;
	dispatch_rows(d, &names);
	ret = postbox_open(&d->postbox, config->folder, &names);
	if (!ret)
		ret = -pthread_mutex_init(&d->lock, NULL);
	if (ret) {
		postbox_close(d->postbox);
		free(d);
		return ret;
	}
	if (d->postbox->damaged)
		log_error("%llu lines of " POSTBOX_FILE " were damaged: what they said is lost",
			  (unsigned long long)d->postbox->damaged);
	dispatch_tell(d, wall_ms);
	*out = d;
	return 0;
}

/* What is too old to be told is not. */
static const struct postbox_entry *dispatch_next(struct dispatch *d, uint32_t channel,
						 int64_t wall_ms)
{
	const struct postbox_entry *entry;

	while ((entry = postbox_first(d->postbox, channel))) {
		if (wall_ms - entry->notice.at_ms < DISPATCH_KEPT_MS)
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
	const struct courier_order order = { channel, kind, *notice };

	return d->silent ? -EPIPE : courier_order(d->config.link, &order);
}

static void dispatch_channel_step(struct dispatch *d, uint32_t channel, int64_t now_ns,
				  int64_t wall_ms)
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
	entry = dispatch_next(d, channel, wall_ms);
	if (!entry || dispatch_order(d, channel, FORMAT_NOTICE, &entry->notice))
		return; /* it is behind: in a second */
	c->flying = entry->notice.sequence;
	c->flying_ms = entry->notice.at_ms;
	c->flying_ns = now_ns;
}

static void dispatch_step(struct dispatch *d, int64_t now_ns, int64_t wall_ms)
{
	for (uint32_t i = 0; i < d->config.alerts->count; i++)
		if (dispatch_carries(d, i))
			dispatch_channel_step(d, i, now_ns, wall_ms);
}

void dispatch_second(struct dispatch *d, int64_t now_ns, int64_t wall_ms)
{
	pthread_mutex_lock(&d->lock);
	postbox_mend(d->postbox);
	dispatch_step(d, now_ns, wall_ms);
	dispatch_tell(d, wall_ms);
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

static void dispatch_arrived(struct dispatch_channel *c, const struct courier_word *w,
			     int64_t wall_ms)
{
	if (c->row.tries)
		log_info("channel %s works again", c->row.name);
	c->row.tries = 0;
	c->row.delivered++;
	c->row.arrived_ms = wall_ms;
	c->due_ns = 0;
	snprintf(c->row.said, sizeof(c->row.said), "%s", w->text);
}

static void dispatch_refused(struct dispatch_channel *c, const struct courier_word *w,
			     int64_t wall_ms)
{
	log_error("channel %s refuses a notice for good: %s", c->row.name, w->text);
	c->row.refused++;
	c->row.failed_ms = wall_ms;
	snprintf(c->row.fault, sizeof(c->row.fault), "%s", w->text);
}

/* Of a notice that we wait for; one that another worker ordered is ordered again and known. */
static void dispatch_take_notice(struct dispatch *d, const struct courier_word *w, int64_t now_ns,
				 int64_t wall_ms)
{
	struct dispatch_channel *c = &d->channels[w->channel];

	if (!c->flying_ns || c->flying != w->sequence || c->flying_ms != w->at_ms)
		return;
	c->flying_ns = 0;
	if (w->outcome == COURIER_LATER) {
		dispatch_failed(c, w, now_ns, wall_ms);
		return;
	}
	stops_at("heard");
	if (w->outcome == COURIER_ARRIVED)
		dispatch_arrived(c, w, wall_ms);
	else
		dispatch_refused(c, w, wall_ms);
	postbox_done(d->postbox, w->sequence, w->channel);
	stops_at("done");
}

static void dispatch_take_trial(struct dispatch_channel *c, const struct courier_word *w)
{
	if (c->row.trial != DISPATCH_TRYING || c->row.trial_ms != w->at_ms)
		return;
	c->row.trial = w->outcome == COURIER_ARRIVED ? DISPATCH_GOOD : DISPATCH_BAD;
	snprintf(c->row.trial_text, sizeof(c->row.trial_text), "%s", w->text);
}

/* A courier that is new knows of nothing: what was under way is ordered again. */
static void dispatch_anew(struct dispatch *d)
{
	for (uint32_t i = 0; i < CHANNEL_MAX; i++) {
		struct dispatch_row *row = &d->channels[i].row;

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
	d->pid = w->pid;
	if (w->kind == FORMAT_HELD)
		hold_heard(&d->hold);
	else if (w->outcome == COURIER_HELLO)
		dispatch_anew(d);
	else if (w->kind == FORMAT_NOTICE)
		dispatch_take_notice(d, w, now_ns, wall_ms);
	else if (w->kind == FORMAT_TEST)
		dispatch_take_trial(&d->channels[w->channel], w);
}

static bool dispatch_forgets(const struct dispatch *d, uint32_t channel)
{
	return dispatch_is_used(d, channel) &&
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
	pthread_mutex_lock(&d->lock);
	for (uint32_t i = 0; i < d->config.alerts->count; i++) {
		rows[i] = d->channels[i].row;
		rows[i].waiting = postbox_waiting(d->postbox, i);
		rows[i].dropped = dispatch_dropped(d, i);
	}
	pthread_mutex_unlock(&d->lock);
	return d->config.alerts->count;
}

void dispatch_counts_get(struct dispatch *d, struct dispatch_counts *out)
{
	memset(out, 0, sizeof(*out));
	pthread_mutex_lock(&d->lock);
	for (uint32_t i = 0; i < d->config.alerts->count; i++) {
		out->waiting += postbox_waiting(d->postbox, i);
		out->dropped += dispatch_dropped(d, i);
	}
	out->damaged = d->postbox->damaged;
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
	if (!dispatch_carries(d, channel)) {
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
