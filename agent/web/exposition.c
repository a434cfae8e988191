#include "exposition.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPOSITION_FIRST 16384
#define EXPOSITION_LINE 512 /* of what is formatted: a head, a number */

static bool exposition_room(struct exposition *e, size_t more)
{
	size_t size = e->size ? e->size : EXPOSITION_FIRST;
	char *bytes;

	while (size - e->length < more)
		size *= 2;
	if (size == e->size)
		return true;
	bytes = realloc(e->bytes, size);
	if (!bytes) {
		e->failed = true;
		return false;
	}
	e->bytes = bytes;
	e->size = size;
	return true;
}

static void exposition_put(struct exposition *e, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void exposition_put(struct exposition *e, const char *format, ...)
{
	va_list args;
	int n;

	if (e->failed || !exposition_room(e, EXPOSITION_LINE))
		return;
	va_start(args, format);
	n = vsnprintf(e->bytes + e->length, EXPOSITION_LINE, format, args);
	va_end(args);
	if (n < 0 || n >= EXPOSITION_LINE)
		e->failed = true; /* half a line would spoil the whole */
	else
		e->length += (size_t)n;
}

void exposition_labels_init(struct exposition_labels *l)
{
	l->text[0] = '\0';
	l->length = 0;
}

void exposition_label(struct exposition_labels *l, const char *name, const char *value)
{
	size_t room = sizeof(l->text) - 2; /* the quote and the NUL */
	size_t at = l->length + strlen(name) + 3;

	if (at >= room)
		return;
	l->length += (size_t)snprintf(l->text + l->length, sizeof(l->text) - l->length, "%s%s=\"",
				      l->length ? "," : "", name);
	for (; *value && l->length + 2 <= room; value++) {
		bool escaped = *value == '\\' || *value == '"' || *value == '\n';

		if (escaped)
			l->text[l->length++] = '\\';
		l->text[l->length++] = *value == '\n' ? 'n' : *value;
	}
	l->text[l->length++] = '"';
	l->text[l->length] = '\0';
}

void exposition_init(struct exposition *e, bool open)
{
	memset(e, 0, sizeof(*e));
	e->open = open;
}

void exposition_fini(struct exposition *e)
{
	free(e->bytes);
	e->bytes = NULL;
}

int exposition_finish(struct exposition *e, char **bytes, size_t *length)
{
	if (e->open)
		exposition_put(e, "# EOF\n");
	if (e->failed) {
		exposition_fini(e);
		return -ENOMEM;
	}
	*bytes = e->bytes;
	*length = e->length;
	e->bytes = NULL;
	return 0;
}

/* The _total of a counter: in the samples of both forms, in the head of the old one alone. */
static const char *exposition_total(const struct exposition *e, bool head)
{
	return e->family.type == EXPOSITION_COUNTER && !(head && e->open) ? "_total" : "";
}

void exposition_head(struct exposition *e, const struct exposition_family *family)
{
	static const char *const types[] = { "counter", "gauge", "histogram" };

	e->family = *family;
	exposition_put(e, "# HELP %s%s %s\n", family->name, exposition_total(e, true),
		       family->help);
	exposition_put(e, "# TYPE %s%s %s\n", family->name, exposition_total(e, true),
		       types[family->type]);
}

static void exposition_text(struct exposition *e, const char *text)
{
	size_t length = strlen(text);

	if (e->failed || !exposition_room(e, length))
		return;
	memcpy(e->bytes + e->length, text, length);
	e->length += length;
}

/* All of a sample but its number; l may be NULL, bound "": none. */
static void exposition_name(struct exposition *e, const char *suffix,
			    const struct exposition_labels *l, const char *bound)
{
	const char *const parts[] = { e->base.text, l ? l->text : "", bound };
	bool any = false;

	exposition_text(e, e->family.name);
	exposition_text(e, suffix);
	for (int i = 0; i < 3; i++) {
		if (!parts[i][0])
			continue;
		exposition_text(e, any ? "," : "{");
		exposition_text(e, parts[i]);
		any = true;
	}
	exposition_text(e, any ? "} " : " ");
}

void exposition_value(struct exposition *e, const struct exposition_labels *l, double value)
{
	if (!(value >= 0))
		return;
	exposition_name(e, exposition_total(e, false), l, "");
	exposition_put(e, "%.15g\n", value);
}

void exposition_uint(struct exposition *e, const struct exposition_labels *l, uint64_t value)
{
	exposition_name(e, exposition_total(e, false), l, "");
	exposition_put(e, "%" PRIu64 "\n", value);
}

/* A bound as its form writes it: OpenMetrics has floats alone. */
static void exposition_bucket(struct exposition *e, const struct exposition_labels *l, double bound,
			      uint64_t count)
{
	char text[32], label[48];

	snprintf(text, sizeof(text), "%g", bound);
	if (e->open && !strpbrk(text, ".e"))
		snprintf(text, sizeof(text), "%.1f", bound);
	snprintf(label, sizeof(label), "le=\"%s\"", text);
	exposition_name(e, "_bucket", l, label);
	exposition_put(e, "%" PRIu64 "\n", count);
}

void exposition_histogram(struct exposition *e, const struct exposition_labels *l,
			  const struct exposition_histogram *h)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < h->count; i++) {
		sum += h->steps[i];
		exposition_bucket(e, l, h->bounds[i], sum);
	}
	sum += h->steps[h->count];
	exposition_name(e, "_bucket", l, "le=\"+Inf\"");
	exposition_put(e, "%" PRIu64 "\n", sum);
	exposition_name(e, "_sum", l, "");
	exposition_put(e, "%.15g\n", h->sum);
	exposition_name(e, "_count", l, "");
	exposition_put(e, "%" PRIu64 "\n", sum);
}
