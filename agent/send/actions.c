#include "actions.h"

#include "courier.h"
#include "log.h"
#include "runner.h"
#include "stops.h"
#include "wipe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ACTIONS_SILENT_NS INT64_C(30000000000) /* beyond an action's own time */
#define ACTIONS_HEARD 64
#define ACTIONS_MS INT64_C(1000000)
#define ACTIONS_KEPT_MS 3600000

static const struct channel *actions_channel(const struct dispatch *d, uint32_t channel)
{
	return &d->config.alerts->channels[channel];
}

/* Since the last time, as far as the clock of another run can be trusted. */
static void actions_recall_one(struct dispatch *d, uint32_t channel, int64_t now_ns,
			       int64_t wall_ms)
{
	int64_t begun_ms = d->postbox->begun_ms[channel];
	int64_t pause_ms = actions_channel(d, channel)->pause_ms;
	int64_t past_ms = wall_ms > begun_ms ? wall_ms - begun_ms : 0;

	if (begun_ms && past_ms < pause_ms)
		d->channels[channel].due_ns = now_ns + (pause_ms - past_ms) * ACTIONS_MS;
}

void actions_recall(struct dispatch *d, int64_t now_ns, int64_t wall_ms)
{
	const struct postbox_entry *entry;

	for (uint32_t i = 0; i < d->config.alerts->count; i++) {
		if (!desk_acts(d, i))
			continue;
		actions_recall_one(d, i, now_ns, wall_ms);
		while (d->postbox->damaged && (entry = postbox_first(d->postbox, i))) {
			d->channels[i].dropped++;
			postbox_done(d->postbox, entry->notice.sequence, i);
		}
	}
}

bool actions_are_for(const struct dispatch *d, const struct notice *notice)
{
	return notice->kind == NOTICE_FIRING && !(notice->again && d->postbox->damaged);
}

static void actions_values(const struct notice *n, struct action_values *out)
{
	const char *const texts[ACTION_VALUES] = {
		[ACTION_RULE] = n->rule,
		[ACTION_SEVERITY] = spec_severity_name(n->severity),
		[ACTION_SERVICE] = n->labels.service,
		[ACTION_ENVIRONMENT] = n->labels.environment,
		[ACTION_ROUTE] = n->labels.route,
		[ACTION_METHOD] = n->labels.method,
		[ACTION_VALUE] = "",
		[ACTION_LIMIT] = "",
	};

	for (int i = 0; i < ACTION_VALUES; i++)
		snprintf(out->at[i], ACTION_TEXT, "%s", texts[i]);
	metric_value_format(n->value, n->unit, out->at[ACTION_VALUE], ACTION_TEXT);
	metric_value_format(n->limit, n->unit, out->at[ACTION_LIMIT], ACTION_TEXT);
}

/* COURIER_HELLO: it is under way, and the cache's owner has the word. */
static enum courier_outcome actions_clear(const struct dispatch *d, const struct channel *c,
					  const struct dispatch_channel *of,
					  char text[COURIER_TEXT])
{
	struct wipe_order order = { .kind = of->kind,
				    .sum = channel_sum(c),
				    .sequence = of->notice.sequence,
				    .at_ms = of->notice.at_ms };
	int ret;

	if (d->config.cache < 0) {
		snprintf(text, COURIER_TEXT, "not done: the cache is turned off by cache.enabled");
		return COURIER_REFUSED;
	}
	memcpy(order.pattern, c->values[CHANNEL_PATTERN], sizeof(order.pattern));
	ret = wipe_order(d->config.cache, &order);
	if (!ret)
		return COURIER_HELLO;
	snprintf(text, COURIER_TEXT, "not done: the cache takes no orders: %s",
		 strerrordesc_np(-ret));
	return COURIER_REFUSED;
}

