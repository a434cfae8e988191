#include "config_nested.h"

#include "action.h"
#include "escalation.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
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
