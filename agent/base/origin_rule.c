#include "origin_rule.h"

#include "origin_template.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ORIGIN_NEAR 2 /* single edits of a slip */
#define ORIGIN_YEAR 31536000u
#define ORIGIN_TIMEOUT_MS 2000
#define ORIGIN_CONCURRENCY 8
#define ORIGIN_QUEUE 256
#define ORIGIN_WARM_TOP 10
#define ORIGIN_WARM_PER_S 20

struct origin_member {
	const char *name;
	bool (*put)(struct origin_rule *r, const struct origin_member *m, const char *value);
	const char *expected; /* what it says of a value that is none */
	size_t offset;        /* of a number */
	uint32_t least, most;
};

/* Some visible characters that fit there. */
static bool origin_put_word(char *to, size_t size, const char *value)
{
	size_t length = strlen(value);

	if (!length || length >= size)
		return false;
	for (const char *at = value; *at; at++)
		if (*at <= ' ' || *at >= 0x7f)
			return false;
	memcpy(to, value, length + 1);
	return true;
}

static bool origin_put_prefix(struct origin_rule *r, const struct origin_member *m,
			      const char *value)
{
	(void)m;
	return !strpbrk(value, "{}") && origin_put_word(r->prefix, sizeof(r->prefix), value);
}

static bool origin_put_url(struct origin_rule *r, const struct origin_member *m, const char *value)
{
	(void)m;
	return origin_put_word(r->url, sizeof(r->url), value);
}

static bool origin_put_key(struct origin_rule *r, const struct origin_member *m, const char *value)
{
	(void)m;
	return origin_put_word(r->key, sizeof(r->key), value);
}

static bool origin_put_ca(struct origin_rule *r, const struct origin_member *m, const char *value)
{
	(void)m;
	return *value == '/' && origin_put_word(r->ca_file, sizeof(r->ca_file), value);
}

/* Not one that the transfer itself is about, or that asks for less than the whole. */
static bool origin_is_header(const char *name, size_t length)
{
	static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char *const ours[] = {
		"Accept-Encoding",
		"Connection",
		"Content-Length",
		"Expect",
		"Host",
		"If-Match",
		"If-Modified-Since",
		"If-None-Match",
		"If-Range",
		"Range",
		"TE",
		"Transfer-Encoding",
		"Upgrade",
	};

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strlen(ours[i]) == length && !strncasecmp(ours[i], name, length))
			return false;
	return length && strspn(name, token) == length;
}

