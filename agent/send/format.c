#include "format.h"

#include "culprit.h"
#include "moment.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define FORMAT_TITLE 512

static bool format_is_over(const struct format *f)
{
	return f->notice->kind == NOTICE_RECOVERED;
}

static const char *format_severity(const struct format *f)
{
	return spec_severity_name(f->notice->severity);
}

void format_key(const struct format *f, char out[FORMAT_KEY])
{
	const struct notice *n = f->notice;

	snprintf(out, FORMAT_KEY, "%s-%s%" PRIu64 "-%" PRIx64, f->host,
		 f->kind == FORMAT_TEST ? "test-" : "", n->sequence, (uint64_t)n->at_ms);
}

void format_incident(const struct format *f, char out[FORMAT_KEY])
{
	const struct notice *n = f->notice;

	snprintf(out, FORMAT_KEY, "%s-alert-%" PRIu64 "-%" PRIx64, f->host, n->id,
		 (uint64_t)n->since_ms);
}

/* One line, in headers too. */
static void format_clean(char *text)
{
	for (char *c = text; *c; c++)
		*c = (char)((unsigned char)*c < ' ' || *c == 0x7f ? ' ' : *c);
}

void format_title(const struct format *f, char *out, size_t size)
{
	const struct notice *n = f->notice;

	if (f->kind == FORMAT_TEST)
		snprintf(out, size, "[TEST] a try of this channel by ringside on %s", f->host);
	else
		snprintf(out, size, "[%s] %s",
			 format_is_over(f)              ? "RESOLVED"
			 : n->severity == SPEC_CRITICAL ? "CRITICAL"
							: "WARNING",
			 n->summary);
	format_clean(out);
}

