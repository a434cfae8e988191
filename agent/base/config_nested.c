#include "config_nested.h"

#include "action.h"
#include "escalation.h"
#include "origin_rule.h"
#include "proxy_site.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int config_nested_fail(struct channel_error *error, const char *key, const char *reason)
{
	snprintf(error->key, sizeof(error->key), "%s", key);
	snprintf(error->reason, sizeof(error->reason), "%s", reason);
	return -EINVAL;
}

/* Texts without what parts them, as "a,b". */
static int config_nested_list(const struct tree *list, char parting, char *out, size_t size)
{
	const char *never = parting == ',' ? ", \n" : (const char[]){ parting, '\n', '\0' };
	size_t n = 0;

	for (size_t i = 0; i < tree_size(list); i++) {
		const char *text = tree_text(tree_at(list, i));

		if (!text || strpbrk(text, never))
			return -EINVAL;
		if (i)
			out[n++] = parting;
		n += (size_t)snprintf(out + n, size - n, "%s", text);
		if (n >= size)
			return -EINVAL;
	}
	return n ? 0 : -EINVAL;
}

/* A text, a whole number, or a list of texts with this between them. */
static int config_nested_value(const struct tree *value, char parting, char *out, size_t size)
{
	double number = tree_number(value);
	const char *text = tree_text(value);

	out[0] = '\0';
	if (tree_kind(value) == TREE_NUMBER && fabs(number) < 1e9 && trunc(number) == number)
		return snprintf(out, size, "%.0f", number) > 0 ? 0 : -EINVAL;
	if (!text)
		return config_nested_list(value, parting, out, size);
	return strchr(text, '\n') || snprintf(out, size, "%s", text) >= (int)size ? -EINVAL : 0;
}

int config_nested_channel(const char *name, const struct tree *keys, char *text,
			  struct channel_error *error)
{
	size_t n = (size_t)snprintf(text, CHANNEL_TEXT, "%.64s\n", name);
	char value[CHANNEL_VALUE];
	const char *key = NULL;
	const struct tree *member;
	struct channel parsed;

	if (tree_kind(keys) != TREE_OBJECT)
		return config_nested_fail(error, "", "must be an object with a type");
	while ((member = tree_next(keys, &key))) {
		/* an argument of a command may hold anything */
		char parting = strcmp(key, "command") ? ',' : ACTION_PARTING;

		if (config_nested_value(member, parting, value, sizeof(value)))
			return config_nested_fail(error, key,
						  "must be a text of at most 511 bytes");
		n += (size_t)snprintf(text + n, CHANNEL_TEXT - n, "%s=%s\n", key, value);
		if (n >= CHANNEL_TEXT)
			return config_nested_fail(error, key, "this channel is longer than 4 KiB");
	}
	return channel_parse(text, &parsed, error);
}

/* One member, a list of names as "notify=a notify=b". */
static int config_nested_member(const char *key, const struct tree *member, char *text, size_t size)
{
	char value[CHANNEL_VALUE];
	size_t n = 0;

	if (config_nested_value(member, ',', value, sizeof(value)) || strchr(value, ' '))
		return -EINVAL;
	for (char *rest = value, *one; (one = strsep(&rest, ","));) {
		n += (size_t)snprintf(text + n, size - n, "%s%s=%s", n ? " " : "", key, one);
		if (n >= size)
			return -EINVAL;
	}
	return 0;
}

int config_nested_level(const struct tree *keys, char *text, struct channel_error *error)
{
	const char *key = NULL, *reason = "";
	const struct tree *member;
	struct escalation parsed;
	size_t n = 0;

	text[0] = '\0';
	if (tree_kind(keys) != TREE_OBJECT)
		return config_nested_fail(error, "", "must be an object with after and notify");
	while ((member = tree_next(keys, &key))) {
		if (n && n < CHANNEL_TEXT - 1)
			text[n++] = ' ';
		if (config_nested_member(key, member, text + n, CHANNEL_TEXT - n))
			return config_nested_fail(error, key, "must be a number, a name or names");
		n += strlen(text + n);
	}
	return escalation_parse(text, &parsed, &reason) ? config_nested_fail(error, "", reason) : 0;
}

/* The text of a listener as it grows. */
struct config_nested_text {
	char *at;
	size_t length;
	struct channel_error *error;
};

