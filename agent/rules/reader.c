#include "reader.h"

#include "summary.h"
#include "text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READER_PATH 200
#define READER_NEAR 3
#define READER_RULES 1000

struct reader {
	const struct config_text *text;
	const char *list; /* its path */
	struct findings *findings;
	const struct tree *rule;
	struct spec spec;
	size_t index;                 /* of the rule in the document */
	bool wrong;                   /* this rule has a finding */
	bool has[SPEC_SEVERITIES][2]; /* a severity has above, below */
};

typedef void (*reader_fn)(struct reader *r, const char *key, const struct tree *value);

/* key: of the rule, "warning.above"; "": the rule itself. */
static void reader_fail(struct reader *r, const char *key, const char *reason)
{
	char path[READER_PATH], rule[40];

	r->wrong = true;
	snprintf(rule, sizeof(rule), "%.10s[%zu]", r->list, r->index);
	snprintf(path, sizeof(path), "%s%s%s", rule, *key ? "." : "", key);
	findings_add(r->findings, "%s:%u: %s: %s%s%s", r->text->name, config_line(r->text, path),
		     *r->spec.name ? r->spec.name : rule, key, *key ? ": " : "", reason);
}

static void reader_fail_near(struct reader *r, const char *key, const char *what, const char *near)
{
	char reason[READER_PATH];

	snprintf(reason, sizeof(reason), "%s%s%s%s", what, near ? "; did you mean " : "",
		 near ? near : "", near ? "?" : "");
	reader_fail(r, key, reason);
}

static const char *reader_nearest(const char *name, const char *const *names)
{
	const char *nearest = NULL;
	size_t least = READER_NEAR + 1;

	for (; *names; names++) {
		size_t distance = text_distance(*names, name);

		if (distance < least) {
			least = distance;
			nearest = *names;
		}
	}
	return nearest;
}

/* A text that fits into size; NULL: it was refused. */
static const char *reader_text(struct reader *r, const char *key, const struct tree *value,
			       size_t size)
{
	const char *text = tree_text(value);
	char reason[64];

	if (text && *text && strlen(text) < size)
		return text;
	snprintf(reason, sizeof(reason), "must be a text of 1 to %zu bytes", size - 1);
	reader_fail(r, key, reason);
	return NULL;
}

static void reader_name(struct reader *r)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	const char *name = tree_text(tree_member(r->rule, "name"));

	if (name && *name && strlen(name) < SPEC_NAME && name[strspn(name, letters)] == '\0')
		snprintf(r->spec.name, SPEC_NAME, "%s", name);
	else
		reader_fail(r, tree_member(r->rule, "name") ? "name" : "",
			    "a rule needs a name of 1 to 63 letters, digits, -, _ and .");
}

static void reader_unknown_metric(struct reader *r, const char *name, const char *near)
{
	char reason[FINDINGS_TEXT - READER_PATH];
	size_t used;

	used = (size_t)snprintf(reason, sizeof(reason), "unknown metric '%.64s'%s%s%s; there are",
				name, near ? "; did you mean " : "", near ? near : "",
				near ? "?" : "");
	for (int i = 0; i < METRICS_OF_RULES && used < sizeof(reason); i++)
		used += (size_t)snprintf(reason + used, sizeof(reason) - used, "%s %s",
					 i ? "," : "", metric_info((enum metric)i)->name);
	reader_fail(r, "metric", reason);
}

static void reader_metric(struct reader *r)
{
	const struct tree *value = tree_member(r->rule, "metric");
	const char *name = tree_text(value), *near;
	int metric;

	if (!name) {
		reader_fail(r, value ? "metric" : "", "a rule needs a metric, as its name");
		return;
	}
	metric = metric_find(name, &near);
	if (metric < 0) {
		reader_unknown_metric(r, name, near);
		return;
	}
	r->spec.metric = (enum metric)metric;
	r->spec.function = metric_info(r->spec.metric)->usual;
}

static void reader_function(struct reader *r, const char *key, const struct tree *value)
{
	const char *name = reader_text(r, key, value, 16), *near;
	int function = name ? metric_function_find(name, &near) : 0;

	if (!name)
		return;
	if (function < 0)
		reader_fail_near(r, key, "unknown function", near);
	else
		r->spec.function = (enum metric_function)function;
}

