#include "verdict.h"

#include "json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void verdict_init(struct verdict *v, const struct scenario *scenario)
{
	memset(v, 0, sizeof(*v));
	v->scenario = scenario;
}

void verdict_fini(struct verdict *v)
{
	free(v->turns);
	free(v->is_met);
	free(v->is_missed);
	memset(v, 0, sizeof(*v));
}

static struct scenario_turn *verdict_room(struct verdict *v)
{
	size_t room = v->room ? 2 * v->room : 64;
	struct scenario_turn *more;

	if (v->count < v->room)
		return &v->turns[v->count++];
	more = room <= SCENARIO_ROWS ? realloc(v->turns, room * sizeof(*more)) : NULL;
	if (!more) {
		v->error = room <= SCENARIO_ROWS ? -ENOMEM : -E2BIG;
		return NULL;
	}
	v->turns = more;
	v->room = room;
	return &v->turns[v->count++];
}

static void verdict_put(struct verdict *v, const struct notice *n, enum scenario_state state)
{
	struct scenario_turn *turn = verdict_room(v);

	if (!turn)
		return;
	*turn = (struct scenario_turn){ .at_s = v->now_s,
					.labels = n->labels,
					.state = state,
					.severity = (int)n->severity,
					.level = n->level,
					.value = n->value,
					.unit = n->unit };
	memcpy(turn->rule, n->rule, sizeof(turn->rule));
}

void verdict_turned(void *verdict, const struct engine_turn *turn)
{
	enum alarm_state state = turn->instance->alarm.state;
	struct verdict *v = verdict;

	if (!v->all && book_is_shipped(turn->spec))
		return;
	if (turn->before->state == ALARM_FIRING && state == ALARM_QUIET)
		verdict_put(v, turn->notice, SCENARIO_RESOLVED);
	else if (turn->turn & ALARM_CHANGED && state == ALARM_FIRING)
		verdict_put(v, turn->notice, SCENARIO_FIRING);
	else if (turn->turn & ALARM_CHANGED && state == ALARM_PENDING)
		verdict_put(v, turn->notice, SCENARIO_PENDING);
	if (turn->turn & ALARM_NOTICE)
		verdict_put(v, turn->notice, SCENARIO_NOTICE);
}

static bool verdict_expects(const struct verdict *v, enum scenario_state state)
{
	const struct scenario *s = v->scenario;

	if (state == SCENARIO_FIRING || state == SCENARIO_RESOLVED)
		return true;
	for (size_t i = 0; i < s->expected_count; i++)
		if (s->expected[i].state == state)
			return true;
	return false;
}

static bool verdict_label(const char *wanted, const char *text)
{
	return !*wanted || !strcmp(wanted, text);
}

static bool verdict_matches(const struct scenario_turn *wanted, const struct scenario_turn *turn)
{
	const struct notice_labels *w = &wanted->labels, *l = &turn->labels;
	uint32_t apart =
		wanted->at_s > turn->at_s ? wanted->at_s - turn->at_s : turn->at_s - wanted->at_s;

	return wanted->state == turn->state && apart <= wanted->within_s &&
	       !strcmp(wanted->rule, turn->rule) &&
	       (wanted->severity < 0 || wanted->severity == turn->severity) &&
	       (wanted->level < 0 || wanted->level == turn->level) &&
	       verdict_label(w->service, l->service) &&
	       verdict_label(w->environment, l->environment) && verdict_label(w->route, l->route) &&
	       verdict_label(w->method, l->method);
}

/* The first that nothing else met. */
static bool verdict_meet(struct verdict *v, const struct scenario_turn *wanted)
{
	for (size_t i = 0; i < v->count; i++) {
		if (v->is_met[i] || !verdict_matches(wanted, &v->turns[i]))
			continue;
		v->is_met[i] = true;
		return true;
	}
	return false;
}

