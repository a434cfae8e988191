#include "proxy_site.h"

#include "channel.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROXY_S_NS UINT64_C(1000000000)
#define PROXY_TTL_S (UINT64_C(365) * 86400)
#define PROXY_CONNECTIONS 10000u
#define PROXY_CONNECTIONS_MAX 30000u /* each may need a second descriptor: 65,536 are all */
#define PROXY_MATCH 256u
#define PROXY_NAME 64u

/* Where a member goes; rule: NULL in front of the first one. */
struct proxy_put {
	struct proxy_site *site;
	struct proxy_rule *rule;
	char *value;
};

struct proxy_key {
	const char *name;
	bool of_rule;
	int (*put)(const struct proxy_put *p);
	const char *reason;
};

static int proxy_put_address(const char *value, const char **out)
{
	struct sockaddr_storage address;
	socklen_t length;

	*out = value;
	return text_address(value, &address, &length);
}

static int proxy_put_listen(const struct proxy_put *p)
{
	return proxy_put_address(p->value, &p->site->listen);
}

static int proxy_put_upstream(const struct proxy_put *p)
{
	return proxy_put_address(p->value, &p->site->upstream);
}

/* Letters, digits and what else a token of HTTP may have. */
static bool proxy_is_token(const char *text)
{
	static const char marks[] = "!#$%&'*+-.^_`~0123456789"
				    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t length = strlen(text);

	return length && length < PROXY_NAME && strspn(text, marks) == length;
}

static int proxy_put_via(const struct proxy_put *p)
{
	p->site->via = p->value;
	return proxy_is_token(p->value) ? 0 : -EINVAL;
}

static int proxy_put_forwarded(const struct proxy_put *p)
{
	static const char *const names[] = { "none", "x-forwarded-for", "forwarded" };

	for (int i = 0; i < 3; i++) {
		if (strcmp(p->value, names[i]) != 0)
			continue;
		p->site->forwarded = (enum proxy_forwarded)i;
		return 0;
	}
	return -EINVAL;
}

static int proxy_put_connections(const struct proxy_put *p)
{
	double number;

	if (text_number(p->value, &number) || number < 1 || number > PROXY_CONNECTIONS_MAX)
		return -EINVAL;
	p->site->connections = (uint32_t)number;
	return number > p->site->connections ? -EINVAL : 0;
}

static int proxy_put_span(const char *value, uint64_t *out)
{
	if (text_span_ns(value, out))
		return -EINVAL;
	return *out < PROXY_S_NS || *out > 3600 * PROXY_S_NS ? -EINVAL : 0;
}

static int proxy_put_connect(const struct proxy_put *p)
{
	return proxy_put_span(p->value, &p->site->connect_ns);
}

static int proxy_put_timeout(const struct proxy_put *p)
{
	return proxy_put_span(p->value, &p->site->timeout_ns);
}

static int proxy_put_idle(const struct proxy_put *p)
{
	return proxy_put_span(p->value, &p->site->idle_ns);
}

static int proxy_put_name(const struct proxy_put *p)
{
	p->rule->name = p->value;
	return proxy_is_token(p->value) ? 0 : -EINVAL;
}

static int proxy_put_match(const struct proxy_put *p)
{
	p->rule->match = p->value;
	if (strlen(p->value) >= PROXY_MATCH)
		return -EINVAL;
	return *p->value == '/' || *p->value == '*' ? 0 : -EINVAL;
}

static int proxy_put_seconds(const char *value, uint32_t *out)
{
	uint64_t ns;

	if (text_span_ns(value, &ns) || ns % PROXY_S_NS || ns / PROXY_S_NS > PROXY_TTL_S)
		return -EINVAL;
	*out = (uint32_t)(ns / PROXY_S_NS);
	return 0;
}

static int proxy_put_ttl(const struct proxy_put *p)
{
	return proxy_put_seconds(p->value, &p->rule->ttl_s);
}

static int proxy_put_stale(const struct proxy_put *p)
{
	return proxy_put_seconds(p->value, &p->rule->stale_s);
}

static int proxy_put_fallback(const struct proxy_put *p)
{
	return proxy_put_seconds(p->value, &p->rule->fallback_s);
}

static int proxy_put_names(char *value, struct proxy_names *out)
{
	const char parting[] = { PROXY_PARTING, '\0' };
	char *one;

	*out = (struct proxy_names){ .count = 0 };
	while ((one = strsep(&value, parting))) {
		if (out->count == PROXY_NAMES || !proxy_is_token(one))
			return -EINVAL;
		out->at[out->count++] = one;
	}
	return 0;
}

static int proxy_put_query(const struct proxy_put *p)
{
	p->rule->every_query = !strcmp(p->value, "all");
	if (p->rule->every_query || !strcmp(p->value, "none"))
		return 0;
	return proxy_put_names(p->value, &p->rule->query);
}

static int proxy_put_headers(const struct proxy_put *p)
{
	return proxy_put_names(p->value, &p->rule->headers);
}

static int proxy_put_unless_query(const struct proxy_put *p)
{
	return proxy_put_names(p->value, &p->rule->unless_query);
}

static int proxy_put_unless_headers(const struct proxy_put *p)
{
	return proxy_put_names(p->value, &p->rule->unless_headers);
}

static int proxy_put_unless_cookies(const struct proxy_put *p)
{
	return proxy_put_names(p->value, &p->rule->unless_cookies);
}

static int proxy_put_cookies(const struct proxy_put *p)
{
	p->rule->without_cookies = !strcmp(p->value, "ignore");
	return p->rule->without_cookies || !strcmp(p->value, "bypass") ? 0 : -EINVAL;
}

