/*
 * spec - a rule as it is in force: what is looked at, when it is bad, and who is told how often.
 *
 * Threads:  a value; read by any once it is made.
 * Memory:   none of its own.
 * Errors:   spec_check: -EINVAL with the reason and the key at fault.
 */
#ifndef RULES_SPEC_H
#define RULES_SPEC_H

#include "metric.h"

#include <stdint.h>

#define SPEC_NAME 64
#define SPEC_GLOB 130 /* the longest name that a route has */
#define SPEC_SERVICE 72
#define SPEC_ENVIRONMENT 40
#define SPEC_SUMMARY 256
#define SPEC_LABELS 8
#define SPEC_LABEL 64
#define SPEC_LABELS_TEXT (SPEC_LABELS * (SPEC_LABEL + 1))
#define SPEC_NEED_MAX 32                          /* looks that are remembered, a bit each */
#define SPEC_KEPT_NS (INT64_C(7200) * 1000000000) /* as long as all series are kept */

enum spec_severity { SPEC_WARNING, SPEC_CRITICAL, SPEC_SEVERITIES };
enum spec_nodata {
	SPEC_KEEP,  /* stays as it is */
	SPEC_OK,    /* as if all were well */
	SPEC_ALERT, /* as if the worst limit were passed */
};

/* What a rule gives its alerts, "name=value" each. */
struct spec_labels {
	char at[SPEC_LABELS][SPEC_LABEL];
	uint8_t count;
};

struct spec_label {
	char name[SPEC_LABEL];
	const char *value; /* in the labels */
};

struct spec_limit {
	bool set;
	double limit, clear;
};

struct spec {
	char name[SPEC_NAME];
	char where[128]; /* file and line; "shipped" */
	enum metric metric;
	enum metric_function function;
	int64_t window_ns, interval_ns, cooldown_ns, keep_ns;
	int64_t against_ns; /* compared with so long ago, in percent of then; 0: it is not */
	char service[SPEC_GLOB], environment[SPEC_GLOB], route[SPEC_GLOB]; /* globs; "": any */
	bool by_route; /* a scope names routes */
	bool below;    /* the value is bad below its limits, not above them */
	struct spec_limit limits[SPEC_SEVERITIES];
	int64_t for_ns;   /* bad for so long */
	uint8_t need, of; /* … or in so many of the last looks */
	enum spec_nodata nodata;
	double min_count; /* with fewer requests (cache: look-ups) in the window there is no data */
	double objective; /* of slo.burn, percent */
	bool service_impacting, enabled;
	struct spec_labels labels;
	char summary[SPEC_SUMMARY];
};

/* What is taken where a rule does not say. */
struct spec_defaults {
	int64_t interval_ns, cooldown_ns;
};

void spec_init(struct spec *s, const struct spec_defaults *defaults);

/* Do its parts fit together? *key: the one at fault. */
int spec_check(const struct spec *s, const char **key, const char **reason);

enum metric_unit spec_unit(const struct spec *s);
const char *spec_severity_name(enum spec_severity severity);
const char *spec_nodata_name(enum spec_nodata nodata);

/*
 * One more: a name that every receiver takes for one, and that no alert has already. -EINVAL with
 * the reason.
 */
int spec_labels_add(struct spec_labels *l, const char *name, const char *value,
		    const char **reason);

/* Are they such as spec_labels_add makes? Asked of those that come from outside. */
bool spec_labels_are_sound(const struct spec_labels *l);

void spec_labels_get(const struct spec_labels *l, size_t at, struct spec_label *out);

/* "team=web, tier=1"; size: SPEC_LABELS_TEXT holds all. */
void spec_labels_text(const struct spec_labels *l, char *out, size_t size);

/* Is the value past the limit; is one that was past it back behind its clear value? */
bool spec_is_over(const struct spec *s, enum spec_severity severity, double value);
bool spec_is_clear(const struct spec *s, enum spec_severity severity, double value);

/* NULL: of the agent itself. */
bool spec_has(const struct spec *s, const char *service, const char *environment,
	      const char *route);

#endif