/* Members of the listener or of one rule, as " key=value" each; where: of them in messages. */
static int config_nested_members(struct config_nested_text *out, const struct tree *keys,
				 const char *where)
{
	char value[CHANNEL_VALUE], path[sizeof(out->error->key)];
	const char *key = NULL;
	const struct tree *member;

	if (tree_kind(keys) != TREE_OBJECT)
		return config_nested_fail(out->error, where, "must be an object");
	while ((member = tree_next(keys, &key))) {
		size_t room = PROXY_TEXT - out->length, n;

		if (!*where && !strcmp(key, "rules"))
			continue;
		snprintf(path, sizeof(path), "%s%s%.30s", where, *where ? "." : "", key);
		if (config_nested_value(member, PROXY_PARTING, value, sizeof(value)) ||
		    strpbrk(key, " =") || strchr(value, ' '))
			return config_nested_fail(out->error, path,
						  "must be a text or texts without blanks");
		n = (size_t)snprintf(out->at + out->length, room, " %s=%s", key, value);
		if (n >= room)
			return config_nested_fail(out->error, path,
						  "this listener is longer than 16 KiB");
		out->length += n;
	}
	return 0;
}

static int config_nested_rules(struct config_nested_text *out, const struct tree *rules)
{
	char where[32];
	int ret = 0;

	if (rules && tree_kind(rules) != TREE_LIST)
		return config_nested_fail(out->error, "rules", "must be a list of objects");
	for (size_t i = 0; !ret && i < tree_size(rules); i++) {
		size_t room = PROXY_TEXT - out->length;

		snprintf(where, sizeof(where), "rules[%zu]", i);
		if ((size_t)snprintf(out->at + out->length, room, " rule") >= room)
			return config_nested_fail(out->error, where,
						  "this listener is longer than 16 KiB");
		out->length += sizeof(" rule") - 1;
		ret = config_nested_members(out, tree_at(rules, i), where);
	}
	return ret;
}

int config_nested_proxy(const struct tree *keys, char **text, struct channel_error *error)
{
	struct config_nested_text out = { .at = calloc(1, PROXY_TEXT), .error = error };
	struct proxy_site *parsed = NULL;
	int ret;

	if (!out.at)
		return config_nested_fail(error, "", "no memory");
	ret = config_nested_members(&out, keys, "");
	if (!ret)
		ret = config_nested_rules(&out, tree_member(keys, "rules"));
	if (!ret)
		ret = proxy_site_open(&parsed, out.at, error);
	proxy_site_close(parsed);
	*text = ret ? NULL : out.at;
	if (ret)
		free(out.at);
	return ret;
}

/* The text of an origin as it grows. */
struct config_nested_lines {
	char *text;
	size_t length;
};

/* "key=value", or "key=name: value"; a value that has no form as text is none. */
static int config_nested_line(struct config_nested_lines *t, const char *key, const char *name,
			      const struct tree *value)
{
	size_t left = ORIGIN_TEXT - t->length;
	const char *text = tree_text(value);
	double number = tree_number(value);
	char written[32];

	if (tree_kind(value) == TREE_BOOL)
		text = tree_true(value) ? "true" : "false";
	if (tree_kind(value) == TREE_NUMBER && fabs(number) < 1e9 && trunc(number) == number) {
		snprintf(written, sizeof(written), "%.0f", number);
		text = written;
	}
	if (!text || strchr(text, '\n') || strlen(text) >= CHANNEL_VALUE || strchr(name, '\n'))
		return -EINVAL;
	t->length += (size_t)snprintf(t->text + t->length, left, "%s=%s%s%s\n", key, name,
				      *name ? ": " : "", text);
	return t->length >= ORIGIN_TEXT ? -E2BIG : 0;
}

/* One member: a value, a list of them, or an object of them. */
static int config_nested_lines(struct config_nested_lines *t, const char *key,
			       const struct tree *member)
{
	const struct tree *value;
	const char *name = NULL;
	int ret = 0;

	if (tree_kind(member) == TREE_OBJECT) {
		while (!ret && (value = tree_next(member, &name)))
			ret = config_nested_line(t, key, name, value);
		return ret;
	}
	if (tree_kind(member) != TREE_LIST)
		return config_nested_line(t, key, "", member);
	for (size_t i = 0; !ret && i < tree_size(member); i++)
		ret = config_nested_line(t, key, "", tree_at(member, i));
	return ret;
}

int config_nested_origin(const struct tree *keys, char *text, struct channel_error *error)
{
	struct config_nested_lines t = { .text = text };
	const struct tree *member;
	const char *key = NULL;
	struct origin_rule parsed;
	int ret;

	text[0] = '\0';
	if (tree_kind(keys) != TREE_OBJECT)
		return config_nested_fail(error, "", "must be an object with a prefix and a url");
	while ((member = tree_next(keys, &key))) {
		if (strpbrk(key, "=\n"))
			return config_nested_fail(error, "", "has a key that none can have");
		ret = config_nested_lines(&t, key, member);
		if (ret)
			return config_nested_fail(
				error, key,
				ret == -E2BIG ? "this origin is longer than 4 KiB"
					      : "must be a text of at most 511 bytes, a number, "
						"true or false, or some of them");
	}
	return origin_rule_parse(text, &parsed, error);
}
