#include "scenario.h"

#include "arguments.h"
#include "moment.h"
#include "source.h"
#include "text.h"

#include <ringside/abi.h>

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCENARIO_PATH 96
#define SCENARIO_KEYS 12
#define SCENARIO_RATE 100000u

/* A row as it is written, whatever it is of. */
struct scenario_row {
	struct notice_labels labels;
	uint32_t at_s, within_s, from_s, to_s, rate;
	uint64_t span_ns;
	double value;
	int status, method, metric, state, severity, level;
	char rule[SPEC_NAME];
};

enum scenario_type {
	SCENARIO_TEXT,
	SCENARIO_SECONDS,
	SCENARIO_SPAN,
	SCENARIO_COUNT,
	SCENARIO_VALUE,
	SCENARIO_WORD,
	SCENARIO_LIST, /* looked at by who knows it */
};

typedef const char *(*scenario_word_fn)(int word);

struct scenario_key {
	const char *name;
	enum scenario_type type;
	size_t at, size;       /* in the row; of a text */
	long least, most;      /* of a count */
	scenario_word_fn word; /* NULL behind the last one */
};

/* Where a value stands, as "series[0].samples[2]". */
struct scenario_place {
	const struct scenario *s;
	struct scenario_error *error;
	char path[SCENARIO_PATH];
};

static const char *const scenario_states[] = { "pending", "firing", "notice", "resolved" };

const char *scenario_state_name(enum scenario_state state)
{
	return scenario_states[state];
}

static const char *scenario_word_state(int word)
{
	return word <= SCENARIO_RESOLVED ? scenario_state_name((enum scenario_state)word) : NULL;
}

static const char *scenario_word_severity(int word)
{
	return word < SPEC_SEVERITIES ? spec_severity_name((enum spec_severity)word) : NULL;
}

static const char *scenario_word_method(int word)
{
	return word < RS_METHODS ? source_method((uint8_t)word) : NULL;
}

static const char *scenario_word_metric(int word)
{
	return word < METRICS_OF_RULES ? metric_info((enum metric)word)->name : NULL;
}

#define AT(member) .at = offsetof(struct scenario_row, member)
#define TEXT(member)                                                                               \
	.type = SCENARIO_TEXT, AT(member), .size = sizeof(((struct scenario_row *)0)->member)
#define SECONDS(member) .type = SCENARIO_SECONDS, AT(member)
#define COUNT(member, from, to) .type = SCENARIO_COUNT, AT(member), .least = (from), .most = (to)
#define WORD(member, words) .type = SCENARIO_WORD, AT(member), .word = (words)
#define LIST .type = SCENARIO_LIST
#define LAST                                                                                       \
	{                                                                                          \
		.name = NULL                                                                       \
	}

static const struct scenario_key scenario_root[] = {
	{ .name = "rules", LIST },  { .name = "begin", LIST },  { .name = "lasts", LIST },
	{ .name = "series", LIST }, { .name = "expect", LIST }, LAST,
};

static const struct scenario_key scenario_series[] = {
	{ .name = "service", TEXT(labels.service) },
	{ .name = "environment", TEXT(labels.environment) },
	{ .name = "route", TEXT(labels.route) },
	{ .name = "method", WORD(method, scenario_word_method) },
	{ .name = "metric", WORD(metric, scenario_word_metric) },
	{ .name = "samples", LIST },
	LAST,
};

static const struct scenario_key scenario_load[] = {
	{ .name = "from", SECONDS(from_s) },
	{ .name = "to", SECONDS(to_s) },
	{ .name = "rate", COUNT(rate, 1, SCENARIO_RATE) },
	{ .name = "duration", .type = SCENARIO_SPAN, AT(span_ns) },
	{ .name = "status", COUNT(status, 100, 599) },
	LAST,
};

static const struct scenario_key scenario_value[] = {
	{ .name = "from", SECONDS(from_s) },
	{ .name = "to", SECONDS(to_s) },
	{ .name = "value", .type = SCENARIO_VALUE },
	LAST,
};

static const struct scenario_key scenario_expect[] = {
	{ .name = "at", SECONDS(at_s) },
	{ .name = "within", SECONDS(within_s) },
	{ .name = "rule", TEXT(rule) },
	{ .name = "service", TEXT(labels.service) },
	{ .name = "environment", TEXT(labels.environment) },
	{ .name = "route", TEXT(labels.route) },
	{ .name = "method", TEXT(labels.method) },
	{ .name = "state", WORD(state, scenario_word_state) },
	{ .name = "severity", WORD(severity, scenario_word_severity) },
	{ .name = "level", COUNT(level, 0, 3) },
	LAST,
};