int verdict_compare(struct verdict *v)
{
	const struct scenario *s = v->scenario;

	if (v->error)
		return v->error;
	v->is_met = calloc(v->count + 1, sizeof(bool));
	v->is_missed = calloc(s->expected_count + 1, sizeof(bool));
	if (!v->is_met || !v->is_missed)
		return -ENOMEM;
	for (size_t i = 0; i < s->expected_count; i++) {
		v->is_missed[i] = !verdict_meet(v, &s->expected[i]);
		v->missed += v->is_missed[i];
	}
	for (size_t i = 0; i < v->count; i++) {
		v->is_met[i] =
			v->is_met[i] || !s->is_expecting || !verdict_expects(v, v->turns[i].state);
		v->extra += !v->is_met[i];
	}
	return 0;
}

static void verdict_line(const struct scenario_turn *t, bool told, FILE *out)
{
	const struct notice_labels *l = &t->labels;
	const char *const texts[] = { l->service, l->environment, l->method, l->route };
	char value[32];

	fprintf(out, "%6us  %-8s  %-8s  level %s  %s", t->at_s, scenario_state_name(t->state),
		t->severity < 0 ? "any" : spec_severity_name((enum spec_severity)t->severity),
		t->level < 0 ? "any" : (const char *[]){ "0", "1", "2", "3" }[t->level], t->rule);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (*texts[i])
			fprintf(out, " %s", texts[i]);
	if (told) {
		metric_value_format(t->value, t->unit, value, sizeof(value));
		fprintf(out, "  %s", value);
	}
	fputc('\n', out);
}

void verdict_print(const struct verdict *v, FILE *out)
{
	const struct scenario *s = v->scenario;

	for (size_t i = 0; i < v->count; i++) {
		fputs(v->is_met[i] ? "  " : "+ ", out);
		verdict_line(&v->turns[i], true, out);
	}
	for (size_t i = 0; i < s->expected_count; i++) {
		if (!v->is_missed[i])
			continue;
		fputs("- ", out);
		verdict_line(&s->expected[i], false, out);
	}
	if (!s->is_expecting)
		fprintf(out, "nothing was expected, so that nothing is wrong\n");
	else if (v->missed || v->extra)
		fprintf(out, "%zu that were expected did not come (-), %zu came unexpected (+)\n",
			v->missed, v->extra);
	else
		fprintf(out, "all %zu came as expected\n", s->expected_count);
}

static void verdict_text(struct json *j, const char *key, const char *text)
{
	json_string(j, key, *text ? text : NULL);
}

static void verdict_row(struct json *j, int64_t begin_ms, const struct scenario_turn *t, bool told)
{
	json_object_begin(j, NULL);
	json_time(j, "at", begin_ms + t->at_s * INT64_C(1000));
	json_double(j, "offsetMs", t->at_s * 1e3);
	json_string(j, "rule", t->rule);
	json_string(j, "state", scenario_state_name(t->state));
	json_string(j, "severity",
		    t->severity < 0 ? NULL : spec_severity_name((enum spec_severity)t->severity));
	if (t->level < 0)
		json_null(j, "level");
	else
		json_int(j, "level", t->level);
	verdict_text(j, "service", t->labels.service);
	verdict_text(j, "environment", t->labels.environment);
	verdict_text(j, "route", t->labels.route);
	verdict_text(j, "method", t->labels.method);
	if (told)
		json_double(j, "value", t->value);
	json_object_end(j);
}

int verdict_json(const struct verdict *v, FILE *out)
{
	const struct scenario *s = v->scenario;
	struct json j;
	int ret;

	json_init(&j);
	json_object_begin(&j, NULL);
	json_bool(&j, "good", !v->missed && !v->extra);
	json_bool(&j, "expected", s->is_expecting);
	json_array_begin(&j, "turns");
	for (size_t i = 0; i < v->count; i++)
		verdict_row(&j, s->begin_ms, &v->turns[i], true);
	json_array_end(&j);
	json_array_begin(&j, "missed");
	for (size_t i = 0; i < s->expected_count; i++)
		if (v->is_missed[i])
			verdict_row(&j, s->begin_ms, &s->expected[i], false);
	json_array_end(&j);
	json_array_begin(&j, "unexpected");
	for (size_t i = 0; i < v->count; i++)
		if (!v->is_met[i])
			verdict_row(&j, s->begin_ms, &v->turns[i], true);
	json_array_end(&j);
	json_object_end(&j);
	ret = json_finish(&j);
	if (!ret)
		fprintf(out, "%s\n", j.bytes);
	json_fini(&j);
	return ret;
}
