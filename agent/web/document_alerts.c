/*
 * document_alerts - what is wrong and what was, the rules, and what people say to alerts.
 */
#include "site.h"

#include "alarm.h"
#include "alerts.h"
#include "culprit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALERTS_ACK "/api/alerts/"

/* A number of ours as text; 0: it is none. */
static uint64_t alerts_number(const char *text, size_t length)
{
	if (!length || length > 18 || strspn(text, "0123456789") < length)
		return 0;
	return strtoull(text, NULL, 10);
}

int document_alerts_off(const struct question *q)
{
	return refuse(q->no, 503, "alerts_off", "alerts are turned off by alerts.enabled");
}

static const char *alerts_state(const struct alerts_row *row)
{
	if (row->state == ALERTS_OVER)
		return "resolved";
	if (row->state == ALARM_PENDING)
		return "pending";
	return row->acknowledged ? "acknowledged" : "firing";
}

static void alerts_text(struct json *j, const char *key, const char *text)
{
	if (*text)
		json_string(j, key, text);
}

static void alerts_given(const struct spec_labels *given, struct json *j)
{
	struct spec_label label;

	for (size_t i = 0; i < given->count; i++) {
		spec_labels_get(given, i, &label);
		json_string(j, label.name, label.value);
	}
}

static void alerts_labels(const struct notice *n, struct json *j)
{
	const struct notice_labels *l = &n->labels;

	json_object_begin(j, "labels");
	alerts_text(j, "service", l->service);
	alerts_text(j, "environment", l->environment);
	alerts_text(j, "route", l->route);
	alerts_text(j, "method", l->method);
	alerts_given(&n->given, j);
	json_object_end(j);
}

static void alerts_id(struct json *j, const char *key, uint64_t id)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)id);
	json_string(j, key, id ? text : NULL);
}

static void alerts_cause(const struct notice_cause *cause, struct json *j)
{
	char text[NOTICE_SUMMARY];

	if (!culprit_kind(cause)) {
		json_null(j, "cause");
		return;
	}
	culprit_text(cause, text, sizeof(text));
	json_object_begin(j, "cause");
	json_string(j, "kind", culprit_kind(cause));
	json_string(j, "name", cause->name);
	if (cause->pid)
		json_int(j, "pid", cause->pid);
	else
		json_null(j, "pid");
	json_double(j, "share", cause->share);
	json_string(j, "summary", text);
	json_object_end(j);
}

void document_alert(const struct alerts_row *row, struct json *j)
{
	const struct notice *n = &row->notice;
	bool over = row->state == ALERTS_OVER;

	json_object_begin(j, NULL);
	alerts_id(j, "id", n->id);
	json_string(j, "rule", n->rule);
	json_string(j, "state", alerts_state(row));
	json_string(j, "severity", spec_severity_name(n->severity));
	json_uint(j, "level", n->level);
	json_double(j, "value", n->value);
	json_double(j, "peak", n->peak);
	json_double(j, "threshold", n->limit);
	json_string(j, "unit", metric_unit_name(n->unit));
	json_time(j, "since", n->since_ms);
	if (over)
		json_time(j, "until", n->at_ms);
	else
		json_null(j, "until");
	json_measure(j, "durationMs", over ? (double)n->lasted_ns / 1e6 : METRICS_UNKNOWN);
	alerts_labels(n, j);
	alerts_cause(&n->cause, j);
	json_string(j, "summary", n->summary);
	json_uint(j, "notices", n->number);
	if (row->notice_ms)
		json_time(j, "lastNotifiedAt", row->notice_ms);
	else
		json_null(j, "lastNotifiedAt");
	alerts_id(j, "silencedBy", row->silence);
	json_bool(j, "inhibited", row->inhibited);
	json_bool(j, "flapping", row->flapping);
	json_bool(j, "noData", row->blind);
	json_bool(j, "serviceImpacting", row->impacting);
	json_array_begin(j, "evidence");
	json_string(j, NULL, n->link);
	json_array_end(j);
	json_object_end(j);
}

/* What fires before what is pending, critical before warning, the youngest first. */
static int alerts_compare(const void *a, const void *b)
{
	const struct alerts_row *x = a, *y = b;

	if (x->state != y->state)
		return y->state - x->state;
	if (x->notice.severity != y->notice.severity)
		return (int)y->notice.severity - (int)x->notice.severity;
	return (x->notice.since_ms < y->notice.since_ms) -
	       (x->notice.since_ms > y->notice.since_ms);
}

/* Those of one service alone, where it was asked for; how many are left. */
static int alerts_of_service(const char *service, struct alerts_row *rows, int count)
{
	int kept = 0;

	for (int i = 0; i < count; i++)
		if (!service || !strcmp(rows[i].notice.labels.service, service))
			rows[kept++] = rows[i];
	return kept;
}

