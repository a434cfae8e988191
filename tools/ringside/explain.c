#include "explain.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define EXPLAIN_OF(node, name) explain_known(envelope_text(node, name))

static const char *explain_known(const char *text)
{
	return text ? text : "unknown";
}

/* "6120 ms" */
static void explain_value(double value, const char *unit, FILE *out)
{
	if (isnan(value))
		fprintf(out, "no data");
	else
		fprintf(out, "%.6g %s", value, unit);
}

static bool explain_is_passed(const struct envelope_node *limit, double value)
{
	double above = envelope_number(limit, "above"), below = envelope_number(limit, "below");

	return isnan(above) ? value < below : value > above;
}

static void explain_limit(const struct envelope_node *rule, const char *name, FILE *out)
{
	const struct envelope_node *limit = envelope_member(rule, name);
	const char *unit = EXPLAIN_OF(rule, "unit");
	double above = envelope_number(limit, "above"), below = envelope_number(limit, "below");
	double value = envelope_number(rule, "value");

	if (isnan(above) && isnan(below))
		return;
	fprintf(out, "  %-9s %s %.6g %s, until %.6g: ", name, isnan(above) ? "below" : "above",
		isnan(above) ? below : above, unit, envelope_number(limit, "clear"));
	if (isnan(value))
		fprintf(out, "not known\n");
	else
		fprintf(out, "%s\n", explain_is_passed(limit, value) ? "passed" : "not passed");
}

static void explain_alert(const struct envelope_node *alert, FILE *out)
{
	const struct envelope_node *labels = envelope_member(alert, "labels");
	const char *service = envelope_text(labels, "service");
	const char *route = envelope_text(labels, "route");
	const char *silence = envelope_text(alert, "silencedBy");

	fprintf(out, "  alert %s  %s, %s, since %s%s%s%s%s: ", EXPLAIN_OF(alert, "id"),
		EXPLAIN_OF(alert, "state"), EXPLAIN_OF(alert, "severity"),
		EXPLAIN_OF(alert, "since"), service ? ", " : "", service ? service : "",
		route ? " " : "", route ? route : "");
	explain_value(envelope_number(alert, "value"), EXPLAIN_OF(alert, "unit"), out);
	fprintf(out, "; %.0f notices, level %.0f", envelope_number(alert, "notices"),
		envelope_number(alert, "level"));
	if (silence)
		fprintf(out, "; nobody is told: silence %s", silence);
	fprintf(out, "\n            %s\n", EXPLAIN_OF(alert, "summary"));
	fprintf(out, "            cause: %s\n",
		EXPLAIN_OF(envelope_member(alert, "cause"), "summary"));
}

static const char *explain_why(const struct envelope_node *rule)
{
	const char *state = EXPLAIN_OF(rule, "state");

	if (!strcmp(state, "off"))
		return "it is switched off";
	if (!strcmp(state, "waiting"))
		return EXPLAIN_OF(rule, "waitingFor");
	if (!strcmp(state, "pending"))
		return "a limit is passed, but not for long enough";
	if (!strcmp(state, "firing"))
		return "a limit was passed, and its clear value was not reached since";
	if (!envelope_text(rule, "lookedAt"))
		return "it was not looked at yet";
	if (!(envelope_number(rule, "series") > 0))
		return "no series is in its scope";
	if (isnan(envelope_number(rule, "value")))
		return "there is no data: nothing in the window, or less than min_count";
	return "all is within its limits";
}

void explain_rule(const struct envelope_node *rule, const struct envelope_node *alerts, FILE *out)
{
	const char *name = EXPLAIN_OF(rule, "name");

	fprintf(out, "%s (%s): %s: %s\n", name, EXPLAIN_OF(rule, "source"),
		EXPLAIN_OF(rule, "state"), explain_why(rule));
	fprintf(out, "  looks at  %s of %s over %.6g s, every %.6g s\n",
		EXPLAIN_OF(rule, "function"), EXPLAIN_OF(rule, "metric"),
		envelope_number(rule, "windowMs") / 1e3, envelope_number(rule, "intervalMs") / 1e3);
	fprintf(out, "  saw       ");
	explain_value(envelope_number(rule, "value"), EXPLAIN_OF(rule, "unit"), out);
	fprintf(out, ", the worst of %.0f series, at %s\n", envelope_number(rule, "series"),
		EXPLAIN_OF(rule, "lookedAt"));
	explain_limit(rule, "warning", out);
	explain_limit(rule, "critical", out);
	fprintf(out, "  fires     after %s looks, %.6g s; a notice each %.6g s\n",
		EXPLAIN_OF(rule, "for"), envelope_number(rule, "forMs") / 1e3,
		envelope_number(rule, "cooldownMs") / 1e3);
	for (size_t i = 0; i < envelope_size(alerts); i++)
		if (!strcmp(EXPLAIN_OF(envelope_at(alerts, i), "rule"), name))
			explain_alert(envelope_at(alerts, i), out);
}
