#include "describe.h"

#include "culprit.h"
#include "moment.h"
#include "summary.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

#define DESCRIBE_CAUSE 240 /* its text */

static void describe_in_words(const struct spec *spec, struct notice *n)
{
	char value[32], limit[32], window[32], since[MOMENT_TEXT], cause[DESCRIBE_CAUSE];
	size_t used;
	const char *values[SUMMARY_FIELDS] = {
		[SUMMARY_RULE] = n->rule,
		[SUMMARY_SEVERITY] = spec_severity_name(n->severity),
		[SUMMARY_VALUE] = value,
		[SUMMARY_THRESHOLD] = limit,
		[SUMMARY_SERVICE] = n->labels.service,
		[SUMMARY_ENVIRONMENT] = n->labels.environment,
		[SUMMARY_ROUTE] = n->labels.route,
		[SUMMARY_METHOD] = n->labels.method,
		[SUMMARY_WINDOW] = window,
		[SUMMARY_SINCE] = since,
	};

	metric_value_format(n->value, n->unit, value, sizeof(value));
	metric_value_format(n->limit, n->unit, limit, sizeof(limit));
	metric_value_format((double)spec->window_ns / 1e6, METRIC_UNIT_MS, window, sizeof(window));
	moment_format(n->since_ms, since);
	summary_render(*spec->summary ? spec->summary : "{rule}: {value} (limit {threshold})",
		       values, n->summary, sizeof(n->summary));
	culprit_text(&n->cause, cause, sizeof(cause));
	used = strlen(n->summary);
	if (*cause)
		snprintf(n->summary + used, sizeof(n->summary) - used, "; %s", cause);
}

void describe_alert(const char *base, const struct spec *spec, const struct instance *i,
		    int64_t wall_ms, struct notice *n)
{
	const struct alarm *a = &i->alarm;
	char service[3 * SPEC_SERVICE];

	*n = (struct notice){ .id = i->id };
	memcpy(n->rule, i->rule, sizeof(n->rule));
	n->labels = i->labels;
	n->given = spec->labels;
	n->cause = i->cause;
	n->severity = a->severity;
	n->turned = alarm_turned(a, a->severity);
	n->number = a->notices;
	n->level = a->level;
	n->unit = spec_unit(spec);
	n->value = a->value;
	n->peak = a->peak;
	n->limit = spec->limits[a->severity].limit;
	n->at_ms = wall_ms;
	n->since_ms = a->since_ms;
	text_query(i->labels.service, service, sizeof(service));
	snprintf(n->link, sizeof(n->link), "%s/api/performance/metrics%s%s", base,
		 *service ? "?service=" : "", service);
	describe_in_words(spec, n);
}