static void reader_percentile(struct reader *r, const char *key, const struct tree *value)
{
	static const double ranks[] = { 50, 90, 95, 99, 99.9 };
	double p = tree_number(value);

	if (tree_member(r->rule, "function")) {
		reader_fail(r, key, "is a function too: a rule has one, `function` or `p`");
		return;
	}
	for (size_t i = 0; i < sizeof(ranks) / sizeof(ranks[0]); i++) {
		if (fabs(p - ranks[i]) > 1e-9)
			continue;
		r->spec.function = (enum metric_function)(METRIC_P50 + i);
		return;
	}
	reader_fail(r, key, "must be one of 50, 90, 95, 99, 99.9");
}

static int64_t reader_span(struct reader *r, const char *key, const struct tree *value)
{
	const char *text = tree_text(value);
	uint64_t ns;

	if (text && !text_span_ns(text, &ns) && ns < INT64_MAX / 4)
		return (int64_t)ns;
	reader_fail(r, key, "must be a duration with its unit, as \"30s\" or \"5m\"");
	return 0;
}

static void reader_spans(struct reader *r, const char *key, const struct tree *value)
{
	int64_t ns = reader_span(r, key, value);

	if (!strcmp(key, "window"))
		r->spec.window_ns = ns;
	else if (!strcmp(key, "against"))
		r->spec.against_ns = ns;
	else if (!strcmp(key, "interval"))
		r->spec.interval_ns = ns;
	else if (!strcmp(key, "cooldown"))
		r->spec.cooldown_ns = ns;
	else
		r->spec.keep_ns = ns;
}

/* "3 of 5", or a duration. */
static void reader_for(struct reader *r, const char *key, const struct tree *value)
{
	const char *text = tree_text(value);
	unsigned int need, of;
	int length = 0;

	/* NOLINTNEXTLINE(cert-err34-c): three digits always fit */
	if (!text || sscanf(text, "%3u of %3u%n", &need, &of, &length) != 2 || text[length]) {
		r->spec.for_ns = reader_span(r, key, value);
		return;
	}
	if (!need || need > of || of > SPEC_NEED_MAX) {
		reader_fail(r, key, "must be n of m looks, n from 1 to m and m at most 32");
		return;
	}
	r->spec.need = (uint8_t)need;
	r->spec.of = (uint8_t)of;
}

static void reader_nodata(struct reader *r, const char *key, const struct tree *value)
{
	const char *text = tree_text(value);

	for (int i = SPEC_KEEP; i <= SPEC_ALERT; i++) {
		if (!text || strcmp(spec_nodata_name((enum spec_nodata)i), text) != 0)
			continue;
		r->spec.nodata = (enum spec_nodata)i;
		return;
	}
	reader_fail(r, key, "must be keep, ok or alert");
}

static void reader_flag(struct reader *r, const char *key, const struct tree *value)
{
	if (tree_kind(value) != TREE_BOOL)
		reader_fail(r, key, "must be true or false");
	else if (!strcmp(key, "enabled"))
		r->spec.enabled = tree_true(value);
	else
		r->spec.service_impacting = tree_true(value);
}

static void reader_numbers(struct reader *r, const char *key, const struct tree *value)
{
	double number = tree_number(value);

	if (!(number >= 0))
		reader_fail(r, key, "must be a number from 0 on");
	else if (!strcmp(key, "objective"))
		r->spec.objective = number;
	else
		r->spec.min_count = number;
}

static void reader_summary(struct reader *r, const char *key, const struct tree *value)
{
	const char *text = reader_text(r, key, value, SPEC_SUMMARY);
	char field[32], what[80];
	const char *near;

	if (!text)
		return;
	if (summary_check(text, field, sizeof(field), &near)) {
		snprintf(what, sizeof(what), "unknown field {%s}", field);
		reader_fail_near(r, key, what, near);
		return;
	}
	snprintf(r->spec.summary, SPEC_SUMMARY, "%s", text);
}