static int alerts_put_hushes(const struct question *q, struct json *j)
{
	struct hush *rows;
	int count = alerts_hush_list(q->site->alerts, &rows);

	if (count < 0)
		return count;
	json_array_begin(j, "silences");
	for (int i = 0; i < count; i++) {
		json_object_begin(j, NULL);
		alerts_id(j, "id", rows[i].id);
		json_string(j, "rule", *rows[i].rule ? rows[i].rule : NULL);
		json_string(j, "service", *rows[i].service ? rows[i].service : NULL);
		json_string(j, "environment", *rows[i].environment ? rows[i].environment : NULL);
		json_string(j, "route", *rows[i].route ? rows[i].route : NULL);
		json_string(j, "comment", *rows[i].comment ? rows[i].comment : NULL);
		json_time(j, "since", rows[i].since_ms);
		json_time(j, "until", rows[i].until_ms);
		json_object_end(j);
	}
	json_array_end(j);
	free(rows);
	return 0;
}

static int alerts_put_all(const struct question *q, bool over, struct json *j)
{
	struct alerts_counts counts;
	struct alerts_row *rows;
	size_t from, to;
	int count = alerts_list(q->site->alerts, over, q->request->wall_ms, &rows);

	if (count < 0)
		return count;
	count = alerts_of_service(q->ask.scope.service, rows, count);
	if (!over && count)
		qsort(rows, (size_t)count, sizeof(*rows), alerts_compare);
	document_page(q, j, (size_t)count, &from, &to);
	json_array_begin(j, "alerts");
	for (size_t i = from; i < to; i++)
		document_alert(&rows[i], j);
	json_array_end(j);
	free(rows);
	alerts_counts_get(q->site->alerts, &counts);
	json_uint(j, "refused", counts.refused);
	json_uint(j, "notices", counts.sent);
	document_outbox_put(q, j);
	return alerts_put_hushes(q, j);
}

int document_alerts(const struct question *q, struct json *j)
{
	const char *state = q->ask.state;
	int ret;

	if (state && strcmp(state, "resolved") != 0 && strcmp(state, "active") != 0) {
		snprintf(q->no->field, sizeof(q->no->field), "state");
		return refuse(q->no, 400, "bad_state", "must be active or resolved");
	}
	if (!q->site->alerts)
		return document_alerts_off(q);
	json_object_begin(j, NULL);
	ret = alerts_put_all(q, state && !strcmp(state, "resolved"), j);
	json_object_end(j);
	return ret;
}

static const char *alerts_rule_state(const struct alerts_rule *rule)
{
	if (!rule->spec.enabled)
		return "off";
	if (metric_info(rule->spec.metric)->waits)
		return "waiting";
	if (rule->now.firing)
		return "firing";
	return rule->now.pending ? "pending" : "ok";
}

static void alerts_put_limit(const struct spec *s, enum spec_severity severity, struct json *j)
{
	const struct spec_limit *l = &s->limits[severity];

	if (!l->set) {
		json_null(j, spec_severity_name(severity));
		return;
	}
	json_object_begin(j, spec_severity_name(severity));
	json_double(j, s->below ? "below" : "above", l->limit);
	json_double(j, "clear", l->clear);
	json_object_end(j);
}

static void alerts_put_scope(const struct spec *s, struct json *j)
{
	json_object_begin(j, "scope");
	alerts_text(j, "service", s->service);
	alerts_text(j, "environment", s->environment);
	alerts_text(j, "route", s->route);
	json_object_end(j);
}

static void alerts_put_times(const struct spec *s, struct json *j)
{
	char need[24];

	json_double(j, "windowMs", (double)s->window_ns / 1e6);
	json_measure(j, "againstMs", s->against_ns ? (double)s->against_ns / 1e6 : METRICS_UNKNOWN);
	json_double(j, "intervalMs", (double)s->interval_ns / 1e6);
	json_double(j, "cooldownMs", (double)s->cooldown_ns / 1e6);
	json_double(j, "keepFiringMs", (double)s->keep_ns / 1e6);
	json_double(j, "forMs", (double)s->for_ns / 1e6);
	snprintf(need, sizeof(need), "%u of %u", s->need, s->of);
	json_string(j, "for", need);
	json_string(j, "nodata", spec_nodata_name(s->nodata));
	json_measure(j, "minCount", s->min_count > 0 ? s->min_count : METRICS_UNKNOWN);
}

