#include "engine.h"

#include "describe.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ENGINE_FIRST_NS INT64_C(1000000000) /* a new rule is looked at so soon */
#define ENGINE_EXPLAINED 20u                /* more at once are a storm */
#define ENGINE_REST_NS INT64_C(60000000000) /* without rules there is nothing to do */

struct engine_look {
	struct engine *engine;
	const struct spec *spec;
	struct engine_rule *rule;
	int64_t now_ns, wall_ms;
	bool alarms; /* the rule has some; one that has none need not be looked for */
};

int engine_open(struct engine **out, const struct engine_config *config)
{
	struct engine *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->config = *config;
	instances_init(&e->instances);
	*out = e;
	return 0;
}

void engine_close(struct engine *e)
{
	if (!e)
		return;
	instances_fini(&e->instances);
	book_close(e->book);
	free(e->rules);
	free(e->outbox);
	free(e);
}

static void engine_post(struct engine *e, const struct notice *notice)
{
	size_t room = e->outbox_room ? 2 * e->outbox_room : 16;
	struct notice *more = e->outbox;

	if (e->outbox_count == e->outbox_room) {
		more = realloc(e->outbox, room * sizeof(*more));
		if (!more) {
			e->unsent++;
			return;
		}
		e->outbox = more;
		e->outbox_room = room;
	}
	more[e->outbox_count] = *notice;
	more[e->outbox_count++].sequence = ++e->last_sequence;
}

void engine_sent(struct engine *e, size_t count)
{
	if (!count)
		return;
	e->outbox_count -= count;
	memmove(e->outbox, e->outbox + count, e->outbox_count * sizeof(*e->outbox));
}

static void engine_remember(struct engine *e, const struct notice *notice)
{
	e->past[e->past_next] = *notice;
	e->past_next = (e->past_next + 1) % ENGINE_PAST;
	e->past_count += e->past_count < ENGINE_PAST;
}

static void engine_tell(const struct engine_look *l, const struct instance *i,
			const struct alarm *before, const struct notice *notice, unsigned int turn)
{
	const struct engine_config *c = &l->engine->config;
	const struct engine_turn told = { l->spec, i, before, notice, turn };

	if (c->turned)
		c->turned(c->turned_ctx, &told);
}

/* before: the alert as it stood until now. */
static void engine_over(const struct engine_look *l, const struct instance *i,
			const struct alarm *before, struct notice *n)
{
	struct instance was = *i;

	was.alarm = *before;
	was.alarm.value = i->alarm.value;
	describe_alert(l->engine->config.base, l->spec, &was, l->wall_ms, n);
	n->kind = NOTICE_RECOVERED;
	n->lasted_ns = l->now_ns - before->since_ns;
	if (before->state == ALARM_FIRING)
		engine_remember(l->engine, n);
}

/* What this look has brought so far is too much to be told one by one. */
static void engine_storm_begin(struct engine *e)
{
	size_t kept = e->storm.first;

	for (size_t k = e->storm.first; k < e->outbox_count; k++) {
		const struct notice *n = &e->outbox[k];
		struct instance *i = instances_find(&e->instances, n->rule, &n->labels);

		if (n->kind != NOTICE_FIRING || !i) {
			e->outbox[kept++] = *n;
			continue;
		}
		storm_add(&e->storm, i);
	}
	e->outbox_count = kept;
}

static void engine_fires(struct engine *e, struct instance *i, const struct notice *n)
{
	bool was_full = e->storm.is_full;

	if (!storm_takes(&e->storm, i)) {
		engine_post(e, n);
		return;
	}
	if (!was_full)
		engine_storm_begin(e);
	storm_add(&e->storm, i);
}

static void engine_ends(struct engine *e, struct instance *i, const struct notice *n,
			unsigned int turn)
{
	if (turn & ALARM_RECOVERY && i->alone)
		engine_post(e, n);
	e->storm.ended += i->stormy;
	i->alone = i->stormy = false;
}

static void engine_explain(const struct engine_look *l, struct instance *i,
			   const struct alarm *before)
{
	struct engine *e = l->engine;

	if (before->state != ALARM_FIRING)
		i->cause.kind = NOTICE_CAUSE_UNKNOWN; /* it was of another time */
	if (i->alarm.state != ALARM_FIRING || !e->config.explain || !l->rule ||
	    e->explained == ENGINE_EXPLAINED)
		return;
	e->explained++;
	e->config.explain(e->config.ctx, l->spec, &i->labels, &i->cause);
}

static void engine_turned(const struct engine_look *l, struct instance *i,
			  const struct alarm *before, unsigned int turn)
{
	struct engine *e = l->engine;
	struct notice n;

	if (!turn)
		return;
	e->changed = true;
	engine_explain(l, i, before);
	if (i->alarm.state == ALARM_QUIET)
		engine_over(l, i, before, &n);
	else
		describe_alert(e->config.base, l->spec, i, l->wall_ms, &n);
	if (turn & ALARM_NOTICE) {
		n.turned = alarm_turned(before, n.severity);
		engine_fires(e, i, &n);
	}
	if (i->alarm.state == ALARM_QUIET)
		engine_ends(e, i, &n, turn);
	engine_tell(l, i, before, &n, turn);
}

