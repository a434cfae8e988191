#include "alerts.h"

#include "culprit.h"
#include "describe.h"
#include "health.h"
#include "log.h"
#include "safe.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALERTS_TOGETHER 64       /* notices that are safe at once: a storm must not wait for each */
#define ALERTS_GOOD "rules.good" /* the last set of files that was good */

struct alerts {
	pthread_mutex_t lock;
	struct alerts_config config;
	struct engine *engine;
	struct source source;
	struct safe safe;
	struct findings findings;
	struct alerts_row *trail; /* a ring of ALERTS_TRAIL */
	uint64_t turns;           /* ever put on it */
	int64_t due_ns;
	uint64_t sent;
};

static void alerts_tell(struct alerts *a, int64_t wall_ms)
{
	struct engine *e = a->engine;
	char reason[HEALTH_REASON];
	bool bad = safe_complains(&a->safe, reason, sizeof(reason));

	if (!bad)
		snprintf(reason, sizeof(reason),
			 "%u alerts kept, %llu notices sent; since the start %llu alerts found no "
			 "room, %llu notices no memory",
			 e->instances.count, (unsigned long long)a->sent,
			 (unsigned long long)e->instances.refused, (unsigned long long)e->unsent);
	health_put(a->config.health, "alerts",
		   bad || e->instances.refused || e->unsent ? HEALTH_DEGRADED : HEALTH_HEALTHY,
		   reason, wall_ms);
}

/* Those that are written down, and marked in that order: a kill in between leaves the rest. */
static void alerts_send(struct alerts *a)
{
	struct engine *e = a->engine;
	size_t count = 0, i = 0;

	while (count < e->outbox_count && e->outbox[count].sequence <= a->safe.covered)
		count++;
	while (i < count) {
		a->config.send(a->config.ctx, &e->outbox[i++]);
		a->sent++;
		if (i % ALERTS_TOGETHER && i < count)
			continue;
		if (a->config.settle)
			a->config.settle(a->config.ctx);
		safe_mark(&a->safe, e->outbox[i - 1].sequence);
	}
	engine_sent(e, count);
}

/* New rules, or what is wrong with them. first: those of the files come yet. */
static int alerts_read(struct alerts *a, struct bundle *bundle, bool first,
		       const struct alerts_time *when)
{
	struct book *book;
	int ret;

	findings_init(&a->findings);
	ret = book_read(&book, &a->config.defaults, bundle, &a->findings);
	if (ret)
		return ret;
	a->engine->holds = first;
	ret = engine_rules(a->engine, book, when->now_ns, when->wall_ms);
	if (!ret)
		a->due_ns = when->now_ns;
	return ret;
}

static void alerts_rules_tell(const struct alerts *a, int result, int64_t wall_ms)
{
	const struct findings *f = &a->findings;
	char reason[HEALTH_REASON];

	if (!result) {
		snprintf(reason, sizeof(reason), "%zu rules", a->engine->book->count);
		health_put(a->config.health, "rules", HEALTH_HEALTHY, reason, wall_ms);
		return;
	}
	for (size_t i = 0; i < f->count; i++)
		log_error("rules: %s", f->rows[i]);
	snprintf(reason, sizeof(reason), "the last good set stays in force: %.80s%s",
		 f->count ? f->rows[0] : strerrordesc_np(-result),
		 f->count + f->beyond > 1 ? " … and more, in the log" : "");
	health_put(a->config.health, "rules", HEALTH_DEGRADED, reason, wall_ms);
}

/*
 * The set that was good when the agent ran last, else the shipped rules alone; until the files are
 * read nobody knows that an alert's rule is gone. why: the set is there and cannot be read.
 */
static int alerts_good(struct alerts *a, const struct alerts_time *when, char why[STAMPED_WHY])
{
	struct stamped file;
	int ret = stamped_read(a->config.scribe, ALERTS_GOOD, &file, why);
	struct bundle bundle = { .bytes = file.body, .length = file.length };

	if (!ret)
		ret = alerts_read(a, &bundle, true, when);
	stamped_free(&file);
	if (!ret || ret == -ENOENT)
		*why = '\0';
	else if (a->findings.count)
		snprintf(why, STAMPED_WHY, "%.90s", a->findings.rows[0]);
	return ret;
}