static void reader_labels(struct reader *r, const char *key, const struct tree *value)
{
	const char *name = NULL;
	const struct tree *member;

	if (tree_kind(value) != TREE_OBJECT)
		reader_fail(r, key, "must be an object of texts");
	while ((member = tree_next(value, &name))) {
		const char *text = tree_text(member), *reason = "must be an object of texts";
		char path[READER_PATH];

		if (text && !spec_labels_add(&r->spec.labels, name, text, &reason))
			continue;
		snprintf(path, sizeof(path), "%s.%.60s", key, name);
		reader_fail(r, path, reason);
	}
}

static void reader_scope_member(struct reader *r, const char *name, const struct tree *value)
{
	static const char *const names[] = { "service", "environment", "route", NULL };
	char key[READER_PATH], *to;
	const char *text;

	snprintf(key, sizeof(key), "scope.%s", name);
	if (!strcmp(name, "service")) {
		to = r->spec.service;
	} else if (!strcmp(name, "environment")) {
		to = r->spec.environment;
	} else if (!strcmp(name, "route")) {
		to = r->spec.route;
		r->spec.by_route = true;
	} else {
		reader_fail_near(r, key, "unknown key", reader_nearest(name, names));
		return;
	}
	text = reader_text(r, key, value, SPEC_GLOB);
	if (text)
		snprintf(to, SPEC_GLOB, "%s", text);
}

static void reader_scope(struct reader *r, const char *key, const struct tree *value)
{
	const char *name = NULL;
	const struct tree *member;

	if (tree_kind(value) != TREE_OBJECT)
		reader_fail(r, key, "must be an object, as {\"service\": \"shop-*\"}");
	while ((member = tree_next(value, &name)))
		reader_scope_member(r, name, member);
}

/* Limits are looked at last: only then is their unit known. */
static void reader_later(struct reader *r, const char *key, const struct tree *value)
{
	(void)r;
	(void)key;
	(void)value;
}

static const struct {
	const char *name;
	reader_fn read;
} reader_keys[] = {
	{ "name", reader_later },        { "metric", reader_later },
	{ "function", reader_function }, { "p", reader_percentile },
	{ "window", reader_spans },      { "against", reader_spans },
	{ "interval", reader_spans },    { "cooldown", reader_spans },
	{ "keep_firing", reader_spans }, { "for", reader_for },
	{ "scope", reader_scope },       { "warning", reader_later },
	{ "critical", reader_later },    { "nodata", reader_nodata },
	{ "min_count", reader_numbers }, { "objective", reader_numbers },
	{ "enabled", reader_flag },      { "service_impacting", reader_flag },
	{ "labels", reader_labels },     { "summary", reader_summary },
};

#define READER_KEYS (sizeof(reader_keys) / sizeof(reader_keys[0]))

static void reader_member(struct reader *r, const char *name, const struct tree *value)
{
	const char *names[READER_KEYS + 1] = { NULL };

	for (size_t i = 0; i < READER_KEYS; i++) {
		names[i] = reader_keys[i].name;
		if (!text_is_name(names[i], name))
			continue;
		if (strcmp(names[i], name) != 0 && tree_member(r->rule, names[i]))
			reader_fail(r, name, "stands here in snake_case already");
		reader_keys[i].read(r, name, value);
		return;
	}
	reader_fail_near(r, name, "unknown key", reader_nearest(name, names));
}

static void reader_limit_member(struct reader *r, enum spec_severity severity, const char *name,
				const struct tree *value)
{
	static const char *const names[] = { "above", "below", "clear", NULL };
	struct spec_limit *limit = &r->spec.limits[severity];
	char key[READER_PATH], text[READER_PATH];
	const char *reason;
	double number = 0;

	snprintf(key, sizeof(key), "%s.%s", spec_severity_name(severity), name);
	if (strcmp(name, names[0]) != 0 && strcmp(name, names[1]) != 0 &&
	    strcmp(name, names[2]) != 0) {
		reader_fail_near(r, key, "unknown key", reader_nearest(name, names));
		return;
	}
	if (strcmp(name, "clear") != 0)
		r->has[severity][*name == 'b'] = true;
	if (metric_value_parse(value, spec_unit(&r->spec), &number, &reason)) {
		snprintf(text, sizeof(text), "unit mismatch: a limit of %s %s",
			 metric_info(r->spec.metric)->name, reason);
		reader_fail(r, key, text);
		return;
	}
	if (!strcmp(name, "clear")) {
		limit->clear = number;
		return;
	}
	limit->limit = number;
	limit->set = true;
}