static bool origin_put_any_header(struct origin_rule *r, const char *text, bool from_file)
{
	size_t name = strcspn(text, ":");
	const char *value = text + name + (text[name] == ':');
	struct origin_header *h = &r->headers[r->header_count];

	value += strspn(value, " ");
	if (r->header_count == ORIGIN_HEADERS || !origin_is_header(text, name) || !*value ||
	    (from_file && *value != '/'))
		return false;
	for (const char *at = value; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			return false;
	h->from_file = from_file;
	if (snprintf(h->text, sizeof(h->text), "%.*s: %s", (int)name, text, value) >=
	    (int)sizeof(h->text))
		return false;
	r->header_count++;
	return true;
}

static bool origin_put_header(struct origin_rule *r, const struct origin_member *m,
			      const char *value)
{
	(void)m;
	return origin_put_any_header(r, value, false);
}

static bool origin_put_header_file(struct origin_rule *r, const struct origin_member *m,
				   const char *value)
{
	(void)m;
	return origin_put_any_header(r, value, true);
}

/* The first that is named takes the place of the usual one. */
static bool origin_put_status(struct origin_rule *r, const struct origin_member *m,
			      const char *value)
{
	(void)m;
	if (strlen(value) != 3 || value[0] != '2' || strspn(value, "0123456789") != 3 ||
	    !strcmp(value, "206"))
		return false;
	r->kept[strtoul(value, NULL, 10) - 200] = true;
	return true;
}

/* They are alike in either case: in the lower one. */
static bool origin_put_type(struct origin_rule *r, const struct origin_member *m, const char *value)
{
	char *type;

	(void)m;
	if (r->type_count == ORIGIN_TYPES || strpbrk(value, ";,\\?") || !strchr(value, '/') ||
	    !origin_put_word(r->types[r->type_count], ORIGIN_TYPE, value))
		return false;
	for (type = r->types[r->type_count]; *type; type++)
		if (*type >= 'A' && *type <= 'Z')
			*type = (char)(*type - 'A' + 'a');
	r->type_count++;
	return true;
}

static bool origin_put_tag(struct origin_rule *r, const struct origin_member *m, const char *value)
{
	(void)m;
	return r->tag_count < ORIGIN_TAGS && !strchr(value, ',') &&
	       origin_put_word(r->tags[r->tag_count++], ORIGIN_TAG, value);
}

static bool origin_put_honours(struct origin_rule *r, const struct origin_member *m,
			       const char *value)
{
	(void)m;
	r->honours = !strcmp(value, "true");
	return r->honours || !strcmp(value, "false");
}

static void *origin_number_at(struct origin_rule *r, const struct origin_member *m)
{
	return (char *)r + m->offset;
}

static bool origin_put_seconds(struct origin_rule *r, const struct origin_member *m,
			       const char *value)
{
	uint64_t ns, s;

	if (text_span_ns(value, &ns) || ns % UINT64_C(1000000000))
		return false;
	s = ns / UINT64_C(1000000000);
	memcpy(origin_number_at(r, m), &s, sizeof(s));
	return s >= m->least && s <= m->most;
}

static bool origin_put_ms(struct origin_rule *r, const struct origin_member *m, const char *value)
{
	uint64_t ns;
	uint32_t ms;

	if (text_span_ns(value, &ns) || ns / 1000000 < m->least || ns / 1000000 > m->most)
		return false;
	ms = (uint32_t)(ns / 1000000);
	memcpy(origin_number_at(r, m), &ms, sizeof(ms));
	return true;
}

static bool origin_put_count(struct origin_rule *r, const struct origin_member *m,
			     const char *value)
{
	double number;
	uint32_t count;

	if (text_number(value, &number) || number < m->least || number > m->most)
		return false;
	count = (uint32_t)number;
	memcpy(origin_number_at(r, m), &count, sizeof(count));
	return number <= count;
}

#define ORIGIN_AT(field) offsetof(struct origin_rule, field)
#define ORIGIN_SECONDS "must be whole seconds, from 0s to 365d"
#define ORIGIN_SECONDS_SOME "must be whole seconds, from 1s to 365d"

static const struct origin_member origin_members[] = {
	{ "prefix", origin_put_prefix, "must be 1 to 127 visible characters, no braces", 0, 0, 0 },
	{ "url", origin_put_url, "must be 1 to 511 visible characters", 0, 0, 0 },
	{ "key", origin_put_key, "must be 1 to 255 visible characters", 0, 0, 0 },
	{ "ca_file", origin_put_ca, "must be an absolute path of up to 255 bytes", 0, 0, 0 },
	{ "headers", origin_put_header,
	  "must be up to 8 headers with a value, none of those that the request is made of", 0, 0,
	  0 },
	{ "header_files", origin_put_header_file,
	  "must be up to 8 headers with the absolute path of a file each, none of those that the "
	  "request is made of",
	  0, 0, 0 },
	{ "statuses", origin_put_status, "must be of 200 to 299, without 206", 0, 0, 0 },
	{ "types", origin_put_type, "must be up to 8 media types, as application/json or text/*", 0,
	  0, 0 },
	{ "tags", origin_put_tag, "must be up to 8 tags of visible characters, no commas", 0, 0,
	  0 },
	{ "cache_control", origin_put_honours, "must be true or false", 0, 0, 0 },
	{ "ttl", origin_put_seconds, ORIGIN_SECONDS_SOME, ORIGIN_AT(ttl_s), 1, ORIGIN_YEAR },
	{ "negative_ttl", origin_put_seconds, ORIGIN_SECONDS, ORIGIN_AT(negative_s), 0,
	  ORIGIN_YEAR },
	{ "stale_while_revalidate", origin_put_seconds, ORIGIN_SECONDS, ORIGIN_AT(revalidate_s), 0,
	  ORIGIN_YEAR },
	{ "stale_on_error", origin_put_seconds, ORIGIN_SECONDS, ORIGIN_AT(error_s), 0,
	  ORIGIN_YEAR },
	{ "timeout", origin_put_ms, "must be a duration from 100ms to 60s", ORIGIN_AT(timeout_ms),
	  100, 60000 },
	{ "concurrency", origin_put_count, "must be a whole number from 1 to 64",
	  ORIGIN_AT(concurrency), 1, 64 },
	{ "queue", origin_put_count, "must be a whole number from 1 to 10000", ORIGIN_AT(queue), 1,
	  10000 },
	{ "warm_every", origin_put_seconds, ORIGIN_SECONDS_SOME, ORIGIN_AT(warm_every_s), 1,
	  ORIGIN_YEAR },
	{ "warm_top", origin_put_count, "must be a whole number from 1 to 1000",
	  ORIGIN_AT(warm_top), 1, 1000 },
	{ "warm_rate", origin_put_count, "must be a whole number from 1 to 1000, of a second",
	  ORIGIN_AT(warm_per_s), 1, 1000 },
};

static int origin_fail(struct channel_error *error, const char *key, const char *reason)
{
	snprintf(error->key, sizeof(error->key), "%s", key);
	snprintf(error->reason, sizeof(error->reason), "%s", reason);
	return -EINVAL;
}

static int origin_unknown(struct channel_error *error, const char *name)
{
	size_t least = ORIGIN_NEAR + 1;
	const char *near = NULL;
	char reason[96];

	for (size_t i = 0; i < sizeof(origin_members) / sizeof(origin_members[0]); i++) {
		size_t distance = text_distance(origin_members[i].name, name);

		if (distance < least) {
			least = distance;
			near = origin_members[i].name;
		}
	}
	snprintf(reason, sizeof(reason), "unknown key%s%s%s", near ? "; did you mean " : "",
		 near ? near : "", near ? "?" : "");
	return origin_fail(error, name, reason);
}

/* One "key=value" of this length. */
static int origin_put(struct origin_rule *r, const char *text, size_t length,
		      struct channel_error *error)
{
	const char *equals = memchr(text, '=', length);
	size_t name = equals ? (size_t)(equals - text) : length;
	char key[64], value[CHANNEL_VALUE];

	snprintf(key, sizeof(key), "%.*s", (int)name, text);
	if (!equals || length - name - 1 >= sizeof(value))
		return origin_fail(error, key, "must be a text of at most 511 bytes");
	snprintf(value, sizeof(value), "%.*s", (int)(length - name - 1), equals + 1);
	for (size_t i = 0; i < sizeof(origin_members) / sizeof(origin_members[0]); i++) {
		const struct origin_member *m = &origin_members[i];

		if (strcmp(m->name, key) != 0)
			continue;
		return m->put(r, m, value) ? 0 : origin_fail(error, key, m->expected);
	}
	return origin_unknown(error, key);
}

static int origin_check(struct origin_rule *r, struct channel_error *error)
{
	const char *reason;

	if (!*r->prefix || !*r->url)
		return origin_fail(error, "", "an origin needs a prefix and a url");
	if (origin_url_check(r->url, &reason))
		return origin_fail(error, "url", reason);
	if (*r->key && origin_key_check(r->key, r->prefix, &reason))
		return origin_fail(error, "key", reason);
	if (!memchr(r->kept, 1, sizeof(r->kept)))
		r->kept[0] = true;
	return 0;
}

int origin_rule_parse(const char *text, struct origin_rule *out, struct channel_error *error)
{
	const char *parting = strchr(text, '\n') ? "\n" : " ";
	size_t length;

	*out = (struct origin_rule){ .honours = true,
				     .timeout_ms = ORIGIN_TIMEOUT_MS,
				     .concurrency = ORIGIN_CONCURRENCY,
				     .queue = ORIGIN_QUEUE,
				     .warm_top = ORIGIN_WARM_TOP,
				     .warm_per_s = ORIGIN_WARM_PER_S };
	for (text += strspn(text, parting); *text; text += strspn(text, parting)) {
		int ret;

		length = strcspn(text, parting);
		ret = origin_put(out, text, length, error);
		if (ret)
			return ret;
		text += length;
	}
	return origin_check(out, error);
}

/* What of this "key=value" is shown as it is; whether more follows is told by a sign. */
static size_t origin_shown(const char *text, size_t length, const char **sign)
{
	size_t colon = strcspn(text, ":"), question = strcspn(text, "?");

	*sign = "";
	if (!strncmp(text, "headers=", 8) && colon < length) {
		*sign = ": ********";
		return colon;
	}
	if (!strncmp(text, "url=", 4) && question < length) {
		*sign = "?…";
		return question;
	}
	return length;
}

void origin_rule_show(const char *text, char *out, size_t size)
{
	const char *parting = strchr(text, '\n') ? "\n" : " ", *sign;
	size_t n = 0;

	out[0] = '\0';
	for (text += strspn(text, parting); *text && n < size; text += strspn(text, parting)) {
		size_t length = strcspn(text, parting), shown = origin_shown(text, length, &sign);

		n += (size_t)snprintf(out + n, size - n, "%s%.*s%s", n ? " " : "", (int)shown, text,
				      sign);
		text += length;
	}
}