/* The same of the runner. */
static enum courier_outcome actions_do(const struct dispatch *d, uint32_t channel,
				       char text[COURIER_TEXT])
{
	const struct channel *c = actions_channel(d, channel);
	const struct dispatch_channel *of = &d->channels[channel];
	struct runner_order order = { .kind = of->kind,
				      .sum = channel_sum(c),
				      .sequence = of->notice.sequence,
				      .at_ms = of->notice.at_ms };
	int ret;

	if (c->type == CHANNEL_CACHE_CLEAR)
		return actions_clear(d, c, of, text);
	actions_values(&of->notice, &order.values);
	ret = runner_order(d->config.runner, &order);
	if (!ret)
		return COURIER_HELLO;
	snprintf(text, COURIER_TEXT, "not done: the runner takes no orders: %s",
		 ret == -EBADF ? "actions are read when the agent is started"
			       : strerrordesc_np(-ret));
	return COURIER_REFUSED;
}

static void actions_end(struct dispatch_channel *c, const struct courier_word *w, int64_t wall_ms)
{
	if (w->kind == FORMAT_TEST) {
		desk_tried(c, w);
		return;
	}
	if (c->flying == w->sequence)
		c->flying_ns = 0;
	if (w->outcome == COURIER_ARRIVED)
		desk_arrived(c, w->text, wall_ms);
	else
		desk_refused(c, w->text, wall_ms);
}

/* The disk has it that this begins, or refused that. */
static void actions_go(struct dispatch *d, uint32_t channel, int64_t wall_ms)
{
	struct dispatch_channel *c = &d->channels[channel];
	struct courier_word word = { .outcome = COURIER_REFUSED,
				     .kind = c->kind,
				     .sequence = c->notice.sequence,
				     .at_ms = c->notice.at_ms };

	if (!c->begins || !postbox_is_settled(d->postbox))
		return;
	c->begins = false;
	stops_at("begun");
	if (d->postbox->error)
		snprintf(word.text, sizeof(word.text),
			 "not done: the outbox takes no mark, and a kill would have it done twice: "
			 "%s",
			 strerrordesc_np(-d->postbox->error));
	else
		word.outcome = actions_do(d, channel, word.text);
	stops_at("ordered");
	if (word.outcome != COURIER_HELLO) {
		actions_end(c, &word, wall_ms);
	} else if (c->kind == FORMAT_NOTICE) {
		c->flying = c->notice.sequence;
		c->flying_ns = d->now_ns;
	}
}

static void actions_begin(struct dispatch *d, uint32_t channel, enum format_kind kind,
			  const struct notice *notice, int64_t wall_ms)
{
	struct dispatch_channel *c = &d->channels[channel];

	c->begins = true;
	c->kind = kind;
	c->notice = *notice;
	c->due_ns = d->now_ns + actions_channel(d, channel)->pause_ms * ACTIONS_MS;
	postbox_begin(d->postbox, notice->sequence, channel, wall_ms);
	actions_go(d, channel, wall_ms);
}

/* Why what waits is not done; NULL: it is. It may be for what was another type of channel. */
static const char *actions_skip(const struct dispatch_channel *c, const struct notice *notice,
				int64_t now_ns, int64_t wall_ms)
{
	if (notice->kind != NOTICE_FIRING)
		return "it is over";
	if (wall_ms - notice->at_ms > ACTIONS_KEPT_MS)
		return "it is an hour old";
	return now_ns < c->due_ns ? "more often than at_most_every" : NULL;
}

