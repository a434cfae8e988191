#include "params.h"

#include "moment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARAMS_NS UINT64_C(1000000000)

struct params_name {
	const char *name;
	unsigned int take;
};

static const struct params_name params_names[] = {
	{ "service", PARAMS_SERVICE }, { "pid", PARAMS_PID },        { "route", PARAMS_ROUTE },
	{ "window", PARAMS_WINDOW },   { "from", PARAMS_WINDOW },    { "to", PARAMS_WINDOW },
	{ "limit", PARAMS_LIST },      { "cursor", PARAMS_LIST },    { "sort", PARAMS_SORT },
	{ "metric", PARAMS_SERIES },   { "step", PARAMS_SERIES },    { "p", PARAMS_SERIES },
	{ "format", PARAMS_SERIES },   { "compare", PARAMS_SERIES }, { "state", PARAMS_STATE },
	{ "id", PARAMS_ID },           { "ttl", PARAMS_ENTRY },      { "tags", PARAMS_ENTRY },
};

static const struct {
	const char *name;
	uint64_t span_s;
} params_windows[] = {
	{ "10s", 10 },   { "1m", 60 },     { "5m", 300 },    { "15m", 900 },     { "1h", 3600 },
	{ "6h", 21600 }, { "24h", 86400 }, { "7d", 604800 }, { "30d", 2592000 },
};

static int params_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int params_refuse(struct refusal *no, const char *field, const char *code,
			 const char *message)
{
	snprintf(no->field, sizeof(no->field), "%.*s", (int)sizeof(no->field) - 1, field);
	return refuse(no, 400, code, "%s", message);
}

/* The byte that [from, to) begins with in percent code, -EINVAL: it does not. */
static int params_byte(const char *from, const char *to)
{
	int high = from < to ? params_hex(from[0]) : -1;
	int low = from + 1 < to ? params_hex(from[1]) : -1;

	return high < 0 || low < 0 ? -EINVAL : high << 4 | low;
}

/* Decodes [from, to) to *out and a NUL after it; moves *out behind. */
static int params_decode(const char *from, const char *to, bool query, char **out)
{
	while (from < to) {
		char c = *from++;

		if (c == '%') {
			int byte = params_byte(from, to);

			/* A NUL would cut the name for everybody behind us. */
			if (byte <= 0)
				return -EINVAL;
			c = (char)byte;
			from += 2;
		} else if (c == '+' && query) {
			c = ' ';
		}
		*(*out)++ = c;
	}
	*(*out)++ = '\0';
	return 0;
}

static int params_split_pair(struct params *p, const char *from, const char *to, char **out)
{
	const char *equals = memchr(from, '=', (size_t)(to - from));
	struct param *item = &p->items[p->count];

	if (p->count == PARAMS_COUNT)
		return -E2BIG;
	item->name = *out;
	if (params_decode(from, equals ? equals : to, true, out))
		return -EINVAL;
	item->value = *out;
	if (params_decode(equals ? equals + 1 : to, to, true, out))
		return -EINVAL;
	p->count++;
	return 0;
}

/* What stands behind PARAMS_KEYED. */
static int params_split_key(const char *from, const char *to, struct params *out,
			    struct refusal *no)
{
	out->key = out->key_bytes;
	while (from < to && out->key_length <= PARAMS_KEY) {
		int byte = (unsigned char)*from++;

		if (byte == '%') {
			byte = params_byte(from, to);
			if (byte < 0)
				return params_refuse(no, "key", "bad_key",
						     "the key is not percent-encoded well");
			from += 2;
		}
		out->key_bytes[out->key_length++] = (unsigned char)byte;
	}
	if (!out->key_length)
		return params_refuse(no, "key", "bad_key", "a key has at least one byte");
	if (out->key_length <= PARAMS_KEY)
		return 0;
	snprintf(no->field, sizeof(no->field), "key");
	return refuse(no, 414, "key_too_long",
		      "a key in the path has at most %u bytes; a longer one goes into the body of "
		      "POST /api/cache/get or /api/cache/set",
		      PARAMS_KEY);
}

int params_split(const char *target, struct params *out, struct refusal *no)
{
	size_t path = strcspn(target, "?"), length = strlen(target);
	const char *at = target + path + (target[path] == '?'), *end = target + path;
	char *free_byte = out->bytes;

	out->count = 0;
	out->key = NULL;
	out->key_length = 0;
	if (!strncmp(target, PARAMS_KEYED, sizeof(PARAMS_KEYED) - 1)) {
		end = target + sizeof(PARAMS_KEYED) - 1;
		length -= path - sizeof(PARAMS_KEYED) + 1;
		if (params_split_key(end, target + path, out, no))
			return -EINVAL;
	}
	/* Decoding never grows a text, but for the NULs: two a pair and one of the path. */
	if (length + 2 * PARAMS_COUNT + 2 > PARAMS_BYTES)
		return refuse(no, 414, "target_too_long",
			      "the path and query are longer than %u bytes",
			      PARAMS_BYTES - 2 * PARAMS_COUNT - 2);
	out->path = out->bytes;
	if (target[0] != '/' || params_decode(target, end, false, &free_byte))
		return refuse(no, 400, "bad_path",
			      "the path is not one that was percent-encoded well");
	while (*at) {
		size_t n = strcspn(at, "&");
		int ret = n ? params_split_pair(out, at, at + n, &free_byte) : 0;

		if (ret == -E2BIG)
			return refuse(no, 400, "too_many_parameters", "more than %u parameters",
				      PARAMS_COUNT);
		if (ret)
			return refuse(no, 400, "bad_query",
				      "the query is not percent-encoded well");
		at += n + (at[n] == '&');
	}
	return 0;
}