#define PROXY_AN_ADDRESS "must be an address and port, as 127.0.0.1:8080 or [::1]:8080"
#define PROXY_A_SPAN "must be a duration from 1s to 1h"
#define PROXY_SECONDS "must be a duration of whole seconds, at most 365d"
#define PROXY_A_LIST "must be a name or at most 8 names"

static const struct proxy_key proxy_keys[] = {
	{ "listen", false, proxy_put_listen, PROXY_AN_ADDRESS },
	{ "upstream", false, proxy_put_upstream, PROXY_AN_ADDRESS },
	{ "via", false, proxy_put_via, "must be a name without blanks" },
	{ "forwarded", false, proxy_put_forwarded, "must be none, x-forwarded-for or forwarded" },
	{ "connections", false, proxy_put_connections, "must be a whole number from 1 to 30000" },
	{ "connect_timeout", false, proxy_put_connect, PROXY_A_SPAN },
	{ "timeout", false, proxy_put_timeout, PROXY_A_SPAN },
	{ "idle_timeout", false, proxy_put_idle, PROXY_A_SPAN },
	{ "name", true, proxy_put_name, "must be a name without blanks" },
	{ "match", true, proxy_put_match, "must be a pattern of at most 255 bytes, as /api/*" },
	{ "ttl", true, proxy_put_ttl, PROXY_SECONDS },
	{ "stale_while_revalidate", true, proxy_put_stale, PROXY_SECONDS },
	{ "stale_if_error", true, proxy_put_fallback, PROXY_SECONDS },
	{ "query", true, proxy_put_query, "must be all, none, or at most 8 names" },
	{ "headers", true, proxy_put_headers, PROXY_A_LIST },
	{ "unless_query", true, proxy_put_unless_query, PROXY_A_LIST },
	{ "unless_headers", true, proxy_put_unless_headers, PROXY_A_LIST },
	{ "unless_cookies", true, proxy_put_unless_cookies, PROXY_A_LIST },
	{ "cookies", true, proxy_put_cookies, "must be bypass or ignore" },
};

static int proxy_refuse(const struct proxy_put *p, const char *key, const char *reason,
			struct channel_error *error)
{
	const char *dot = *key ? "." : "";

	if (p->rule)
		snprintf(error->key, sizeof(error->key), "rules[%u]%s%.40s",
			 p->site->rule_count - 1, dot, key);
	else
		snprintf(error->key, sizeof(error->key), "%.60s", key);
	snprintf(error->reason, sizeof(error->reason), "%s", reason);
	return -EINVAL;
}

static int proxy_member(struct proxy_put *p, char *word, struct channel_error *error)
{
	char *equals = strchr(word, '=');

	if (!equals)
		return proxy_refuse(p, word, "must have a value", error);
	*equals = '\0';
	p->value = equals + 1;
	for (size_t i = 0; i < sizeof(proxy_keys) / sizeof(proxy_keys[0]); i++) {
		const struct proxy_key *key = &proxy_keys[i];

		if (strcmp(key->name, word) != 0 || key->of_rule != (p->rule != NULL))
			continue;
		return key->put(p) ? proxy_refuse(p, word, key->reason, error) : 0;
	}
	return proxy_refuse(p, word, "unknown key", error);
}

static int proxy_rule_begin(struct proxy_put *p, struct channel_error *error)
{
	if (p->rule && !p->rule->match)
		return proxy_refuse(p, "match", "is missing", error);
	if (p->site->rule_count == PROXY_RULES)
		return proxy_refuse(p, "", "at most 32 rules are possible", error);
	p->rule = &p->site->rules[p->site->rule_count++];
	*p->rule = (struct proxy_rule){ .name = "proxy", .every_query = true };
	return 0;
}

static int proxy_site_read(struct proxy_site *s, struct channel_error *error)
{
	struct proxy_put put = { .site = s };
	char *rest = s->text, *word;
	int ret = 0;

	while (!ret && (word = strsep(&rest, " "))) {
		if (!strcmp(word, "rule"))
			ret = proxy_rule_begin(&put, error);
		else if (*word)
			ret = proxy_member(&put, word, error);
	}
	if (ret)
		return ret;
	if (put.rule && !put.rule->match)
		return proxy_refuse(&put, "match", "is missing", error);
	put.rule = NULL;
	if (!s->listen)
		return proxy_refuse(&put, "listen", "is missing", error);
	if (!s->upstream)
		return proxy_refuse(&put, "upstream", "is missing", error);
	if (!strcmp(s->listen, s->upstream))
		return proxy_refuse(&put, "upstream", "must not be its own listener", error);
	return 0;
}

int proxy_site_open(struct proxy_site **out, const char *text, struct channel_error *error)
{
	struct proxy_site *s = calloc(1, sizeof(*s));
	int ret = -ENOMEM;

	*error = (struct channel_error){ .reason = "no memory" };
	if (!s)
		return ret;
	s->connections = PROXY_CONNECTIONS;
	s->connect_ns = 5 * PROXY_S_NS;
	s->timeout_ns = 60 * PROXY_S_NS;
	s->idle_ns = 75 * PROXY_S_NS;
	s->text = strdup(text);
	if (s->text)
		ret = proxy_site_read(s, error);
	if (ret) {
		proxy_site_close(s);
		return ret;
	}
	*out = s;
	return 0;
}

void proxy_site_close(struct proxy_site *s)
{
	if (!s)
		return;
	free(s->text);
	free(s);
}