void actions_step(struct dispatch *d, uint32_t channel, int64_t now_ns, int64_t wall_ms)
{
	struct dispatch_channel *c = &d->channels[channel];
	int64_t most_ns = actions_channel(d, channel)->timeout_ms * ACTIONS_MS + ACTIONS_SILENT_NS;
	const struct postbox_entry *entry;

	if (c->flying_ns && now_ns - c->flying_ns < most_ns)
		return;
	if (c->flying_ns)
		desk_refused(c, "the runner did not say how it went", wall_ms);
	c->flying_ns = 0;
	actions_go(d, channel, wall_ms);
	while (!c->flying_ns && !c->begins && (entry = postbox_first(d->postbox, channel))) {
		const struct notice notice = entry->notice;
		const char *why = actions_skip(c, &notice, now_ns, wall_ms);

		if (!why) {
			actions_begin(d, channel, FORMAT_NOTICE, &notice, wall_ms);
			continue;
		}
		log_info("action %s: not done for %s: %s", c->row.name, notice.rule, why);
		c->row.skipped++;
		postbox_done(d->postbox, notice.sequence, channel);
	}
}

void actions_try(struct dispatch *d, uint32_t channel, const struct notice *notice)
{
	struct dispatch_channel *c = &d->channels[channel];

	c->row.trial = DISPATCH_TRYING;
	c->row.trial_ms = notice->at_ms;
	c->row.trial_text[0] = '\0';
	if (d->now_ns >= c->due_ns && !c->flying_ns && !c->begins) {
		actions_begin(d, channel, FORMAT_TEST, notice, notice->at_ms);
		return;
	}
	c->row.trial = DISPATCH_BAD;
	snprintf(c->row.trial_text, sizeof(c->row.trial_text),
		 "not done: more often than at_most_every");
}

/* A runner that is new: of what its predecessor did nobody knows. */
static void actions_anew(struct dispatch *d, int64_t wall_ms)
{
	for (uint32_t i = 0; i < d->config.alerts->count; i++) {
		struct dispatch_channel *c = &d->channels[i];
		const struct courier_word lost = { .outcome = COURIER_REFUSED,
						   .kind = FORMAT_TEST,
						   .at_ms = c->row.trial_ms,
						   .text = "the runner was started anew" };

		if (!desk_acts(d, i) || d->config.alerts->channels[i].type == CHANNEL_CACHE_CLEAR)
			continue;
		if (c->flying_ns)
			desk_refused(c, "the runner was started anew, and may have begun it",
				     wall_ms);
		c->flying_ns = 0;
		desk_tried(c, &lost);
	}
}

static void actions_word(struct dispatch *d, const struct courier_word *word, int64_t wall_ms)
{
	int at = desk_find(d, word);

	if (word->pid)
		d->runner = word->pid;
	if (word->outcome == COURIER_HELLO)
		actions_anew(d, wall_ms);
	else if (at >= 0 && desk_acts(d, (uint32_t)at))
		actions_end(&d->channels[at], word, wall_ms);
}

/* The result of the last look. */
static int actions_hear_on(struct dispatch *d, int link, int64_t now_ns, int64_t wall_ms)
{
	struct courier_word word;
	int ret = 1;

	pthread_mutex_lock(&d->lock);
	for (int i = 0; i < ACTIONS_HEARD && (ret == 1 || ret == -EBADMSG); i++) {
		ret = courier_hear(link, &word);
		if (ret == 1)
			actions_word(d, &word, wall_ms);
	}
	for (uint32_t i = 0; d->now_ns && i < d->config.alerts->count; i++)
		if (desk_acts(d, i) && postbox_is_settled(d->postbox))
			actions_step(d, i, now_ns, wall_ms);
	pthread_mutex_unlock(&d->lock);
	return ret;
}

bool actions_hear(struct dispatch *d, int64_t now_ns, int64_t wall_ms)
{
	int ret = actions_hear_on(d, d->config.runner, now_ns, wall_ms);

	if (ret == 1 || ret == -EAGAIN || ret == -EINTR || ret == -EBADMSG)
		return true;
	log_error(
		"the runner of actions is gone: nothing is done until the agent is started again");
	return false;
}

void actions_hear_cache(struct dispatch *d, int64_t now_ns, int64_t wall_ms)
{
	actions_hear_on(d, d->config.cache, now_ns, wall_ms);
}