static void alerts_first_rules(struct alerts *a, const struct alerts_time *when)
{
	char why[STAMPED_WHY], reason[HEALTH_REASON];
	int ret;

	findings_init(&a->findings);
	ret = alerts_good(a, when, why);
	if (ret)
		ret = alerts_read(a, NULL, true, when);
	alerts_rules_tell(a, ret, when->wall_ms);
	if (!*why)
		return;
	snprintf(reason, sizeof(reason),
		 ALERTS_GOOD ": %s: the shipped rules alone until files are read", why);
	log_error("%s/%s", scribe_folder(a->config.scribe), reason);
	health_put(a->config.health, "rules", HEALTH_DEGRADED, reason, when->wall_ms);
}

/* For the next start: nobody waits for it. */
static void alerts_keep(const struct alerts *a, const struct bundle *bundle)
{
	const struct scribe_page page = { .file = ALERTS_GOOD,
					  .how = SCRIBE_WHOLE,
					  .bytes = bundle->bytes,
					  .length = bundle->length };
	int ret = stamped_give(a->config.scribe, &page);

	if (ret)
		log_error("rules are not kept for the next start: %s", strerrordesc_np(-ret));
}

void alerts_rules(struct alerts *a, int fd, int64_t now_ns, int64_t wall_ms)
{
	const struct alerts_time when = { now_ns, wall_ms };
	struct bundle bundle;
	int ret = bundle_open(&bundle, fd);

	pthread_mutex_lock(&a->lock);
	findings_init(&a->findings);
	if (!ret) {
		ret = alerts_read(a, &bundle, false, &when);
		if (!ret)
			alerts_keep(a, &bundle);
		bundle_close(&bundle);
	}
	alerts_rules_tell(a, ret, wall_ms);
	if (!ret)
		log_info("%zu alert rules are in force", a->engine->book->count);
	pthread_mutex_unlock(&a->lock);
}

/* Of one alert: what describe_alert does not know. */
static void alerts_fill(const struct alerts *a, const struct spec *spec, const struct instance *i,
			struct alerts_row *out)
{
	const struct alarm *alarm = &i->alarm;

	out->state = alarm->state;
	out->acknowledged = alarm->acknowledged;
	out->flapping = alarm->flapping;
	out->inhibited = i->inhibited;
	out->blind = alarm->blind;
	out->impacting = spec->service_impacting;
	out->alone = i->alone;
	out->silence = hush_find(&a->engine->hushes, i->rule, &i->labels);
	out->notice_ms = alarm->notices ? alarm->notice_ms : 0;
}

static void alerts_turned(void *ctx, const struct engine_turn *turn)
{
	struct alerts *a = ctx;
	struct alerts_row *row = &a->trail[a->turns++ % ALERTS_TRAIL];

	memset(row, 0, sizeof(*row));
	alerts_fill(a, turn->spec, turn->instance, row);
	row->notice = *turn->notice;
	if (row->state == ALARM_QUIET)
		row->state = ALERTS_OVER;
}

int alerts_open(struct alerts **out, const struct alerts_config *config, int64_t now_ns,
		int64_t wall_ms)
{
	const struct alerts_time when = { now_ns, wall_ms };
	struct alerts *a = calloc(1, sizeof(*a));
	const struct engine_config engine = { .read = source_read,
					      .label = source_label,
					      .explain = culprit_find,
					      .ctx = a ? &a->source : NULL,
					      .turned = alerts_turned,
					      .turned_ctx = a,
					      .second_level = config->second_level,
					      .third_level = config->third_level,
					      .base = config->base };
	int ret;

	if (!a)
		return -ENOMEM;
	a->config = *config;
	a->source.metrics = config->metrics;
	safe_init(&a->safe, config->scribe);
	a->trail = calloc(ALERTS_TRAIL, sizeof(*a->trail));
	ret = a->trail ? -pthread_mutex_init(&a->lock, NULL) : -ENOMEM;
	if (!ret)
		ret = engine_open(&a->engine, &engine);
	if (ret) {
		free(a->trail);
		free(a);
		return ret;
	}
	safe_load(&a->safe, a->engine, now_ns);
	alerts_first_rules(a, &when);
	*out = a;
	return 0;
}

