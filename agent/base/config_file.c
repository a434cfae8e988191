#include "config_file.h"

#include "config_alias.h"
#include "config_line.h"
#include "config_nested.h"
#include "proxy_site.h"
#include "rule.h"
#include "text.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG_FILE_ITEMS 64
#define CONFIG_FILE_PATH 256
#define CONFIG_FILE_RULE 1024 /* the text of a rule: four members */

struct config_walk {
	const struct config_text *text;
	const struct config_file_sink *sink;
	struct config_error *error;
	char path[CONFIG_FILE_PATH];
};

static int config_walk_fail(struct config_walk *w, const char *path, const char *reason)
{
	snprintf(w->error->text, sizeof(w->error->text), "%s:%u: %s: %s", w->text->name,
		 config_line(w->text, path), path, reason);
	return -EINVAL;
}

static int config_walk_unknown(struct config_walk *w, const char *nearest)
{
	char reason[128];

	snprintf(reason, sizeof(reason), "unknown key%s%s%s", nearest ? "; did you mean " : "",
		 nearest ? nearest : "", nearest ? "?" : "");
	return config_walk_fail(w, w->path, reason);
}

static char *config_walk_number(const json_t *value, enum config_type type)
{
	char *text;

	if (type != CONFIG_TYPE_PERCENT && type != CONFIG_TYPE_COUNT && type != CONFIG_TYPE_ITEMS &&
	    type != CONFIG_TYPE_SIZE)
		return NULL;
	return asprintf(&text, "%.17g", json_number_value(value)) < 0 ? NULL : text;
}

/* A scalar as the text a flag would have; NULL: no memory, or none of those a key takes. */
static char *config_walk_scalar(const json_t *value, enum config_type type)
{
	const char *text = json_string_value(value);

	/* A NUL inside would cut the text: refused like a wrong type. */
	if (text)
		return json_string_length(value) == strlen(text) ? strdup(text) : NULL;
	if (json_is_boolean(value) && type == CONFIG_TYPE_SWITCH)
		return strdup(json_is_true(value) ? "true" : "false");
	return json_is_number(value) ? config_walk_number(value, type) : NULL;
}

static const char *config_walk_expected(enum config_type type)
{
	switch (type) {
	case CONFIG_TYPE_PERCENT:
		return "must be a number from 0 to 100";
	case CONFIG_TYPE_SPAN:
		return "must be a duration with a unit, as \"250ms\", \"30s\" or \"5m\"";
	case CONFIG_TYPE_LIST:
	case CONFIG_TYPE_ADDRESS:
	case CONFIG_TYPE_ROUTES:
	case CONFIG_TYPE_REDIS:
		return "must be a text or a list of texts";
	case CONFIG_TYPE_MAP:
		return "must be an object of texts";
	case CONFIG_TYPE_RULES:
	case CONFIG_TYPE_NAMES:
		return "must be a list of at most 64 objects, as {\"exe\": \"/usr/sbin/nginx\"}";
	case CONFIG_TYPE_CHANNELS:
		return "must be an object of channels, as {\"ops\": {\"type\": \"webhook\", …}}";
	case CONFIG_TYPE_ESCALATION:
		return "must be a list of at most two objects, as {\"after\": 3, \"notify\": "
		       "[\"ops\"]}";
	case CONFIG_TYPE_PROXY:
		return "must be a list of at most 8 objects, as {\"listen\": \"127.0.0.1:8080\", "
		       "\"upstream\": \"127.0.0.1:3000\", \"rules\": […]}";
	case CONFIG_TYPE_ORIGINS:
		return "must be a list of objects, as {\"prefix\": \"users:\", \"url\": "
		       "\"http://127.0.0.1:8080/users/{rest}\"}";
	case CONFIG_TYPE_SWITCH:
		return "must be true or false";
	case CONFIG_TYPE_COUNT:
		return "must be a whole number from 1 to 1000";
	case CONFIG_TYPE_ITEMS:
		return "must be a whole number from 1 to 1000000";
	case CONFIG_TYPE_SIZE:
		return "must be a size, as \"64MiB\" or a number of bytes";
	case CONFIG_TYPE_TEXT:
	case CONFIG_TYPE_PATH:
	case CONFIG_TYPE_LEVEL:
	case CONFIG_TYPE_SOURCE:
	case CONFIG_TYPE_SECRET:
	case CONFIG_TYPE_PREFIX:
		break;
	}
	return "must be a text";
}

