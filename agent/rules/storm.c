#include "storm.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define STORM_RULES 64u /* counted each; of the others together */
#define STORM_NAMED 5u  /* of these told by name, most alerts first */
#define STORM_TOP 3u

struct storm_rule {
	const char *name;
	uint32_t alerts;
};

struct storm_top {
	const struct instance *instance;
	const struct spec *spec;
	double score;
};

struct storm_count {
	struct storm_rule rules[STORM_RULES];
	size_t rule_count;
	struct storm_top top[STORM_TOP];
	uint32_t alerts, critical, beyond;
};

struct storm_text {
	char *out;
	size_t size, used;
};

void storm_look(struct storm *s, int64_t now_ns, size_t posted)
{
	if (!s->window_ns || now_ns - s->window_ns >= STORM_PAUSE_NS) {
		s->window_ns = now_ns;
		s->alone = 0;
	}
	s->is_full = false;
	s->first = posted;
}

bool storm_takes(struct storm *s, struct instance *i)
{
	if (s->is_full || i->counted_ns == s->window_ns)
		return s->is_full;
	s->is_full = s->alone == STORM_ALONE;
	if (!s->is_full) {
		s->alone++;
		i->counted_ns = s->window_ns;
	}
	return s->is_full;
}

void storm_add(struct storm *s, struct instance *i)
{
	i->stormy = true;
	s->news++;
	if (i->alarm.level > s->level)
		s->level = i->alarm.level;
	if (i->alarm.severity > s->severity)
		s->severity = i->alarm.severity;
}

static bool storm_has(const struct instance *i)
{
	return i->stormy && i->alarm.state == ALARM_FIRING;
}

uint32_t storm_size(const struct instances *all)
{
	uint32_t count = 0;

	for (const struct instance *i = all->first; i; i = i->next)
		count += storm_has(i);
	return count;
}

/* How far it is past its limit; one that is critical is always worse. */
static double storm_score(const struct spec *spec, const struct alarm *a)
{
	double limit = spec ? spec->limits[a->severity].limit : 0;
	double by = spec && spec->below ? limit - a->value : a->value - limit;
	double score = by / (fabs(limit) + 1e-9);

	return (a->severity == SPEC_CRITICAL ? 1e12 : 0) + (score < 1e9 ? score : 1e9);
}

static void storm_count_top(struct storm_count *c, struct storm_top one)
{
	size_t at = 0;

	while (at < STORM_TOP && c->top[at].instance && c->top[at].score >= one.score)
		at++;
	for (; at < STORM_TOP; at++) {
		struct storm_top next = c->top[at];

		c->top[at] = one;
		one = next;
	}
}

static void storm_count_rule(struct storm_count *c, const char *name)
{
	size_t i = 0;

	while (i < c->rule_count && strcmp(c->rules[i].name, name) != 0)
		i++;
	if (i == STORM_RULES) {
		c->beyond++;
		return;
	}
	if (i == c->rule_count)
		c->rules[c->rule_count++] = (struct storm_rule){ name, 0 };
	c->rules[i].alerts++;
}

static void storm_count(const struct instances *all, const struct book *book, struct storm_count *c)
{
	memset(c, 0, sizeof(*c));
	for (const struct instance *i = all->first; i; i = i->next) {
		const struct spec *spec = storm_has(i) ? book_find(book, i->rule) : NULL;

		if (!storm_has(i))
			continue;
		c->alerts++;
		c->critical += i->alarm.severity == SPEC_CRITICAL;
		storm_count_rule(c, i->rule);
		storm_count_top(c, (struct storm_top){ i, spec, storm_score(spec, &i->alarm) });
	}
}

static void storm_add_text(struct storm_text *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void storm_add_text(struct storm_text *t, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->out + t->used, t->size - t->used, format, args);
	va_end(args);
	if (n > 0)
		t->used += (size_t)n;
	if (t->used >= t->size)
		t->used = t->size - 1; /* it was cut */
}

/* The rules with most alerts, each taken out when it was told. */
static void storm_text_rules(struct storm_text *t, struct storm_count *c)
{
	uint32_t left = c->alerts;

	for (size_t k = 0; k < STORM_NAMED && k < c->rule_count; k++) {
		struct storm_rule *most = &c->rules[0];

		for (size_t i = 1; i < c->rule_count; i++)
			if (c->rules[i].alerts > most->alerts)
				most = &c->rules[i];
		storm_add_text(t, "%s %s %u", k ? "," : ":", most->name, most->alerts);
		left -= most->alerts;
		most->alerts = 0;
	}
	if (left)
		storm_add_text(t, ", of other rules %u", left);
}

static void storm_text_top(struct storm_text *t, const struct storm_count *c)
{
	for (size_t k = 0; k < STORM_TOP && c->top[k].instance; k++) {
		const struct instance *i = c->top[k].instance;
		const struct notice_labels *l = &i->labels;
		char value[32] = "";

		if (c->top[k].spec)
			metric_value_format(i->alarm.value, spec_unit(c->top[k].spec), value,
					    sizeof(value));
		storm_add_text(t, "%s %s %s%s%s%s%s %s", k ? "," : "; the worst:", i->rule,
			       l->service, *l->method ? " " : "", l->method, *l->route ? " " : "",
			       l->route, value);
	}
}

void storm_describe(const struct storm *s, const struct instances *all, const struct book *book,
		    const char *base, struct notice *out)
{
	struct storm_text t = { out->summary, sizeof(out->summary), 0 };
	struct storm_count c;

	storm_count(all, book, &c);
	memcpy(out->rule, STORM_RULE, sizeof(STORM_RULE));
	out->id = s->id;
	out->since_ms = s->since_ms;
	snprintf(out->link, sizeof(out->link), "%s/api/alerts", base);
	out->severity = s->severity;
	out->turned = s->told && s->told != 1u << s->severity;
	out->level = s->level;
	out->number = s->notices;
	out->unit = METRIC_UNIT_NUMBER;
	out->value = c.alerts;
	out->peak = s->peak;
	out->limit = STORM_ALONE;
	storm_add_text(&t, "%u alerts fire at once, %u of them critical", c.alerts, c.critical);
	if (s->ended)
		storm_add_text(&t, " (%u are over)", s->ended);
	storm_text_rules(&t, &c);
	storm_text_top(&t, &c);
}