/* A piece of text that is no JSON. */
static void format_add(struct json *j, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void format_add(struct json *j, const char *format, ...)
{
	char text[2048];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	j->comma = false;
	if (n > 0)
		json_raw(j, NULL, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

static void format_label(struct json *j, const char *name, const char *value)
{
	if (*value)
		json_string(j, name, value);
}

static void format_labels(const struct format *f, struct json *j)
{
	const struct notice_labels *l = &f->notice->labels;

	format_label(j, "service", l->service);
	format_label(j, "environment", l->environment);
	format_label(j, "route", l->route);
	format_label(j, "method", l->method);
}

static void format_given(const struct format *f, struct json *j)
{
	const struct spec_labels *given = &f->notice->given;
	struct spec_label label;

	for (size_t i = 0; i < given->count; i++) {
		spec_labels_get(given, i, &label);
		json_string(j, label.name, label.value);
	}
}

/* Numbers for programs and as people read them. */
static void format_values(const struct format *f, struct json *j)
{
	const struct notice *n = f->notice;
	char cause[NOTICE_SUMMARY];

	culprit_text(&n->cause, cause, sizeof(cause));
	json_double(j, "value", n->value);
	json_double(j, "limit", n->limit);
	json_double(j, "peak", n->peak);
	json_string(j, "unit", metric_unit_name(n->unit));
	json_time(j, "since", n->since_ms);
	json_measure(j, "durationMs", format_is_over(f) ? (double)n->lasted_ns / 1e6 : -1.0);
	if (*cause)
		json_string(j, "topCause", cause);
	else
		json_null(j, "topCause");
	json_string(j, "link", n->link);
}

static void format_webhook(const struct format *f, struct json *j)
{
	const struct notice *n = f->notice;
	char key[FORMAT_KEY], id[24];

	json_object_begin(j, NULL);
	format_key(f, key);
	json_string(j, "id", key);
	json_bool(j, "test", f->kind == FORMAT_TEST);
	json_string(j, "status", format_is_over(f) ? "resolved" : "firing");
	snprintf(id, sizeof(id), "%" PRIu64, n->id);
	json_string(j, "alert", id);
	json_string(j, "rule", n->rule);
	json_string(j, "severity", format_severity(f));
	json_uint(j, "level", n->level);
	json_uint(j, "notice", n->number);
	json_string(j, "host", f->host);
	json_object_begin(j, "labels");
	format_labels(f, j);
	format_given(f, j);
	json_object_end(j);
	json_string(j, "summary", n->summary);
	json_time(j, "at", n->at_ms);
	format_values(f, j);
	json_object_end(j);
}

static const char *format_escaped(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	default:
		return NULL;
	}
}

/* As Slack wants it: names from outside are no markup. */
static void format_escape(const char *text, char *out, size_t size)
{
	size_t used = 0;

	for (; *text; text++) {
		const char *escaped = format_escaped(*text);
		size_t length = escaped ? strlen(escaped) : 1;

		if (used + length >= size)
			break;
		memcpy(out + used, escaped ? escaped : text, length);
		used += length;
	}
	out[used] = '\0';
}

/* How a field is put, and who puts all of them. */
typedef void (*format_put_fn)(struct json *j, const char *name, const char *value);
typedef void (*format_all_fn)(const struct format *f, struct json *j, format_put_fn put);

static void format_field(struct json *j, const char *name, const char *value)
{
	char text[2000]; /* what it takes */
	int n = snprintf(text, sizeof(text), "*%s*\n", name);

	if (!*value)
		return;
	format_escape(value, text + n, sizeof(text) - (size_t)n);
	json_object_begin(j, NULL);
	json_string(j, "type", "mrkdwn");
	json_string(j, "text", text);
	json_object_end(j);
}

/* Values as people read them: field by field, to whoever shows them. */
static void format_facts(const struct format *f, struct json *j, format_put_fn put)
{
	const struct notice *n = f->notice;
	char value[64], since[MOMENT_TEXT], cause[NOTICE_SUMMARY];

	metric_value_format(n->value, n->unit, value, sizeof(value));
	put(j, "value", value);
	metric_value_format(n->limit, n->unit, value, sizeof(value));
	put(j, "limit", value);
	moment_format(n->since_ms, since);
	put(j, "since", since);
	if (format_is_over(f)) {
		snprintf(value, sizeof(value), "%.1f s", (double)n->lasted_ns / 1e9);
		put(j, "duration", value);
	}
	metric_value_format(n->peak, n->unit, value, sizeof(value));
	put(j, "peak", value);
	culprit_text(&n->cause, cause, sizeof(cause));
	format_clean(cause);
	put(j, "cause", cause);
}

/* What it is about, in the same way. */
static void format_names(const struct format *f, struct json *j, format_put_fn put)
{
	const struct notice_labels *l = &f->notice->labels;
	char given[SPEC_LABELS_TEXT];

	spec_labels_text(&f->notice->given, given, sizeof(given));
	put(j, "service", l->service);
	put(j, "environment", l->environment);
	put(j, "route", l->route);
	put(j, "method", l->method);
	put(j, "labels", given);
	put(j, "host", f->host);
}

/* Ten fields at most. */
static void format_block_fields(const struct format *f, format_all_fn all, struct json *j)
{
	json_object_begin(j, NULL);
	json_string(j, "type", "section");
	json_array_begin(j, "fields");
	all(f, j, format_field);
	json_array_end(j);
	json_object_end(j);
}

static void format_block_text(struct json *j, const char *text)
{
	json_object_begin(j, NULL);
	json_string(j, "type", "section");
	json_object_begin(j, "text");
	json_string(j, "type", "plain_text"); /* names from outside are no markup */
	json_string(j, "text", text);
	json_object_end(j);
	json_object_end(j);
}

/* The text is what a notification shows; the blocks are the message. */
static void format_slack(const struct format *f, struct json *j)
{
	char title[FORMAT_TITLE];

	format_title(f, title, sizeof(title));
	json_object_begin(j, NULL);
	json_string(j, "text", title);
	json_array_begin(j, "blocks");
	format_block_text(j, title);
	format_block_fields(f, format_facts, j);
	format_block_fields(f, format_names, j);
	if (*f->notice->link) /* a block may not be empty */
		format_block_text(j, f->notice->link);
	json_array_end(j);
	json_object_end(j);
}

static void format_pagerduty(const struct format *f, struct json *j)
{
	const struct notice *n = f->notice;
	char key[FORMAT_KEY], title[FORMAT_TITLE];

	format_incident(f, key);
	format_title(f, title, sizeof(title));
	json_object_begin(j, NULL);
	json_string(j, "routing_key", f->routing_key);
	json_string(j, "event_action", format_is_over(f) ? "resolve" : "trigger");
	json_string(j, "dedup_key", key);
	json_string(j, "client", "ringside");
	json_string(j, "client_url", n->link);
	json_object_begin(j, "payload");
	json_string(j, "summary", title);
	json_string(j, "source", f->host);
	json_string(j, "severity", f->kind == FORMAT_TEST ? "info" : format_severity(f));
	json_time(j, "timestamp", n->at_ms);
	json_string(j, "component", *n->labels.service ? n->labels.service : NULL);
	json_string(j, "class", n->rule);
	json_object_begin(j, "custom_details");
	format_labels(f, j);
	format_values(f, j);
	json_object_begin(j, "labels"); /* whose names are not those of the values */
	format_given(f, j);
	json_object_end(j);
	json_object_end(j);
	json_object_end(j);
	json_object_end(j);
}

/* One alert; its labels are what it is known by. */
static void format_alert(const struct format *f, enum spec_severity severity, bool over,
			 struct json *j)
{
	const struct notice *n = f->notice;
	bool test = f->kind == FORMAT_TEST;

	json_object_begin(j, NULL);
	json_object_begin(j, "labels");
	json_string(j, "alertname", test ? "RingsideTest" : n->rule);
	json_string(j, "severity", test ? "info" : spec_severity_name(severity));
	json_string(j, "instance", f->host);
	format_labels(f, j);
	format_given(f, j);
	json_object_end(j);
	json_object_begin(j, "annotations");
	json_string(j, "summary", n->summary);
	format_facts(f, j, format_label);
	json_object_end(j);
	json_time(j, "startsAt", n->since_ms);
	if (test)
		json_time(j, "endsAt", f->now_ms + 1000);
	else
		json_time(j, "endsAt", over ? n->at_ms : f->now_ms + FORMAT_HOLDS_MS);
	json_string(j, "generatorURL", n->link);
	json_object_end(j);
}

/*
 * The severity is a label, so that routes may ask for it: another one is another alert. What was
 * told goes on, or ends; one of the other severity is spoken of only where that was told last.
 */
static void format_alertmanager(const struct format *f, struct json *j)
{
	const struct notice *n = f->notice;
	enum spec_severity other = n->severity == SPEC_CRITICAL ? SPEC_WARNING : SPEC_CRITICAL;
	bool begins = f->kind == FORMAT_NOTICE && !format_is_over(f);

	json_array_begin(j, NULL);
	if (!n->turned || begins)
		format_alert(f, n->severity, format_is_over(f), j);
	if (n->turned)
		format_alert(f, other, f->kind == FORMAT_NOTICE, j);
	json_array_end(j);
}

/* Tags end at commas, and the datagram's fields at bars. */
static void format_tag(struct json *j, const char *name, const char *value)
{
	char text[160];
	size_t n = 0;

	if (!*value)
		return;
	for (; *value && n < sizeof(text) - 1; value++)
		text[n++] = strchr(",|\n#", *value) ? '_' : *value;
	text[n] = '\0';
	format_add(j, ",%s:%s", name, text);
}

/* Of an event's text, whose lines end in two letters. */
static void format_line(struct json *j, const char *name, const char *value)
{
	if (*value)
		format_add(j, "%s %s\\n", name, value);
}

static void format_dogstatsd(const struct format *f, struct json *j)
{
	const struct notice *n = f->notice;
	char title[FORMAT_TITLE], key[FORMAT_KEY];
	const char *kind = n->severity == SPEC_CRITICAL ? "error" : "warning";
	struct spec_label label;
	struct json text;

	format_title(f, title, sizeof(title));
	json_init(&text);
	format_facts(f, &text, format_line);
	format_add(&text, "%s", n->link);
	if (f->kind == FORMAT_TEST)
		kind = "info";
	else if (format_is_over(f))
		kind = "success";
	format_incident(f, key);
	format_add(j, "_e{%zu,%zu}:%s|", strlen(title), text.length, title);
	if (json_finish(&text))
		j->failed = true;
	else
		format_add(j, "%s", text.bytes);
	json_fini(&text);
	format_add(j, "|d:%" PRId64 "|h:%s|k:%s|p:normal|s:ringside|t:%s", n->at_ms / 1000, f->host,
		   key, kind);
	format_add(j, "|#rule:%s,severity:%s", n->rule, format_severity(f));
	format_tag(j, "service", n->labels.service);
	format_tag(j, "environment", n->labels.environment);
	format_tag(j, "route", n->labels.route);
	format_tag(j, "method", n->labels.method);
	for (size_t i = 0; i < n->given.count; i++) {
		spec_labels_get(&n->given, i, &label);
		format_tag(j, label.name, label.value);
	}
}

static void format_row(struct json *j, const char *name, const char *value)
{
	if (*value)
		format_add(j, "%-12s%s\r\n", name, value);
}

/* A header's value holds no line break, and bytes of ASCII alone. */
static void format_header(struct json *j, const char *name, const char *value)
{
	char text[FORMAT_TITLE];
	size_t n = 0;

	for (; *value && n < sizeof(text) - 1; value++)
		text[n++] = *value >= ' ' && *value < 0x7f ? *value : '?';
	text[n] = '\0';
	format_add(j, "%s: %s\r\n", name, text);
}

static void format_mail(const struct format *f, struct json *j)
{
	time_t now = (time_t)(f->now_ms / 1000);
	char title[FORMAT_TITLE], text[FORMAT_TITLE + 32], date[64] = "", id[2 * FORMAT_KEY];
	struct tm tm;

	format_title(f, title, sizeof(title));
	snprintf(text, sizeof(text), "%s", f->to);
	format_header(j, "From", f->from);
	format_header(j, "To", text);
	format_header(j, "Subject", title);
	if (gmtime_r(&now, &tm))
		strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &tm);
	format_header(j, "Date", date);
	format_key(f, title);
	snprintf(id, sizeof(id), "<%.100s@%.64s>", title, f->host);
	format_header(j, "Message-ID", id);
	format_incident(f, title);
	snprintf(id, sizeof(id), "<%.100s@%.64s>", title, f->host);
	format_header(j, "References", id); /* one thread an incident */
	format_add(j, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
		      "Content-Type: text/plain; charset=utf-8\r\n"
		      "Content-Transfer-Encoding: 8bit\r\n\r\n");
	format_title(f, title, sizeof(title));
	format_add(j, "%s\r\n\r\n", title);
	format_facts(f, j, format_row);
	format_names(f, j, format_row);
	format_row(j, "link", f->notice->link);
}

void format_body(const struct format *f, enum channel_type type, struct json *j)
{
	static void (*const formats[CHANNEL_TYPES])(const struct format *, struct json *) = {
		[CHANNEL_WEBHOOK] = format_webhook,
		[CHANNEL_SLACK] = format_slack,
		[CHANNEL_PAGERDUTY] = format_pagerduty,
		[CHANNEL_ALERTMANAGER] = format_alertmanager,
		[CHANNEL_DOGSTATSD] = format_dogstatsd,
		[CHANNEL_EMAIL] = format_mail,
	};

	formats[type](f, j);
}
