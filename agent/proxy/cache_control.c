#include "cache_control.h"

#include <string.h>

struct control_flag {
	const char *name;
	size_t at; /* a bool of struct cache_control */
};

struct control_span {
	const char *name;
	size_t at;   /* an int64_t of it */
	int64_t bad; /* what one that cannot be read stands for */
};

#define CONTROL_AT(field) offsetof(struct cache_control, field)

static const struct control_flag control_flags[] = {
	{ "no-store", CONTROL_AT(no_store) },
	{ "no-cache", CONTROL_AT(no_cache) },
	{ "only-if-cached", CONTROL_AT(only_if_cached) },
	{ "must-revalidate", CONTROL_AT(must_revalidate) },
	{ "proxy-revalidate", CONTROL_AT(proxy_revalidate) },
	{ "private", CONTROL_AT(is_private) },
	{ "public", CONTROL_AT(is_public) },
};

static const struct control_span control_spans[] = {
	{ "max-age", CONTROL_AT(max_age), 0 },
	{ "s-maxage", CONTROL_AT(s_maxage), 0 },
	{ "min-fresh", CONTROL_AT(min_fresh), CACHE_CONTROL_MOST },
	{ "stale-while-revalidate", CONTROL_AT(stale_while), 0 },
	{ "stale-if-error", CONTROL_AT(stale_error), 0 },
};

/* Digits, perhaps in quotes. */
static int64_t control_seconds(const struct http_text *text, int64_t bad)
{
	const char *at = text->at, *end = at + text->length;
	int64_t seconds = 0;

	if (end - at >= 2 && *at == '"' && end[-1] == '"') {
		at++;
		end--;
	}
	if (at == end)
		return bad;
	for (; at < end; at++) {
		if (*at < '0' || *at > '9')
			return bad;
		seconds = seconds * 10 + (*at - '0');
		if (seconds > CACHE_CONTROL_MOST)
			seconds = CACHE_CONTROL_MOST;
	}
	return seconds;
}

static void control_directive(struct cache_control *c, const struct http_text *name,
			      const struct http_text *value)
{
	char *fields = (char *)c;

	for (size_t i = 0; i < sizeof(control_flags) / sizeof(control_flags[0]); i++)
		if (http_text_is(name, control_flags[i].name))
			*(bool *)(void *)(fields + control_flags[i].at) = true;
	for (size_t i = 0; i < sizeof(control_spans) / sizeof(control_spans[0]); i++) {
		int64_t *span = (int64_t *)(void *)(fields + control_spans[i].at);
		int64_t seconds;

		if (!http_text_is(name, control_spans[i].name))
			continue;
		seconds = control_seconds(value, control_spans[i].bad);
		if (*span == CACHE_CONTROL_ABSENT || seconds < *span)
			*span = seconds; /* said twice: the shorter one */
	}
}

/* The end of a value at this place: behind its quotes where it has some. */
static const char *control_value_end(const char *at, const char *end)
{
	bool quoted = false;

	for (; at < end && (quoted || *at != ','); at++) {
		if (quoted && *at == '\\' && at + 1 < end)
			at++;
		else if (*at == '"')
			quoted = !quoted;
	}
	return at;
}

/* The next directive, "name" or "name=value", and what stands behind its comma. */
static const char *control_next(struct cache_control *c, const char *at, const char *end)
{
	struct http_text name = { at, 0 }, value;

	while (at < end && http_byte_is_token(*at))
		at++;
	name.length = (size_t)(at - name.at);
	at += at < end && *at == '=';
	value.at = at;
	at = control_value_end(at, end);
	value.length = (size_t)(at - value.at);
	http_text_trim(&value);
	if (name.length)
		control_directive(c, &name, &value);
	return at;
}

static void control_value(struct cache_control *c, const struct http_text *field)
{
	const char *at = field->at, *end = at + field->length;

	while (at < end) {
		if (*at == ',' || *at == ' ' || *at == '\t')
			at++;
		else
			at = control_next(c, at, end);
	}
}

void cache_control_read(struct cache_control *c, const struct http_head *h)
{
	const struct http_field *f = NULL;

	*c = (struct cache_control){ .max_age = CACHE_CONTROL_ABSENT,
				     .s_maxage = CACHE_CONTROL_ABSENT,
				     .min_fresh = CACHE_CONTROL_ABSENT,
				     .stale_while = CACHE_CONTROL_ABSENT,
				     .stale_error = CACHE_CONTROL_ABSENT };
	while ((f = http_head_get(h, HTTP_CACHE_CONTROL, f))) {
		c->said = true;
		control_value(c, &f->value);
	}
}
