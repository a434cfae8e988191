#include "spec.h"

#include "text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define SPEC_WINDOW_NS (INT64_C(300) * 1000000000)
#define SPEC_SECOND_NS INT64_C(1000000000)
#define SPEC_ROUNDED 1e-9 /* as near as quotients of the same numbers are */

void spec_init(struct spec *s, const struct spec_defaults *defaults)
{
	memset(s, 0, sizeof(*s));
	s->window_ns = SPEC_WINDOW_NS;
	s->interval_ns = defaults->interval_ns;
	s->cooldown_ns = defaults->cooldown_ns;
	s->need = s->of = 1;
	s->enabled = true;
}

enum metric_unit spec_unit(const struct spec *s)
{
	return s->against_ns ? METRIC_UNIT_PERCENT : metric_unit_of(s->metric, s->function);
}

const char *spec_severity_name(enum spec_severity severity)
{
	return severity == SPEC_CRITICAL ? "critical" : "warning";
}

const char *spec_nodata_name(enum spec_nodata nodata)
{
	static const char *const names[] = { "keep", "ok", "alert" };

	return names[nodata];
}

/* Prometheus and its like take no other names. */
static bool spec_label_is_named(const char *name)
{
	static const char names[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

	return *name && (*name < '0' || *name > '9') && strspn(name, names) == strlen(name);
}

/* What one kind of receiver or another is told of every alert. */
static bool spec_label_is_taken(const char *name)
{
	static const char *const taken[] = { "alertname", "environment", "instance", "method",
					     "route",     "rule",        "service",  "severity" };

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (!strcmp(name, taken[i]))
			return true;
	return false;
}

int spec_labels_add(struct spec_labels *l, const char *name, const char *value, const char **reason)
{
	*reason = NULL;
	if (l->count == SPEC_LABELS || strlen(name) + strlen(value) + 2 > SPEC_LABEL)
		*reason = "must be at most 8 texts of together 62 bytes a label";
	else if (!spec_label_is_named(name))
		*reason = "a name is letters, digits and _, and begins with no digit";
	else if (spec_label_is_taken(name))
		*reason = "an alert has a label of this name already";
	if (*reason)
		return -EINVAL;
	snprintf(l->at[l->count++], SPEC_LABEL, "%s=%s", name, value);
	return 0;
}

bool spec_labels_are_sound(const struct spec_labels *l)
{
	if (l->count > SPEC_LABELS)
		return false;
	for (size_t i = 0; i < l->count; i++)
		if (!memchr(l->at[i], '\0', SPEC_LABEL) || !strchr(l->at[i], '='))
			return false;
	return true;
}

void spec_labels_get(const struct spec_labels *l, size_t at, struct spec_label *out)
{
	size_t length = strcspn(l->at[at], "=");

	memcpy(out->name, l->at[at], length);
	out->name[length] = '\0';
	out->value = l->at[at] + length + 1;
}

void spec_labels_text(const struct spec_labels *l, char *out, size_t size)
{
	size_t used = 0;

	*out = '\0';
	for (size_t i = 0; i < l->count && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", l->at[i]);
}

bool spec_is_over(const struct spec *s, enum spec_severity severity, double value)
{
	const struct spec_limit *l = &s->limits[severity];

	return l->set && (s->below ? value < l->limit : value > l->limit);
}

bool spec_is_clear(const struct spec *s, enum spec_severity severity, double value)
{
	const struct spec_limit *l = &s->limits[severity];

	return !l->set || (s->below ? value >= l->clear : value <= l->clear);
}

static bool spec_glob(const char *pattern, const char *text)
{
	/* asked for each series of each rule: most often it is any */
	return !*pattern || (*pattern == '*' && !pattern[1]) || text_glob(pattern, text);
}

bool spec_has(const struct spec *s, const char *service, const char *environment, const char *route)
{
	return (!service || spec_glob(s->service, service)) &&
	       (!environment || spec_glob(s->environment, environment)) &&
	       (!route || spec_glob(s->route, route));
}

/* Names of services have no blanks, and only so many bytes. */
static bool spec_glob_can_match(const char *pattern, size_t longest)
{
	bool open = strpbrk(pattern, "*?\\") != NULL;

	if (!open && strlen(pattern) >= longest)
		return false;
	for (; *pattern; pattern++)
		if (*pattern < 0x21 || *pattern > 0x7e)
			return false;
	return true;
}

static int spec_check_scope(const struct spec *s, const char **key, const char **reason)
{
	const struct metric_info *info = metric_info(s->metric);

	*key = "scope";
	*reason = "can never match: this metric is the agent's own, and of no service";
	if (!info->service && (*s->service || *s->environment || s->by_route))
		return -EINVAL;
	*reason = "can never match: this metric is not known by route";
	if (!info->route && s->by_route)
		return -EINVAL;
	*key = "scope.service";
	*reason = "can never match: a service's name has at most 71 bytes, and no blanks";
	if (!spec_glob_can_match(s->service, SPEC_SERVICE))
		return -EINVAL;
	*key = "scope.environment";
	*reason = "can never match: an environment has at most 39 bytes, and no blanks";
	return spec_glob_can_match(s->environment, SPEC_ENVIRONMENT) ? 0 : -EINVAL;
}

/* The most that a value can be, if there is any, and why none is above it. */
static double spec_most(const struct spec *s, const char **reason)
{
	*reason = "can never match: absent is 0 or 1";
	if (s->function == METRIC_ABSENT)
		return 1;
	*reason = "can never match: when all fails the budget is used 100 / (100 - objective) "
		  "times too fast, and not faster";
	if (s->metric == METRIC_SLO_BURN)
		return 100 / (100 - s->objective);
	*reason = "can never match: nothing is above 100 %";
	if (!s->against_ns && (metric_info(s->metric)->bounded || s->function == METRIC_RATIO))
		return 100;
	return INFINITY;
}

static int spec_check_limit(const struct spec *s, enum spec_severity severity, const char **reason)
{
	const struct spec_limit *l = &s->limits[severity];
	double least = s->against_ns ? -100 : 0; /* nothing is less than none of it */

	*reason = s->below ? "clear must not be below the limit: it could never end"
			   : "clear must not be above the limit: it would end before it begins";
	if (s->below ? l->clear < l->limit : l->clear > l->limit)
		return -EINVAL;
	if (!s->below)
		return l->limit >= spec_most(s, reason) * (1 - SPEC_ROUNDED) ? -EINVAL : 0;
	*reason = "can never match: nothing is below this";
	return l->limit <= least ? -EINVAL : 0;
}

static int spec_check_limits(const struct spec *s, const char **key, const char **reason)
{
	const struct spec_limit *w = &s->limits[SPEC_WARNING], *c = &s->limits[SPEC_CRITICAL];

	*key = "warning";
	*reason = "a rule needs a warning or a critical limit";
	if (!w->set && !c->set)
		return -EINVAL;
	if (w->set && spec_check_limit(s, SPEC_WARNING, reason))
		return -EINVAL;
	*key = "critical";
	if (c->set && spec_check_limit(s, SPEC_CRITICAL, reason))
		return -EINVAL;
	*key = "warning";
	*reason = s->below ? "warning is below critical: it would never be seen"
			   : "warning is above critical: it would never be seen";
	if (!w->set || !c->set)
		return 0;
	return (s->below ? w->limit < c->limit : w->limit > c->limit) ? -EINVAL : 0;
}

static int spec_check_times(const struct spec *s, const char **key, const char **reason)
{
	*key = "window";
	*reason = "must be from 1s to 2h, `against` included: no more is kept";
	if (s->window_ns < SPEC_SECOND_NS || s->window_ns + s->against_ns > SPEC_KEPT_NS)
		return -EINVAL;
	*key = "interval";
	*reason = "must be from 1s to 1h";
	if (s->interval_ns < SPEC_SECOND_NS || s->interval_ns > SPEC_KEPT_NS / 2)
		return -EINVAL;
	*key = "against";
	*reason = "compares rates, ratios, counts and averages alone";
	if (s->against_ns && (s->function <= METRIC_P999 || s->function == METRIC_MAX ||
			      s->function == METRIC_LAST || s->function == METRIC_ABSENT))
		return -EINVAL;
	*reason = "must not be shorter than the window: they would overlap";
	return s->against_ns && s->against_ns < s->window_ns ? -EINVAL : 0;
}

int spec_check(const struct spec *s, const char **key, const char **reason)
{
	bool burn = s->metric == METRIC_SLO_BURN;

	*key = "objective";
	*reason = "must be percent below 100, with slo.burn alone";
	if (burn != (s->objective > 0) || s->objective >= 100)
		return -EINVAL;
	if (spec_check_times(s, key, reason) || spec_check_scope(s, key, reason))
		return -EINVAL;
	return spec_check_limits(s, key, reason);
}
