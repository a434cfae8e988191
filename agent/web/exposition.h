/*
 * exposition - writes the text that Prometheus reads: 0.0.4, or OpenMetrics 1.0.
 *
 * Threads:  one owner.
 * Memory:   one growing buffer; exposition_finish hands it out, exposition_fini frees it.
 * Errors:   kept inside until exposition_finish: -ENOMEM.
 * Values:   label values are escaped here; one that is unknown (negative) is left out.
 */
#ifndef WEB_EXPOSITION_H
#define WEB_EXPOSITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPOSITION_TEXT "text/plain; version=0.0.4; charset=utf-8"
#define EXPOSITION_OPEN "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define EXPOSITION_LABELS 1024 /* holds service, environment and route, each byte escaped */

enum exposition_type { EXPOSITION_COUNTER, EXPOSITION_GAUGE, EXPOSITION_HISTOGRAM };

struct exposition_family {
	const char *name; /* without the _total of a counter */
	const char *help;
	enum exposition_type type;
};

struct exposition_labels {
	char text[EXPOSITION_LABELS]; /* a="b",c="d" */
	size_t length;
};

struct exposition {
	char *bytes;
	size_t length, size;
	struct exposition_labels base;   /* on every sample; empty after init */
	struct exposition_family family; /* whose samples are being written */
	bool open;                       /* OpenMetrics */
	bool failed;
};

void exposition_labels_init(struct exposition_labels *l);
void exposition_label(struct exposition_labels *l, const char *name, const char *value);

void exposition_init(struct exposition *e, bool open);
void exposition_fini(struct exposition *e);
int exposition_finish(struct exposition *e, char **bytes, size_t *length);

/* All samples of a family stand behind its head, and no other's. */
void exposition_head(struct exposition *e, const struct exposition_family *family);
void exposition_value(struct exposition *e, const struct exposition_labels *l, double value);
void exposition_uint(struct exposition *e, const struct exposition_labels *l, uint64_t value);

/* steps: count + 1 of them, not added up; the bounds are those of the first count. */
struct exposition_histogram {
	const double *bounds;
	const uint64_t *steps;
	unsigned int count;
	double sum;
};
void exposition_histogram(struct exposition *e, const struct exposition_labels *l,
			  const struct exposition_histogram *h);

#endif