const char *params_get(const struct params *p, const char *name)
{
	for (unsigned int i = 0; i < p->count; i++) {
		if (!strcmp(p->items[i].name, name))
			return p->items[i].value;
	}
	return NULL;
}

static unsigned int params_taken(const char *name)
{
	for (size_t i = 0; i < sizeof(params_names) / sizeof(params_names[0]); i++) {
		if (!strcmp(params_names[i].name, name))
			return params_names[i].take;
	}
	return 0;
}

static int params_check_names(const struct params *p, unsigned int take, struct refusal *no)
{
	for (unsigned int i = 0; i < p->count; i++) {
		const char *name = p->items[i].name;

		if (!(params_taken(name) & take))
			return params_refuse(no, name, "unknown_parameter",
					     "this endpoint takes no such parameter");
		if (params_get(p, name) != p->items[i].value)
			return params_refuse(no, name, "repeated_parameter",
					     "this parameter was given twice");
	}
	return 0;
}

/* A whole number from least to most; absent: *out stays. */
static int params_number(const struct params *p, const char *name, unsigned long most,
			 unsigned long *out)
{
	const char *text = params_get(p, name);
	char *end;

	if (!text)
		return 0;
	if (!*text || strlen(text) > 10 || strspn(text, "0123456789") != strlen(text))
		return -EINVAL;
	*out = strtoul(text, &end, 10);
	return *out > most ? -ERANGE : 0;
}

static int params_ask_time(const struct params *p, const char *name, int64_t *out,
			   struct refusal *no)
{
	const char *text = params_get(p, name);

	if (!text || !moment_parse(text, out))
		return 0;
	return params_refuse(no, name, "bad_time",
			     "must be ISO 8601, as 2026-01-15T10:30:00Z, or unix seconds");
}

/* A wall time as CLOCK_MONOTONIC of the same moment; before its zero: 0. */
static uint64_t params_monotonic(const struct request *r, int64_t wall_ms)
{
	int64_t ns = (int64_t)r->now_ns - (r->wall_ms - wall_ms) * 1000000;

	return ns > 0 ? (uint64_t)ns : 0;
}

static int params_ask_range(const struct params *p, const struct request *r, struct ask *out,
			    struct refusal *no)
{
	out->to_ms = r->wall_ms;
	if (!params_get(p, "from"))
		return params_refuse(no, "from", "bad_window", "to needs a from");
	if (params_get(p, "window"))
		return params_refuse(no, "window", "bad_window", "either window, or from and to");
	if (params_ask_time(p, "from", &out->from_ms, no) ||
	    params_ask_time(p, "to", &out->to_ms, no))
		return -EINVAL;
	if (out->to_ms > r->wall_ms)
		out->to_ms = r->wall_ms;
	if (out->from_ms >= out->to_ms)
		return params_refuse(no, "from", "bad_window", "from must be before to, and past");
	out->window = NULL;
	out->asked_s = (uint64_t)(out->to_ms - out->from_ms) / 1000;
	out->scope.from_ns = params_monotonic(r, out->from_ms);
	out->scope.to_ns = params_monotonic(r, out->to_ms);
	if (!out->scope.to_ns)
		return params_refuse(no, "to", "bad_window", "the machine was not running then");
	return 0;
}

static int params_ask_window(const struct params *p, const struct request *r, struct ask *out,
			     struct refusal *no)
{
	const char *name = params_get(p, "window");

	if (params_get(p, "from") || params_get(p, "to"))
		return params_ask_range(p, r, out, no);
	out->window = name ? name : "5m";
	for (size_t i = 0; i < sizeof(params_windows) / sizeof(params_windows[0]); i++) {
		uint64_t ns = params_windows[i].span_s * PARAMS_NS;

		if (strcmp(params_windows[i].name, out->window) != 0)
			continue;
		out->asked_s = params_windows[i].span_s;
		out->scope.from_ns = r->now_ns > ns ? r->now_ns - ns : 0;
		out->to_ms = r->wall_ms;
		out->from_ms = r->wall_ms - (int64_t)out->asked_s * 1000;
		return 0;
	}
	return params_refuse(no, "window", "bad_window",
			     "must be one of 10s, 1m, 5m, 15m, 1h, 6h, 24h, 7d, 30d");
}

int params_ask(const struct params *p, unsigned int take, const struct request *r, struct ask *out,
	       struct refusal *no)
{
	unsigned long pid = 0, limit = PARAMS_LIMIT, offset = 0;

	memset(out, 0, sizeof(*out));
	if (params_check_names(p, take, no))
		return -EINVAL;
	if (params_number(p, "pid", INT32_MAX, &pid) || (params_get(p, "pid") && !pid))
		return params_refuse(no, "pid", "bad_pid", "must be a process id");
	if (params_number(p, "limit", PARAMS_LIMIT_MAX, &limit) || !limit)
		return params_refuse(no, "limit", "bad_limit", "must be a number from 1 to 1000");
	if (params_number(p, "cursor", UINT32_MAX, &offset))
		return params_refuse(no, "cursor", "bad_cursor",
				     "must be a nextCursor of this list");
	out->scope.service = params_get(p, "service");
	out->scope.route = params_get(p, "route");
	out->scope.pid = (int32_t)pid;
	out->sort = params_get(p, "sort");
	out->metric = params_get(p, "metric");
	out->step = params_get(p, "step");
	out->ranks = params_get(p, "p");
	out->format = params_get(p, "format");
	out->compare = params_get(p, "compare");
	out->state = params_get(p, "state");
	out->id = params_get(p, "id");
	out->limit = (unsigned int)limit;
	out->offset = (unsigned int)offset;
	if (out->scope.route && pid)
		return params_refuse(no, "route", "bad_scope", "pid and route do not go together");
	return params_ask_window(p, r, out, no);
}