static void alerts_put_rule(const struct alerts_rule *rule, struct json *j)
{
	const struct spec *s = &rule->spec;

	json_object_begin(j, NULL);
	json_string(j, "name", s->name);
	json_string(j, "source", s->where);
	json_string(j, "state", alerts_rule_state(rule));
	json_string(j, "waitingFor", metric_info(s->metric)->waits);
	json_string(j, "metric", metric_info(s->metric)->name);
	json_string(j, "function", metric_function_name(s->function));
	json_string(j, "unit", metric_unit_name(spec_unit(s)));
	json_double(j, "value", rule->now.value);
	json_uint(j, "series", rule->now.series);
	json_uint(j, "pending", rule->now.pending);
	json_uint(j, "firing", rule->now.firing);
	if (rule->now.looked_ms)
		json_time(j, "lookedAt", rule->now.looked_ms);
	else
		json_null(j, "lookedAt");
	alerts_put_scope(s, j);
	alerts_put_limit(s, SPEC_WARNING, j);
	alerts_put_limit(s, SPEC_CRITICAL, j);
	alerts_put_times(s, j);
	json_object_begin(j, "labels");
	alerts_given(&s->labels, j);
	json_object_end(j);
	json_bool(j, "serviceImpacting", s->service_impacting);
	json_bool(j, "enabled", s->enabled);
	json_string(j, "summary", *s->summary ? s->summary : NULL);
	json_object_end(j);
}

int document_rules(const struct question *q, struct json *j)
{
	struct alerts_rule *rows;
	size_t from, to;
	int count;

	if (!q->site->alerts)
		return document_alerts_off(q);
	count = alerts_rule_list(q->site->alerts, &rows);
	if (count < 0)
		return count;
	json_object_begin(j, NULL);
	document_page(q, j, (size_t)count, &from, &to);
	json_array_begin(j, "rules");
	for (size_t i = from; i < to; i++)
		alerts_put_rule(&rows[i], j);
	json_array_end(j);
	json_object_end(j);
	free(rows);
	return 0;
}

/* It is so, but a kill would undo it. */
static int alerts_not_kept(const struct question *q)
{
	q->no->field[0] = '\0';
	return refuse(q->no, 503, "not_on_disk",
		      "it is in force, but the disk has not taken it yet: a restart may undo it");
}

int document_acknowledge(const struct question *q, struct json *j)
{
	const struct alerts_time now = { (int64_t)q->request->now_ns, q->request->wall_ms };
	const char *text = q->path + sizeof(ALERTS_ACK) - 1;
	uint64_t id = alerts_number(text, strcspn(text, "/"));
	int ret;

	if (!q->site->alerts)
		return document_alerts_off(q);
	ret = id ? alerts_acknowledge(q->site->alerts, id, &now) : -ENOENT;
	if (ret == -ENOENT)
		return refuse(q->no, 404, "not_firing", "no alert of this id fires");
	if (ret)
		return alerts_not_kept(q);
	json_object_begin(j, NULL);
	alerts_id(j, "id", id);
	json_string(j, "state", "acknowledged");
	json_object_end(j);
	return 0;
}

static int alerts_silence(const struct question *q, const struct tree *what, struct json *j)
{
	const struct alerts_time now = { (int64_t)q->request->now_ns, q->request->wall_ms };
	struct hush_error error = { .key = "" };
	struct hush hush;
	int ret = alerts_hush(q->site->alerts, what, &now, &hush, &error);

	if (ret == -ENOSPC)
		return refuse(q->no, 429, "too_many_silences", "there are %d silences already",
			      HUSH_MAX);
	if (ret == -EINVAL) {
		snprintf(q->no->field, sizeof(q->no->field), "%s", error.key);
		return refuse(q->no, 422, "bad_silence", "%s", error.reason);
	}
	if (ret)
		return alerts_not_kept(q);
	json_object_begin(j, NULL);
	alerts_id(j, "id", hush.id);
	json_time(j, "until", hush.until_ms);
	json_object_end(j);
	return 0;
}

int document_silence(const struct question *q, struct json *j)
{
	const struct request *r = q->request;
	struct tree_error error;
	struct tree *what;
	int ret;

	if (!q->site->alerts)
		return document_alerts_off(q);
	if (tree_open(&what, r->body ? r->body : "", r->body_length, &error))
		return refuse(q->no, 400, "bad_json", "line %d: %s", error.line, error.text);
	ret = alerts_silence(q, what, j);
	tree_close(what);
	return ret;
}

int document_unsilence(const struct question *q, struct json *j)
{
	const char *text = q->ask.id ? q->ask.id : "";
	uint64_t id = alerts_number(text, strlen(text));
	int ret;

	if (!q->site->alerts)
		return document_alerts_off(q);
	snprintf(q->no->field, sizeof(q->no->field), "id");
	if (!id)
		return refuse(q->no, 400, "bad_id", "needs the id of a silence");
	ret = alerts_unhush(q->site->alerts, id, (int64_t)q->request->now_ns);
	if (ret == -ENOENT)
		return refuse(q->no, 404, "no_silence", "there is no silence of this id");
	if (ret)
		return alerts_not_kept(q);
	json_object_begin(j, NULL);
	alerts_id(j, "id", id);
	json_bool(j, "removed", true);
	json_object_end(j);
	return 0;
}