static void reader_limit(struct reader *r, enum spec_severity severity)
{
	const char *name = NULL, *key = spec_severity_name(severity);
	const struct tree *value = tree_member(r->rule, key), *member;
	struct spec_limit *limit = &r->spec.limits[severity];

	if (!value)
		return;
	if (tree_kind(value) != TREE_OBJECT) {
		reader_fail(r, key, "must be an object, as {\"above\": \"2s\", \"clear\": \"1s\"}");
		return;
	}
	while ((member = tree_next(value, &name)))
		reader_limit_member(r, severity, name, member);
	if (r->has[severity][0] == r->has[severity][1])
		reader_fail(r, key, "needs either above or below");
	if (!tree_member(value, "clear"))
		limit->clear = limit->limit;
}

static void reader_limits(struct reader *r)
{
	bool above = false, below = false;

	if (!(metric_info(r->spec.metric)->functions & METRIC_BIT(r->spec.function))) {
		reader_fail(r, "function", "this metric has no such function");
		return; /* the unit of the limits is not known */
	}
	for (int i = 0; i < SPEC_SEVERITIES; i++) {
		reader_limit(r, (enum spec_severity)i);
		above = above || r->has[i][0];
		below = below || r->has[i][1];
	}
	r->spec.below = below;
	if (above && below && !r->wrong)
		reader_fail(r, "critical", "warning and critical must look into one direction");
}

/* {"name": …, "enabled": …} alone switches a rule that is there. */
static bool reader_is_switch(const struct tree *rule)
{
	const char *name = NULL;

	if (!tree_member(rule, "enabled"))
		return false;
	while (tree_next(rule, &name))
		if (strcmp(name, "name") != 0 && strcmp(name, "enabled") != 0)
			return false;
	return true;
}

static void reader_rule(struct reader *r, const struct reader_sink *sink)
{
	bool switched = reader_is_switch(r->rule);
	const struct tree *member;
	const char *name = NULL, *key, *reason;
	char path[READER_PATH];

	if (tree_kind(r->rule) != TREE_OBJECT) {
		reader_fail(r, "", "must be an object");
		return;
	}
	reader_name(r);
	if (!switched)
		reader_metric(r);
	while ((member = tree_next(r->rule, &name)))
		reader_member(r, name, member);
	if (!r->wrong && !switched)
		reader_limits(r);
	if (!r->wrong && !switched && spec_check(&r->spec, &key, &reason))
		reader_fail(r, key, reason);
	if (r->wrong)
		return;
	snprintf(path, sizeof(path), "%s[%zu].name", r->list, r->index);
	snprintf(r->spec.where, sizeof(r->spec.where), "%s:%u", r->text->name,
		 config_line(r->text, path));
	sink->put(sink->ctx, &r->spec, switched);
}

void reader_read_list(const struct reader_list *list, const struct spec_defaults *defaults,
		      const struct reader_sink *sink, struct findings *findings)
{
	size_t count = tree_size(list->rules);

	if (tree_kind(list->rules) != TREE_LIST || count > READER_RULES)
		findings_add(findings, "%s:%u: %s%smust be a list of at most %d rules",
			     list->text->name, config_line(list->text, list->path), list->path,
			     *list->path ? ": " : "", READER_RULES);
	for (size_t i = 0; i < count && i < READER_RULES; i++) {
		struct reader r = { .text = list->text,
				    .list = list->path,
				    .findings = findings,
				    .rule = tree_at(list->rules, i),
				    .index = i };

		spec_init(&r.spec, defaults);
		reader_rule(&r, sink);
	}
}

void reader_read(const struct config_text *text, const struct spec_defaults *defaults,
		 const struct reader_sink *sink, struct findings *findings)
{
	struct reader_list list = { .text = text, .path = "" };
	struct tree_error error;
	struct tree *root;

	if (tree_open(&root, text->bytes, text->length, &error)) {
		findings_add(findings, "%s:%d: %s", text->name, error.line, error.text);
		return;
	}
	list.rules = root;
	reader_read_list(&list, defaults, sink, findings);
	tree_close(root);
}