static int config_walk_list(const json_t *value, enum config_type type, char **items)
{
	size_t count = json_array_size(value);

	if (count > CONFIG_FILE_ITEMS)
		return -EINVAL;
	for (size_t i = 0; i < count; i++) {
		items[i] = config_walk_scalar(json_array_get(value, i), type);
		if (!items[i])
			return -EINVAL;
	}
	return 0;
}

static int config_walk_map(json_t *value, char **items)
{
	const char *name;
	json_t *member;
	size_t count = 0;

	json_object_foreach(value, name, member)
	{
		if (count == CONFIG_FILE_ITEMS || !json_is_string(member))
			return -EINVAL;
		if (asprintf(&items[count], "%s=%s", name, json_string_value(member)) < 0) {
			items[count] = NULL;
			return -ENOMEM;
		}
		count++;
	}
	return 0;
}

/* One member as " name=value", in the form that names of processes have. */
static int config_walk_member(struct config_walk *w, const char *name, const json_t *value,
			      char *out, size_t size)
{
	char text[RULE_TEXT * 3];
	const char *near;
	int field = rule_field_find(name, &near);

	if (field < 0)
		return config_walk_unknown(w, near);
	if (field == RULE_PORT && json_is_integer(value))
		snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(value));
	else if (json_is_string(value) && field != RULE_PORT)
		text_canonical(json_string_value(value), json_string_length(value), text,
			       sizeof(text));
	else
		return config_walk_fail(w, w->path,
					field == RULE_PORT ? "must be a number from 1 to 65535"
							   : "must be a text");
	snprintf(out, size, " %s=%s", name, text);
	return 0;
}

/* w->path is the rule's; it is left at the member that is wrong. */
static int config_walk_rule(struct config_walk *w, json_t *rule, bool names, char **item)
{
	size_t length = strlen(w->path);
	char text[CONFIG_FILE_RULE] = "";
	const char *name, *reason;
	struct rule parsed;
	json_t *member;

	if (!json_is_object(rule))
		return config_walk_fail(w, w->path, config_walk_expected(CONFIG_TYPE_RULES));
	json_object_foreach(rule, name, member)
	{
		size_t n = strlen(text);
		int ret;

		snprintf(w->path + length, sizeof(w->path) - length, ".%s", name);
		ret = config_walk_member(w, name, member, text + n, sizeof(text) - n);
		if (ret)
			return ret;
	}
	w->path[length] = '\0';
	if (rule_parse(text, names, &parsed, &reason))
		return config_walk_fail(w, w->path, reason);
	*item = strdup(text + 1);
	return *item ? 0 : -ENOMEM;
}

/* Tells by itself what is wrong. */
static int config_walk_rules(struct config_walk *w, const json_t *value, bool names, char **items)
{
	size_t length = strlen(w->path);

	if (!json_is_array(value) || json_array_size(value) > CONFIG_FILE_ITEMS)
		return config_walk_fail(w, w->path, config_walk_expected(CONFIG_TYPE_RULES));
	for (size_t i = 0; i < json_array_size(value); i++) {
		int ret;

		snprintf(w->path + length, sizeof(w->path) - length, "[%zu]", i);
		ret = config_walk_rule(w, json_array_get(value, i), names, &items[i]);
		if (ret)
			return ret;
		w->path[length] = '\0';
	}
	return 0;
}