void alerts_close(struct alerts *a)
{
	if (!a)
		return;
	engine_close(a->engine);
	pthread_mutex_destroy(&a->lock);
	free(a->trail);
	free(a);
}

void alerts_second(struct alerts *a, const struct source_agent *agent, int64_t now_ns,
		   int64_t wall_ms)
{
	pthread_mutex_lock(&a->lock);
	a->source.agent = *agent;
	if (now_ns >= a->due_ns) {
		source_begin(&a->source, now_ns);
		a->due_ns = engine_step(a->engine, now_ns, wall_ms);
		source_end(&a->source);
	}
	safe_second(&a->safe, a->engine, now_ns);
	alerts_send(a);
	alerts_tell(a, wall_ms);
	pthread_mutex_unlock(&a->lock);
}

void alerts_written(struct alerts *a)
{
	pthread_mutex_lock(&a->lock);
	safe_look(&a->safe, a->engine);
	alerts_send(a);
	pthread_mutex_unlock(&a->lock);
}

static int alerts_now(const struct alerts *a, int64_t wall_ms, struct alerts_row *rows)
{
	int count = 0;

	for (const struct instance *i = a->engine->instances.first; i && a->engine->book;
	     i = i->next) {
		const struct spec *spec = book_find(a->engine->book, i->rule);

		if (i->alarm.state == ALARM_QUIET || !spec)
			continue;
		alerts_fill(a, spec, i, &rows[count]);
		describe_alert(a->engine->config.base, spec, i, wall_ms, &rows[count++].notice);
	}
	return count;
}

/* The newest first. */
static int alerts_past(const struct alerts *a, struct alerts_row *rows)
{
	const struct engine *e = a->engine;

	for (size_t i = 0; i < e->past_count; i++) {
		rows[i].notice = e->past[(e->past_next + ENGINE_PAST - 1 - i) % ENGINE_PAST];
		rows[i].state = ALERTS_OVER;
	}
	return (int)e->past_count;
}

int alerts_list(struct alerts *a, bool over, int64_t wall_ms, struct alerts_row **rows)
{
	size_t room;
	int count = -ENOMEM;

	pthread_mutex_lock(&a->lock);
	room = over ? a->engine->past_count : a->engine->instances.count;
	*rows = calloc(room + 1, sizeof(**rows));
	if (*rows)
		count = over ? alerts_past(a, *rows) : alerts_now(a, wall_ms, *rows);
	pthread_mutex_unlock(&a->lock);
	return count;
}

bool alerts_storm(struct alerts *a, int64_t wall_ms, struct notice *out)
{
	const struct engine *e = a->engine;
	bool told;

	pthread_mutex_lock(&a->lock);
	told = e->storm.id && e->storm.told;
	*out = (struct notice){ .at_ms = wall_ms };
	if (told)
		storm_describe(&e->storm, &e->instances, e->book, e->config.base, out);
	pthread_mutex_unlock(&a->lock);
	return told;
}

void alerts_levels(struct alerts *a, uint32_t second, uint32_t third)
{
	pthread_mutex_lock(&a->lock);
	a->engine->config.second_level = second;
	a->engine->config.third_level = third;
	pthread_mutex_unlock(&a->lock);
}

