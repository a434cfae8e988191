#include "herald.h"

#include "culprit.h"
#include "log.h"
#include "moment.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct herald_line {
	char *out;
	size_t size, used;
};

static void herald_add(struct herald_line *l, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void herald_add(struct herald_line *l, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(l->out + l->used, l->size - l->used, format, args);
	va_end(args);
	if (n > 0)
		l->used += (size_t)n;
	if (l->used >= l->size)
		l->used = l->size - 1; /* it was cut */
}

/* A name from outside must not end its quotes. */
static void herald_quoted(struct herald_line *l, const char *name, const char *value)
{
	if (!*value)
		return;
	herald_add(l, " %s=\"", name);
	for (; *value; value++)
		herald_add(l, "%c", *value == '"' || *value == '\\' ? '\'' : *value);
	herald_add(l, "\"");
}

static void herald_value(struct herald_line *l, const char *name, double value,
			 enum metric_unit unit)
{
	char text[32];

	metric_value_format(value, unit, text, sizeof(text));
	herald_add(l, " %s=\"%s\"", name, text);
}

void herald_format(const struct notice *n, char *out, size_t size)
{
	struct herald_line l = { out, size, 0 };
	char since[MOMENT_TEXT], given[SPEC_LABELS_TEXT], cause[NOTICE_SUMMARY];

	culprit_text(&n->cause, cause, sizeof(cause));
	spec_labels_text(&n->given, given, sizeof(given));
	moment_format(n->since_ms, since);
	out[0] = '\0';
	herald_add(&l, "alert %s rule=%s severity=%s level=%u notice=%u id=%llu seq=%llu",
		   n->kind == NOTICE_RECOVERED ? "recovered" : "firing", n->rule,
		   spec_severity_name(n->severity), n->level, n->number, (unsigned long long)n->id,
		   (unsigned long long)n->sequence);
	herald_quoted(&l, "service", n->labels.service);
	herald_quoted(&l, "environment", n->labels.environment);
	herald_quoted(&l, "method", n->labels.method);
	herald_quoted(&l, "route", n->labels.route);
	herald_value(&l, "value", n->value, n->unit);
	herald_value(&l, "limit", n->limit, n->unit);
	herald_add(&l, " since=%s", since);
	if (n->kind == NOTICE_RECOVERED) {
		herald_add(&l, " lasted=%.1fs", (double)n->lasted_ns / 1e9);
		herald_value(&l, "peak", n->peak, n->unit);
	}
	if (n->again)
		herald_add(&l, " again=maybe");
	herald_quoted(&l, "cause", cause);
	herald_add(&l, " link=%s", n->link);
	herald_quoted(&l, "labels", given);
	herald_quoted(&l, "summary", n->summary);
}

void herald_send(void *ctx, const struct notice *notice)
{
	char line[HERALD_LINE];
	enum log_level level = LOG_LEVEL_INFO;

	(void)ctx;
	if (notice->kind == NOTICE_FIRING)
		level = notice->severity == SPEC_CRITICAL ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING;
	herald_format(notice, line, sizeof(line));
	log_always(level, "%s", line);
}