/* What is left of this look when no storm took it: whoever hears of it hears of its end. */
static void engine_told_alone(struct engine *e)
{
	for (size_t k = e->storm.first; k < e->outbox_count; k++) {
		const struct notice *n = &e->outbox[k];
		struct instance *i = instances_find(&e->instances, n->rule, &n->labels);

		if (i && n->kind == NOTICE_FIRING)
			i->alone = true;
	}
}

/* At the end of a look: what is told of a storm. When it wants to be told again; 0: it does not. */
static int64_t engine_storm(const struct engine_look *l)
{
	struct engine *e = l->engine;
	struct storm *s = &e->storm;
	uint32_t size = s->id || s->news ? storm_size(&e->instances) : 0;
	struct notice n = { .at_ms = l->wall_ms };

	if (s->id && size && (!s->news || l->now_ns - s->notice_ns < STORM_PAUSE_NS))
		return s->news ? s->notice_ns + STORM_PAUSE_NS : 0;
	if (!s->id && !s->news)
		return 0;
	e->changed = true;
	if (!s->id) {
		s->id = ++e->last_id;
		s->since_ns = l->now_ns;
		s->since_ms = l->wall_ms;
	}
	s->peak = size > s->peak ? size : s->peak;
	s->notices += size != 0;
	s->notice_ns = l->now_ns;
	storm_describe(s, &e->instances, e->book, e->config.base, &n);
	n.kind = size ? NOTICE_FIRING : NOTICE_RECOVERED;
	n.lasted_ns = size ? 0 : l->now_ns - s->since_ns;
	engine_post(e, &n);
	s->told = (uint8_t)(1u << s->severity);
	s->news = s->ended = 0;
	if (!size) {
		engine_remember(e, &n);
		*s = (struct storm){ .window_ns = s->window_ns, .alone = s->alone };
	}
	return 0;
}

/* A target that is gone speaks for itself: what else is wrong with it is no news. */
static bool engine_is_gone_rule(const struct spec *spec)
{
	return spec->metric == METRIC_SERVICE_PROCESSES && spec->below;
}

static bool engine_is_inhibited(const struct engine_look *l, const struct instance *i)
{
	const struct book *book = l->engine->book;

	if (engine_is_gone_rule(l->spec) || !*i->labels.service)
		return false;
	for (size_t k = 0; k < book->count; k++) {
		struct notice_labels labels = i->labels;
		const struct instance *gone;

		if (!engine_is_gone_rule(&book->specs[k]))
			continue;
		labels.route[0] = labels.method[0] = '\0';
		gone = instances_find(&l->engine->instances, book->specs[k].name, &labels);
		if (gone && gone->alarm.state == ALARM_FIRING)
			return true;
	}
	return false;
}

static struct alarm_look engine_alarm_look(const struct engine_look *l, const struct instance *i,
					   double value)
{
	return (struct alarm_look){ .value = value,
				    .now_ns = l->now_ns,
				    .wall_ms = l->wall_ms,
				    .muted = i->inhibited || i->silence,
				    .second_level = l->engine->config.second_level,
				    .third_level = l->engine->config.third_level };
}

static void engine_step_one(const struct engine_look *l, struct instance *i, double value)
{
	struct alarm before = i->alarm;
	struct alarm_look look;
	unsigned int turn;

	i->look = l->engine->look;
	i->inhibited = engine_is_inhibited(l, i);
	i->silence = hush_find(&l->engine->hushes, i->rule, &i->labels);
	look = engine_alarm_look(l, i, value);
	turn = alarm_step(&i->alarm, l->spec, &look);
	if (before.state == ALARM_QUIET && i->alarm.state != ALARM_QUIET)
		i->id = ++l->engine->last_id;
	engine_turned(l, i, &before, turn);
	l->rule->pending += i->alarm.state == ALARM_PENDING;
	l->rule->firing += i->alarm.state == ALARM_FIRING;
}

static bool engine_is_bad(const struct spec *s, double value)
{
	if (isnan(value))
		return s->nodata == SPEC_ALERT;
	return spec_is_over(s, SPEC_WARNING, value) || spec_is_over(s, SPEC_CRITICAL, value);
}

static void engine_row(const struct engine_look *l, const struct engine_reading *row)
{
	const struct spec *s = l->spec;
	bool bad = engine_is_bad(s, row->value);
	double worst = l->rule->value;
	struct notice_labels labels;
	struct instance *i;

	if (isnan(worst) || (s->below ? row->value < worst : row->value > worst))
		l->rule->value = row->value;
	if (!bad && !l->alarms)
		return;
	l->engine->config.label(l->engine->config.ctx, s, row->of, &labels);
	i = instances_find(&l->engine->instances, s->name, &labels);
	if (!i && bad) /* one that was never bad needs no alarm */
		i = instances_add(&l->engine->instances, s->name, &labels);
	if (i)
		engine_step_one(l, i, row->value);
}