int alerts_rule_list(struct alerts *a, struct alerts_rule **rows)
{
	const struct book *book;
	int count = -ENOMEM;

	pthread_mutex_lock(&a->lock);
	book = a->engine->book;
	*rows = calloc((book ? book->count : 0) + 1, sizeof(**rows));
	if (*rows)
		count = book ? (int)book->count : 0;
	for (int i = 0; i < count; i++) {
		(*rows)[i].spec = book->specs[i];
		(*rows)[i].now = a->engine->rules[i];
	}
	pthread_mutex_unlock(&a->lock);
	return count;
}

int alerts_hush_list(struct alerts *a, struct hush **rows)
{
	int count = -ENOMEM;

	pthread_mutex_lock(&a->lock);
	*rows = calloc(HUSH_MAX, sizeof(**rows));
	if (*rows) {
		count = (int)a->engine->hushes.count;
		memcpy(*rows, a->engine->hushes.rows, (size_t)count * sizeof(**rows));
	}
	pthread_mutex_unlock(&a->lock);
	return count;
}

void alerts_counts_get(struct alerts *a, struct alerts_counts *out)
{
	memset(out, 0, sizeof(*out));
	pthread_mutex_lock(&a->lock);
	for (const struct instance *i = a->engine->instances.first; i; i = i->next) {
		out->firing += i->alarm.state == ALARM_FIRING;
		out->pending += i->alarm.state == ALARM_PENDING;
	}
	out->refused = a->engine->instances.refused;
	out->unsent = a->engine->unsent;
	out->sent = a->sent;
	pthread_mutex_unlock(&a->lock);
}

int alerts_changes(struct alerts *a, uint64_t *from, struct alerts_row **rows, uint64_t *lost)
{
	uint64_t kept;
	int count = 0;

	pthread_mutex_lock(&a->lock);
	kept = a->turns > ALERTS_TRAIL ? a->turns - ALERTS_TRAIL : 0;
	*lost = *from < kept ? kept - *from : 0;
	*rows = calloc((size_t)(a->turns - *from - *lost) + 1, sizeof(**rows));
	for (uint64_t i = *from + *lost; *rows && i < a->turns; i++)
		(*rows)[count++] = a->trail[i % ALERTS_TRAIL];
	if (*rows)
		*from = a->turns;
	pthread_mutex_unlock(&a->lock);
	return *rows ? count : -ENOMEM;
}

/*
 * Unlocks. What somebody is answered is on disk: he will not say it again. Where the disk refuses
 * that, health says so.
 */
static int alerts_said(struct alerts *a, int64_t now_ns)
{
	int ret = safe_save(&a->safe, a->engine, now_ns);
	uint64_t number = a->safe.saving;

	pthread_mutex_unlock(&a->lock);
	if (!ret && !scribe_wait(a->config.scribe, number, ALERTS_PATIENCE_MS))
		ret = -ETIMEDOUT;
	return ret == -ETIMEDOUT || ret == -ENOBUFS ? -ETIMEDOUT : 0;
}

int alerts_acknowledge(struct alerts *a, uint64_t id, const struct alerts_time *when)
{
	int ret;

	pthread_mutex_lock(&a->lock);
	ret = engine_acknowledge(a->engine, id, when->wall_ms);
	if (!ret)
		return alerts_said(a, when->now_ns);
	pthread_mutex_unlock(&a->lock);
	return ret;
}

int alerts_hush(struct alerts *a, const struct tree *what, const struct alerts_time *when,
		struct hush *out, struct hush_error *error)
{
	struct hushes *all;
	int ret;

	pthread_mutex_lock(&a->lock);
	all = &a->engine->hushes;
	ret = hush_add(all, what, when->now_ns, when->wall_ms, error);
	if (!ret) {
		*out = all->rows[all->count - 1];
		return alerts_said(a, when->now_ns);
	}
	pthread_mutex_unlock(&a->lock);
	return ret;
}

int alerts_unhush(struct alerts *a, uint64_t id, int64_t now_ns)
{
	int ret;

	pthread_mutex_lock(&a->lock);
	ret = hush_remove(&a->engine->hushes, id);
	if (!ret)
		return alerts_said(a, now_ns);
	pthread_mutex_unlock(&a->lock);
	return ret;
}
