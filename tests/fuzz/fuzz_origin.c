/*
 * fuzz_origin - rules, templates, keys and heads of any bytes: what is taken keeps what it says.
 */
#include "origin_answer.h"
#include "origin_template.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * The path of a URL as a server may read it that takes all escapes away, a backslash for a slash,
 * and a NUL or a semicolon for an end.
 */
static void path_try(const char *url)
{
	char plain[ORIGIN_TEMPLATE_URL], hex[3] = "", *rest = plain, *part;
	const char *path = strchr(strstr(url, "://") + 3, '/');
	const char *end = path + strcspn(path, "?");
	size_t n = 0;

	for (; path < end; path += *path == '%' ? 3 : 1) {
		if (*path == '%')
			memcpy(hex, path + 1, 2);
		plain[n] = *path == '%' ? (char)strtoul(hex, NULL, 16) : *path;
		if (!plain[n])
			plain[n] = ';';
		if (plain[n] == '\\')
			plain[n] = '/';
		n++;
	}
	plain[n] = '\0';
	while ((part = strsep(&rest, "/"))) {
		part[strcspn(part, ";")] = '\0';
		if (!strcmp(part, ".") || !strcmp(part, ".."))
			abort();
	}
}

static void url_try(const char *template, const void *key, size_t length, bool escaped)
{
	const struct origin_name name = { key, length, length / 2, escaped };
	char url[ORIGIN_TEMPLATE_URL];
	const char *reason = NULL;
	size_t host;
	int n;

	if (origin_url_check(template, &reason)) {
		if (!reason)
			abort();
		return;
	}
	host = (size_t)(strchr(strstr(template, "://") + 3, '/') - template) + 1;
	n = origin_url_make(template, &name, url, sizeof(url));
	if (n < 0)
		return;
	if ((size_t)n != strlen(url) || strncmp(url, template, host) != 0)
		abort(); /* another host, or none */
	for (const char *at = url; *at; at++)
		if (*at <= ' ' || *at >= 0x7f || strchr("\"<>\\^`{|}#", *at))
			abort();
	path_try(url);
}

static const char *part(void *ctx, const char *name)
{
	if (!*name)
		abort();
	return ctx;
}

static void key_try(const char *template, char *value)
{
	static const struct origin_name name = { "u:a b", 5, 2, false };
	const struct origin_parts parts = { value, part, part };
	char key[4096];
	const char *reason;

	if (origin_key_check(template, "u:", &reason))
		return;
	if (origin_key_make(template, &name, &parts, key, sizeof(key)) < 0)
		return;
	for (const char *at = key; *at; at++)
		if (*at <= ' ' || *at >= 0x7f)
			abort();
	if (strncmp(key, "u:", 2) != 0)
		abort();
}

static void rule_try(const char *text, struct origin_rule *rule)
{
	struct channel_error why;
	const char *reason;
	char shown[256];

	origin_rule_show(text, shown, sizeof(shown));
	if (strlen(shown) >= sizeof(shown))
		abort();
	if (origin_rule_parse(text, rule, &why)) {
		if (!*why.reason)
			abort();
		if (origin_rule_parse("prefix=u: url=http://h/ tags=t types=text/*", rule, &why))
			abort();
		return;
	}
	if (!*rule->prefix || origin_url_check(rule->url, &reason) ||
	    rule->ttl_s > CACHE_TTL_MAX_S || !rule->concurrency || rule->concurrency > 64 ||
	    !rule->queue || !rule->warm_per_s || rule->timeout_ms < 100 ||
	    !memchr(rule->kept, 1, sizeof(rule->kept)))
		abort();
	for (uint32_t i = 0; i < rule->header_count; i++)
		if (!strchr(rule->headers[i].text, ':') || strpbrk(rule->headers[i].text, "\r\n"))
			abort();
}

static void answer_try(const struct origin_rule *rule, char *head, uint32_t status)
{
	struct transfer_result result = { .end = TRANSFER_WHOLE, .status = status, .head = head };
	struct origin_words words;
	struct origin_answer a;
	size_t tags = 1;

	origin_answer_read(rule, 300, &result, &words, &a);
	if (!a.text || (a.fault == ORIGIN_FINE ? a.ttl_s > CACHE_TTL_MAX_S : a.ttl_s > 0))
		abort();
	if (strlen(a.type) > CACHE_TYPE || strlen(a.tags) >= ORIGIN_ANSWER_TAGS)
		abort();
	for (const char *at = a.tags; *at; at++) {
		tags += *at == ' ';
		if (*at < ' ' || *at > '~' || *at == ',')
			abort();
	}
	if (tags > CACHE_TAGS)
		abort();
}

/* On the heap: a byte too much is found. The input is a text, perhaps a newline, and a key. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t statuses[] = { 200, 203, 206, 404, 500 };
	static struct origin_rule rule;
	char *text = malloc(size + 1), *line, *end;

	memcpy(text, data, size);
	text[size] = '\0';
	rule_try(text, &rule);
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		answer_try(&rule, text, statuses[i]);
	line = strdup(text);
	end = memchr(data, '\n', size) ? strchr(line, '\n') : NULL;
	if (end) {
		size_t from = (size_t)(end - line) + 1;

		*end = '\0';
		url_try(line, data + from, size - from, false);
		url_try(line, data + from, size - from, true);
		key_try(line, end + 1);
	}
	free(line);
	free(text);
	return 0;
}