/* Those whose series is not there any more. */
static void engine_vanished(const struct engine_look *l)
{
	for (struct instance *i = l->engine->instances.first; i; i = i->next)
		if (i->look != l->engine->look && !strcmp(i->rule, l->spec->name))
			engine_step_one(l, i, (double)NAN);
}

static void engine_look(struct engine_look *l)
{
	struct engine_reading *rows = NULL;
	int count = l->engine->config.read(l->engine->config.ctx, l->spec, &rows);
	struct engine_rule *r = l->rule;

	r->looked_ms = l->wall_ms;
	r->error = count < 0 ? count : 0;
	if (count < 0)
		return; /* nothing is known: all stays as it is */
	l->engine->look++;
	r->value = (double)NAN;
	r->series = (uint32_t)count;
	r->pending = r->firing = 0;
	l->alarms = instances_has(&l->engine->instances, l->spec->name);
	for (int i = 0; i < count; i++)
		engine_row(l, &rows[i]);
	free(rows);
	engine_vanished(l);
}

static bool engine_instance_is_over(void *ctx, const struct instance *i)
{
	const struct engine_look *l = ctx;
	const struct spec *spec = book_find(l->engine->book, i->rule);

	return spec ? alarm_is_over(&i->alarm, spec, l->now_ns) : !l->engine->holds;
}

int64_t engine_step(struct engine *e, int64_t now_ns, int64_t wall_ms)
{
	struct engine_look l = { .engine = e, .now_ns = now_ns, .wall_ms = wall_ms };
	int64_t next_ns = now_ns + ENGINE_REST_NS, again_ns;

	e->explained = 0;
	storm_look(&e->storm, now_ns, e->outbox_count);
	if (hush_expire(&e->hushes, now_ns))
		e->changed = true;
	for (size_t i = 0; e->book && i < e->book->count; i++) {
		struct engine_rule *r = &e->rules[i];

		l.spec = &e->book->specs[i];
		l.rule = r;
		if (!l.spec->enabled)
			continue;
		if (r->due_ns <= now_ns) {
			engine_look(&l);
			r->due_ns += l.spec->interval_ns;
			if (r->due_ns <= now_ns) /* it was not asked for a while */
				r->due_ns = now_ns + l.spec->interval_ns;
		}
		next_ns = r->due_ns < next_ns ? r->due_ns : next_ns;
	}
	if (!e->book)
		return next_ns;
	instances_prune(&e->instances, engine_instance_is_over, &l);
	engine_told_alone(e);
	again_ns = engine_storm(&l);
	return again_ns && again_ns < next_ns ? again_ns : next_ns;
}

static const struct engine_rule *engine_rule_of(const struct engine *e, const char *name)
{
	const struct spec *spec = e->book ? book_find(e->book, name) : NULL;

	return spec ? &e->rules[spec - e->book->specs] : NULL;
}

/* An alert whose rule is not looked at any more would fire for ever. */
static void engine_orphans(struct engine *e, const struct book *next, int64_t now_ns,
			   int64_t wall_ms)
{
	static const struct spec unknown; /* of a rule that went while there was no agent */
	struct engine_look l = { .engine = e, .now_ns = now_ns, .wall_ms = wall_ms };

	for (struct instance *i = e->instances.first; i; i = i->next) {
		const struct spec *spec = book_find(next, i->rule);
		struct alarm before = i->alarm;
		struct alarm_look look;

		if (spec && spec->enabled)
			continue;
		l.spec = (e->book ? book_find(e->book, i->rule) : NULL) ?: &unknown;
		look = engine_alarm_look(&l, i, (double)NAN);
		engine_turned(&l, i, &before, alarm_end(&i->alarm, &look));
	}
}

int engine_rules(struct engine *e, struct book *book, int64_t now_ns, int64_t wall_ms)
{
	struct engine_rule *rules = calloc(book->count + 1, sizeof(*rules));

	if (!rules)
		return -ENOMEM;
	for (size_t i = 0; i < book->count; i++) {
		const struct engine_rule *old = engine_rule_of(e, book->specs[i].name);

		rules[i].value = (double)NAN;
		rules[i].due_ns = now_ns + ENGINE_FIRST_NS;
		/* One that stays is not looked at earlier for that. */
		if (old && old->due_ns > rules[i].due_ns &&
		    old->due_ns <= now_ns + book->specs[i].interval_ns)
			rules[i].due_ns = old->due_ns;
	}
	if (!e->holds)
		engine_orphans(e, book, now_ns, wall_ms);
	free(e->rules);
	book_close(e->book);
	e->book = book;
	e->rules = rules;
	return 0;
}

int engine_acknowledge(struct engine *e, uint64_t id, int64_t wall_ms)
{
	struct engine_look l = { .engine = e, .wall_ms = wall_ms };

	for (struct instance *i = e->instances.first; i; i = i->next) {
		const struct alarm before = i->alarm;

		l.spec = e->book ? book_find(e->book, i->rule) : NULL;
		if (i->id != id || i->alarm.state != ALARM_FIRING || !l.spec)
			continue;
		i->alarm.acknowledged = true;
		engine_turned(&l, i, &before, ALARM_CHANGED);
		return 0;
	}
	return -ENOENT;
}
