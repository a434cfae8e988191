#include "claims.h"

#include "hot.h"
#include "mem.h"

#include <stdint.h>

#define CLAIMS_RUN_DIR "/run/ringside"
#define CLAIMS_KEY 32 /* longer than any key that is looked for */

static const struct {
	const char *name;
	size_t offset;
} claims_variables[] = {
	{ "RINGSIDE=", offsetof(struct claims_found, asked) },
	{ "PERFORMANCE_MONITORING_ENABLED=", offsetof(struct claims_found, monitoring) },
	{ "RINGSIDE_RUN_DIR=", offsetof(struct claims_found, run_dir) },
	{ "RINGSIDE_SERVICE=", offsetof(struct claims_found, service) },
	{ "OTEL_SERVICE_NAME=", offsetof(struct claims_found, otel_name) },
	{ "OTEL_RESOURCE_ATTRIBUTES=", offsetof(struct claims_found, attributes) },
	{ "NODE_ENV=", offsetof(struct claims_found, node) },
	{ "LD_PRELOAD=", offsetof(struct claims_found, preload) },
};

/* What follows prefix in text, NULL where text does not begin with it. */
static const char *claims_after(const char *text, const char *prefix)
{
	for (; *prefix; prefix++, text++) {
		if (*text != *prefix)
			return NULL;
	}
	return text;
}

static bool claims_same(const char *a, const char *b)
{
	const char *rest = a ? claims_after(a, b) : NULL;

	return rest && !*rest;
}

START void claims_find(const char *const *environment, struct claims_found *out)
{
	memset(out, 0, sizeof(*out));
	for (; environment && *environment; environment++) {
		for (size_t i = 0; i < sizeof(claims_variables) / sizeof(*claims_variables); i++) {
			const char *value = claims_after(*environment, claims_variables[i].name);
			const char **field = (const char **)(void *)((uint8_t *)out +
								     claims_variables[i].offset);

			if (value && !*field)
				*field = value;
		}
	}
}

START bool claims_refuse(const struct claims_found *found)
{
	return claims_same(found->asked, "disabled") || claims_same(found->monitoring, "false");
}

static int claims_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that a %XX at from means; 0: it is none. */
static char claims_escape(const char *from, const char *end)
{
	int high = end - from > 2 ? claims_hex(from[1]) : -1;
	int low = high >= 0 ? claims_hex(from[2]) : -1;

	return low < 0 ? 0 : (char)(high * 16 + low);
}

static bool claims_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* [from, end) without its %XX and outer blanks, cut to bytes; false: that is no encoding. */
static START bool claims_decode(const char *from, const char *end, char *to, size_t bytes)
{
	size_t n = 0;

	while (from < end && claims_blank(*from))
		from++;
	while (end > from && claims_blank(end[-1]))
		end--;
	for (; from < end; from++) {
		char c = *from == '%' ? claims_escape(from, end) : *from;

		if (!c)
			return false;
		if (*from == '%')
			from += 2;
		if (n + 1 < bytes)
			to[n++] = c;
	}
	to[n] = 0;
	return true;
}

/* One "key=value" in [from, end); false: it is none. */
static bool claims_member(const char *from, const char *end, const char *key, char *value,
			  size_t bytes)
{
	const char *equals = from;
	char found[CLAIMS_KEY], rest[2];

	while (equals < end && *equals != '=')
		equals++;
	if (equals == end || !claims_decode(from, equals, found, sizeof(found)))
		return false;
	if (claims_same(found, key))
		return claims_decode(equals + 1, end, value, bytes);
	return claims_decode(equals + 1, end, rest, sizeof(rest));
}

/* The value of key in "k=v,k=v"; false, and nothing in to: absent, empty, or the list is bad. */
static START bool claims_attribute(const char *list, const char *key, char *to, size_t bytes)
{
	bool good = true;

	to[0] = 0;
	while (good && list && *list) {
		const char *end = list;

		while (*end && *end != ',')
			end++;
		if (end > list)
			good = claims_member(list, end, key, to, bytes);
		list = *end ? end + 1 : end;
	}
	if (!good)
		to[0] = 0;
	return to[0] != 0;
}

static void claims_service(const struct claims_found *found, struct home_claims *out)
{
	if (found->service && found->service[0]) {
		mem_copy_text(out->service, sizeof(out->service), found->service);
		out->service_from = RS_SERVICE_RINGSIDE;
	} else if (found->otel_name && found->otel_name[0]) {
		mem_copy_text(out->service, sizeof(out->service), found->otel_name);
		out->service_from = RS_SERVICE_OTEL_NAME;
	} else if (claims_attribute(found->attributes, "service.name", out->service,
				    sizeof(out->service))) {
		out->service_from = RS_SERVICE_OTEL_ATTRIBUTES;
	}
}

START void claims_take(const struct claims_found *found, struct home_claims *out)
{
	/* the newer name of the attribute first */
	static const char *const keys[] = { "deployment.environment.name",
					    "deployment.environment" };
	bool named = false;

	out->named_run_dir = found->run_dir && found->run_dir[0];
	mem_copy_text(out->run_dir, sizeof(out->run_dir),
		      out->named_run_dir ? found->run_dir : CLAIMS_RUN_DIR);
	claims_service(found, out);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]) && !named; i++)
		named = claims_attribute(found->attributes, keys[i], out->environment,
					 sizeof(out->environment));
	if (!named && found->node)
		mem_copy_text(out->environment, sizeof(out->environment), found->node);
}

START void claims_arguments(const char *const *argv, char *out, size_t bytes)
{
	size_t at = 0;

	memset(out, 0, bytes);
	for (; argv && *argv; argv++) {
		const char *from = *argv;
		size_t length = strlen(from);
		size_t most = from[0] == '-' ? RS_OPTION_BYTES : RS_ARGUMENT_BYTES;

		/* of an option the name matters, of a path its end */
		if (length >= most) {
			from += from[0] == '-' ? 0 : length - (most - 1);
			length = most - 1;
		}
		if (at + length + 2 > bytes) /* an empty one behind the last */
			return;
		memcpy(out + at, from, length);
		at += length + 1;
	}
}