static int scenario_fail(const struct scenario_place *p, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int scenario_fail(const struct scenario_place *p, const char *format, ...)
{
	char reason[256];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	snprintf(p->error->text, sizeof(p->error->text), "%s:%u: %s%s%s", p->s->text->name,
		 config_line(p->s->text, p->path), p->path, *p->path ? ": " : "", reason);
	return -EINVAL;
}

static struct scenario_place scenario_below(const struct scenario_place *p, const char *name)
{
	struct scenario_place below = *p;

	snprintf(below.path, sizeof(below.path), "%.60s%s%.30s", p->path, *p->path ? "." : "",
		 name);
	return below;
}

static struct scenario_place scenario_item(const struct scenario_place *p, size_t index)
{
	struct scenario_place item = *p;

	snprintf(item.path, sizeof(item.path), "%.60s[%zu]", p->path, index);
	return item;
}

static int scenario_seconds(const struct scenario_place *p, const struct tree *value, uint32_t *out)
{
	const char *text = tree_text(value);
	uint64_t ns;

	if (!text || text_span_ns(text, &ns) || ns % 1000000000 || ns / 1000000000 > REPLAY_SECONDS)
		return scenario_fail(p, "must be whole seconds with their unit, as \"90s\", and at "
					"most 168h");
	*out = (uint32_t)(ns / 1000000000);
	return 0;
}

static int scenario_word(const struct scenario_place *p, const struct tree *value,
			 scenario_word_fn word, int *out)
{
	const char *names[METRICS_OF_RULES + 1] = { NULL }, *text = tree_text(value), *near;
	int count = 0;

	for (; word(count); count++) {
		names[count] = word(count);
		if (!text || strcmp(names[count], text) != 0)
			continue;
		*out = count;
		return 0;
	}
	near = text ? arguments_nearest(text, names) : NULL;
	return scenario_fail(p, "must be one of %s, %s …%s%s%s", names[0], names[1],
			     near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static int scenario_text(const struct scenario_place *p, const struct tree *value, char *out,
			 size_t size)
{
	const char *text = tree_text(value);

	if (!text || !*text || strlen(text) >= size)
		return scenario_fail(p, "must be a text of 1 to %zu bytes", size - 1);
	memcpy(out, text, strlen(text) + 1);
	return 0;
}

/* NULL is what nobody knows. */
static int scenario_number(const struct scenario_place *p, const struct tree *value,
			   struct scenario_row *row)
{
	row->value = tree_number(value);
	if (isnan(row->value) && tree_kind(value) != TREE_NULL)
		return scenario_fail(p, "must be a number, in the unit of its metric, or null");
	return 0;
}

static int scenario_take(const struct scenario_place *p, const struct scenario_key *key,
			 const struct tree *value, struct scenario_row *row)
{
	double number = tree_number(value);
	void *at;

	if (!row) /* lists alone, which are taken by who knows what is in them */
		return 0;
	at = (char *)row + key->at;
	switch (key->type) {
	case SCENARIO_TEXT:
		return scenario_text(p, value, at, key->size);
	case SCENARIO_SECONDS:
		return scenario_seconds(p, value, at);
	case SCENARIO_SPAN:
		if (tree_text(value) && !text_span_ns(tree_text(value), at))
			return 0;
		return scenario_fail(p, "must be a duration with its unit, as \"90ms\"");
	case SCENARIO_COUNT:
		if (!(number >= (double)key->least && number <= (double)key->most) ||
		    number != floor(number))
			return scenario_fail(p, "must be a whole number from %ld to %ld",
					     key->least, key->most);
		*(int *)at = (int)number;
		return 0;
	case SCENARIO_VALUE:
		return scenario_number(p, value, row);
	case SCENARIO_WORD:
		return scenario_word(p, value, key->word, at);
	case SCENARIO_LIST:
		break;
	}
	return 0;
}

/* All members of an object, each as its key says. */
static int scenario_object(const struct scenario_place *p, const struct tree *object,
			   const struct scenario_key *keys, struct scenario_row *row)
{
	const char *name = NULL, *names[SCENARIO_KEYS] = { NULL }, *near;
	const struct tree *value;
	int ret = 0;

	if (tree_kind(object) != TREE_OBJECT)
		return scenario_fail(p, "must be an object");
	while (!ret && (value = tree_next(object, &name))) {
		struct scenario_place below = scenario_below(p, name);
		size_t i = 0;

		for (; keys[i].name && strcmp(keys[i].name, name) != 0; i++)
			names[i] = keys[i].name;
		if (keys[i].name) {
			ret = scenario_take(&below, &keys[i], value, row);
			continue;
		}
		near = arguments_nearest(name, names);
		return scenario_fail(&below, "unknown key%s%s%s", near ? "; did you mean " : "",
				     near ? near : "", near ? "?" : "");
	}
	return ret;
}

static const struct scenario_row scenario_none = { .status = 200,
						   .method = RS_METHOD_GET,
						   .metric = -1,
						   .state = -1,
						   .severity = -1,
						   .level = -1 };

static int scenario_load_put(struct scenario *s, const struct scenario_place *p,
			     const struct scenario_row *row)
{
	struct replay_load *load = &s->loads[s->load_count++];

	if (!row->rate || !row->span_ns)
		return scenario_fail(p, "needs a rate (requests a second) and a duration");
	*load = (struct replay_load){ .labels = row->labels,
				      .from_s = row->from_s,
				      .to_s = row->to_s,
				      .per_s = row->rate,
				      .span_ns = row->span_ns,
				      .status = (uint16_t)row->status,
				      .method = (uint8_t)row->method };
	return 0;
}

static int scenario_value_put(struct scenario *s, const struct scenario_place *p,
			      const struct tree *sample, const struct scenario_row *row)
{
	struct replay_value *value = &s->values[s->value_count++];

	if (!tree_member(sample, "value"))
		return scenario_fail(p, "needs a value");
	*value = (struct replay_value){ .labels = row->labels,
					.metric = (enum metric)row->metric,
					.from_s = row->from_s,
					.to_s = row->to_s,
					.value = row->value };
	if (*row->labels.route)
		snprintf(value->labels.method, sizeof(value->labels.method), "%s",
			 source_method((uint8_t)row->method));
	return 0;
}

static int scenario_sample(struct scenario *s, const struct scenario_place *p,
			   const struct tree *sample, const struct scenario_row *of)
{
	const struct scenario_key *keys = of->metric < 0 ? scenario_load : scenario_value;
	struct scenario_row row = *of;
	int ret;

	if (s->load_count + s->value_count == SCENARIO_ROWS)
		return scenario_fail(p, "more than %u samples", SCENARIO_ROWS);
	row.to_s = s->lasts_s;
	ret = scenario_object(p, sample, keys, &row);
	if (ret)
		return ret;
	if (row.from_s >= row.to_s || row.to_s > s->lasts_s)
		return scenario_fail(p, "needs a `from` before its `to`, and both within `lasts`");
	return of->metric < 0 ? scenario_load_put(s, p, &row)
			      : scenario_value_put(s, p, sample, &row);
}

static int scenario_one(struct scenario *s, const struct scenario_place *p,
			const struct tree *series)
{
	const struct tree *samples = tree_member(series, "samples");
	struct scenario_place below = scenario_below(p, "samples");
	struct scenario_row row = scenario_none;
	int ret;

	ret = scenario_object(p, series, scenario_series, &row);
	if (!ret && row.metric < 0 && (!*row.labels.service || !*row.labels.route))
		ret = scenario_fail(p, "requests need a service and a route");
	if (!ret && (tree_kind(samples) != TREE_LIST || !tree_size(samples)))
		ret = scenario_fail(&below, "must be a list of samples");
	for (size_t i = 0; !ret && i < tree_size(samples); i++) {
		struct scenario_place item = scenario_item(&below, i);

		ret = scenario_sample(s, &item, tree_at(samples, i), &row);
	}
	return ret;
}

static int scenario_expected(struct scenario *s, const struct scenario_place *p,
			     const struct tree *expected)
{
	struct scenario_turn *turn = &s->expected[s->expected_count++];
	struct scenario_row row = scenario_none;
	int ret;

	ret = scenario_object(p, expected, scenario_expect, &row);
	if (!ret && (!tree_member(expected, "at") || row.state < 0 || !*row.rule))
		ret = scenario_fail(p, "needs at, rule and state");
	turn->at_s = row.at_s;
	turn->within_s = row.within_s;
	memcpy(turn->rule, row.rule, sizeof(turn->rule));
	turn->labels = row.labels;
	turn->state = (enum scenario_state)row.state;
	turn->severity = row.severity;
	turn->level = row.level;
	return ret;
}

static int scenario_lists(struct scenario *s, const struct scenario_place *p)
{
	const struct tree *series = tree_member(s->root, "series");
	const struct tree *expect = tree_member(s->root, "expect");
	struct scenario_place below = scenario_below(p, "series");
	int ret = 0;

	if (tree_kind(series) != TREE_LIST)
		return scenario_fail(&below, "must be a list of series");
	for (size_t i = 0; !ret && i < tree_size(series); i++) {
		struct scenario_place item = scenario_item(&below, i);

		ret = scenario_one(s, &item, tree_at(series, i));
	}
	below = scenario_below(p, "expect");
	s->is_expecting = expect != NULL;
	if (!ret && expect && (tree_kind(expect) != TREE_LIST || tree_size(expect) > SCENARIO_ROWS))
		return scenario_fail(&below, "must be a list of at most %u", SCENARIO_ROWS);
	for (size_t i = 0; !ret && i < tree_size(expect); i++) {
		struct scenario_place item = scenario_item(&below, i);

		ret = scenario_expected(s, &item, tree_at(expect, i));
	}
	return ret;
}

static int scenario_times(struct scenario *s, const struct scenario_place *p)
{
	const struct tree *begin = tree_member(s->root, "begin");
	struct scenario_place below = scenario_below(p, "lasts");
	const char *text = tree_text(begin);

	if (scenario_seconds(&below, tree_member(s->root, "lasts"), &s->lasts_s))
		return -EINVAL;
	if (!s->lasts_s)
		return scenario_fail(&below, "must be from 1s to 168h");
	below = scenario_below(p, "begin");
	if (begin && (!text || moment_parse(text, &s->begin_ms)))
		return scenario_fail(&below, "must be a time, as \"2026-01-15T10:00:00Z\"");
	return 0;
}

/* What it comes to is work that somebody waits for. */
static int scenario_work(const struct scenario *s, const struct scenario_place *p)
{
	uint64_t requests = 0;

	for (size_t i = 0; i < s->load_count; i++)
		requests += (uint64_t)s->loads[i].per_s * (s->loads[i].to_s - s->loads[i].from_s);
	if (requests > REPLAY_REQUESTS)
		return scenario_fail(p, "comes to %llu requests: more than %llu",
				     (unsigned long long)requests,
				     (unsigned long long)REPLAY_REQUESTS);
	return 0;
}

static int scenario_read(struct scenario *s, struct scenario_error *error)
{
	struct scenario_place top = { .s = s, .error = error };
	int ret = scenario_object(&top, s->root, scenario_root, NULL);

	s->rules = tree_member(s->root, "rules");
	if (!ret)
		ret = scenario_times(s, &top);
	if (!ret)
		ret = scenario_lists(s, &top);
	return ret ? ret : scenario_work(s, &top);
}

int scenario_open(struct scenario *s, const struct config_text *text, struct scenario_error *error)
{
	struct tree_error wrong;
	int ret;

	memset(s, 0, sizeof(*s));
	s->text = text;
	if (tree_open(&s->root, text->bytes, text->length, &wrong)) {
		s->root = NULL;
		snprintf(error->text, sizeof(error->text), "%s:%d: %s", text->name, wrong.line,
			 wrong.text);
		return -EINVAL;
	}
	s->loads = calloc(SCENARIO_ROWS, sizeof(*s->loads));
	s->values = calloc(SCENARIO_ROWS, sizeof(*s->values));
	s->expected = calloc(SCENARIO_ROWS, sizeof(*s->expected));
	ret = s->loads && s->values && s->expected ? scenario_read(s, error) : -ENOMEM;
	if (ret == -ENOMEM)
		snprintf(error->text, sizeof(error->text), "out of memory");
	if (ret)
		scenario_close(s);
	return ret;
}

void scenario_close(struct scenario *s)
{
	tree_close(s->root);
	free(s->loads);
	free(s->values);
	free(s->expected);
	memset(s, 0, sizeof(*s));
}