/* One object of a key of this type, which holds several; name: of a channel. */
static int config_walk_one(struct config_walk *w, enum config_type type, const char *name,
			   const json_t *value, char **item)
{
	const struct tree *keys = (const struct tree *)value;
	size_t length = strlen(w->path);
	struct channel_error why;
	char text[CHANNEL_TEXT];
	int ret;

	if (type == CONFIG_TYPE_CHANNELS)
		ret = config_nested_channel(name, keys, text, &why);
	else if (type == CONFIG_TYPE_ORIGINS)
		ret = config_nested_origin(keys, text, &why);
	else
		ret = config_nested_level(keys, text, &why);
	if (ret) {
		snprintf(w->path + length, sizeof(w->path) - length, "%s%s", *why.key ? "." : "",
			 why.key);
		return config_walk_fail(w, w->path, why.reason);
	}
	*item = strdup(text);
	return *item ? 0 : -ENOMEM;
}

/* Tells by itself what is wrong. */
static int config_walk_channels(struct config_walk *w, json_t *value, char **items)
{
	size_t length = strlen(w->path), count = 0;
	const char *name;
	json_t *member;

	if (!json_is_object(value) || json_object_size(value) > CHANNEL_MAX)
		return config_walk_fail(w, w->path, config_walk_expected(CONFIG_TYPE_CHANNELS));
	json_object_foreach(value, name, member)
	{
		int ret;

		snprintf(w->path + length, sizeof(w->path) - length, ".%s", name);
		ret = config_walk_one(w, CONFIG_TYPE_CHANNELS, name, member, &items[count++]);
		if (ret)
			return ret;
		w->path[length] = '\0';
	}
	return 0;
}

/* Tells by itself what is wrong. */
static int config_walk_objects(struct config_walk *w, enum config_type type, const json_t *value,
			       char **items)
{
	size_t length = strlen(w->path);

	if (!json_is_array(value) || json_array_size(value) > CONFIG_FILE_ITEMS)
		return config_walk_fail(w, w->path, config_walk_expected(type));
	for (size_t i = 0; i < json_array_size(value); i++) {
		int ret;

		snprintf(w->path + length, sizeof(w->path) - length, "[%zu]", i);
		ret = config_walk_one(w, type, NULL, json_array_get(value, i), &items[i]);
		if (ret)
			return ret;
		w->path[length] = '\0';
	}
	return 0;
}

/* What is missing stands nowhere: then it is the line of the key that it is missing in. */
static int config_walk_fail_in(struct config_walk *w, const char *key, const char *path,
			       const char *reason)
{
	unsigned int line = config_line(w->text, path);

	snprintf(w->error->text, sizeof(w->error->text), "%s:%u: %s: %s", w->text->name,
		 line > 1 ? line : config_line(w->text, key), path, reason);
	return -EINVAL;
}

/* Tells by itself what is wrong. */
static int config_walk_proxies(struct config_walk *w, const json_t *value, char **items)
{
	char path[CONFIG_FILE_PATH];
	struct channel_error why;

	if (!json_is_array(value) || json_array_size(value) > PROXY_SITES)
		return config_walk_fail(w, w->path, config_walk_expected(CONFIG_TYPE_PROXY));
	for (size_t i = 0; i < json_array_size(value); i++) {
		const struct tree *site = (const struct tree *)json_array_get(value, i);

		if (!config_nested_proxy(site, &items[i], &why))
			continue;
		snprintf(path, sizeof(path), "%.128s[%zu]%s%s", w->path, i, *why.key ? "." : "",
			 why.key);
		return config_walk_fail_in(w, w->path, path, why.reason);
	}
	return 0;
}

static int config_walk_items(json_t *value, enum config_type type, char **items)
{
	if (type == CONFIG_TYPE_MAP)
		return json_is_object(value) ? config_walk_map(value, items) : -EINVAL;
	if (json_is_array(value) && (type == CONFIG_TYPE_LIST || type == CONFIG_TYPE_ADDRESS ||
				     type == CONFIG_TYPE_ROUTES || type == CONFIG_TYPE_REDIS))
		return config_walk_list(value, type, items);
	items[0] = config_walk_scalar(value, type);
	return items[0] ? 0 : -EINVAL;
}

static int config_walk_put(struct config_walk *w, enum config_key key, json_t *value)
{
	char *items[CONFIG_FILE_ITEMS + 1] = { NULL };
	char where[CONFIG_FILE_PATH];
	enum config_type type = config_info(key)->type;
	int ret;

	if (type == CONFIG_TYPE_RULES || type == CONFIG_TYPE_NAMES) {
		ret = config_walk_rules(w, value, type == CONFIG_TYPE_NAMES, items);
	} else if (type == CONFIG_TYPE_CHANNELS) {
		ret = config_walk_channels(w, value, items);
	} else if (type == CONFIG_TYPE_ESCALATION || type == CONFIG_TYPE_ORIGINS) {
		ret = config_walk_objects(w, type, value, items);
	} else if (type == CONFIG_TYPE_PROXY) {
		ret = config_walk_proxies(w, value, items);
	} else {
		ret = config_walk_items(value, type, items);
		if (ret)
			ret = config_walk_fail(w, w->path, config_walk_expected(type));
	}
	if (ret)
		goto out;
	snprintf(where, sizeof(where), "%s:%u", w->text->name, config_line(w->text, w->path));
	ret = w->sink->put(w->sink->ctx, key, (const char *const *)items, where);
out:
	for (size_t i = 0; i < CONFIG_FILE_ITEMS && items[i]; i++)
		free(items[i]);
	return ret;
}

/* A key by its name in the guide: it must not stand there under its own as well. */
static int config_walk_alias(struct config_walk *w, const struct config_alias *alias,
			     const json_t *object, json_t *value)
{
	int key = config_key_find(alias->path), ret;
	json_t *bare = NULL;
	char reason[128];

	if (key < 0)
		return config_walk_unknown(w, NULL);
	if (json_object_get(object, strrchr(alias->path, '.') + 1)) {
		snprintf(reason, sizeof(reason), "stands here as %s already", alias->path);
		return config_walk_fail(w, w->path, reason);
	}
	if (json_is_number(value) && alias->unit)
		bare = json_sprintf("%.17g%s", json_number_value(value), alias->unit);
	ret = config_walk_put(w, (enum config_key)key, bare ? bare : value);
	json_decref(bare);
	return ret;
}

/* Is path the object that some keys lie in? */
static bool config_walk_is_group(const char *path)
{
	size_t length = strlen(path);

	for (int i = 0; i < CONFIG_KEYS; i++) {
		const char *known = config_info((enum config_key)i)->path;

		if (!strncmp(known, path, length) && known[length] == '.')
			return true;
	}
	return false;
}

/* Recursion ends with the keys: none lies deeper than its dots tell. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static int config_walk_object(struct config_walk *w, json_t *object)
{
	size_t length = strlen(w->path);
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value)
	{
		const struct config_alias *alias;
		int key, ret;

		snprintf(w->path + length, sizeof(w->path) - length, "%s%s", length ? "." : "",
			 name);
		key = config_key_find(w->path);
		alias = config_alias_find(w->path);
		if (key >= 0)
			ret = config_walk_put(w, (enum config_key)key, value);
		else if (alias)
			ret = config_walk_alias(w, alias, object, value);
		else if (!config_walk_is_group(w->path))
			ret = config_walk_unknown(w, config_key_nearest(w->path));
		else if (!json_is_object(value))
			ret = config_walk_fail(w, w->path, "must be an object");
		else
			ret = config_walk_object(w, value);
		if (ret)
			return ret;
		w->path[length] = '\0';
	}
	return 0;
}

int config_file_read(const struct config_text *text, const struct config_file_sink *sink,
		     struct config_error *error)
{
	struct config_walk w = { .text = text, .sink = sink, .error = error };
	json_error_t why;
	json_t *root = json_loadb(text->bytes, text->length, JSON_REJECT_DUPLICATES, &why);
	int ret;

	if (!root) {
		snprintf(error->text, sizeof(error->text), "%s:%d: %s", text->name,
			 why.line > 0 ? why.line : 1, why.text);
		return -EINVAL;
	}
	if (json_is_object(root)) {
		ret = config_walk_object(&w, root);
	} else {
		snprintf(error->text, sizeof(error->text), "%s:1: must be an object", text->name);
		ret = -EINVAL;
	}
	json_decref(root);
	return ret;
}
