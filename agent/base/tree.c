#include "tree.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define TREE_BLANKS " \t\r\n"

struct tree_source {
	const char *bytes;
	size_t length, flags;
};

static json_t *tree_json(const struct tree *node)
{
	return (json_t *)(uintptr_t)node; /* the library takes no const, and changes nothing */
}

static int tree_load(struct tree **out, const struct tree_source *from, struct tree_error *error)
{
	json_error_t why;
	json_t *root =
		json_loadb(from->bytes, from->length, JSON_REJECT_DUPLICATES | from->flags, &why);

	*out = (struct tree *)root;
	if (root)
		return 0;
	error->line = why.line > 0 ? why.line : 1;
	snprintf(error->text, sizeof(error->text), "%s", why.text);
	return json_error_code(&why) == json_error_out_of_memory ? -ENOMEM : -EINVAL;
}

int tree_open(struct tree **out, const char *bytes, size_t length, struct tree_error *error)
{
	const struct tree_source from = { bytes, length, 0 };

	return tree_load(out, &from, error);
}

int tree_open_any(struct tree **out, const char *bytes, size_t length, struct tree_error *error)
{
	const struct tree_source from = { bytes, length, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL };

	return tree_load(out, &from, error);
}

void tree_close(struct tree *root)
{
	json_decref(tree_json(root));
}

enum tree_kind tree_kind(const struct tree *node)
{
	if (!node)
		return TREE_ABSENT;
	switch (json_typeof(tree_json(node))) {
	case JSON_OBJECT:
		return TREE_OBJECT;
	case JSON_ARRAY:
		return TREE_LIST;
	case JSON_STRING:
		return TREE_TEXT;
	case JSON_INTEGER:
	case JSON_REAL:
		return TREE_NUMBER;
	case JSON_TRUE:
	case JSON_FALSE:
		return TREE_BOOL;
	case JSON_NULL:
		break;
	}
	return TREE_NULL;
}

const struct tree *tree_member(const struct tree *object, const char *name)
{
	return (const struct tree *)json_object_get(tree_json(object), name);
}

const struct tree *tree_next(const struct tree *object, const char **name)
{
	json_t *json = tree_json(object);
	void *at;

	if (!json_is_object(json))
		return NULL;
	at = *name ? json_object_iter_next(json, json_object_key_to_iter(*name))
		   : json_object_iter(json);
	*name = at ? json_object_iter_key(at) : NULL;
	return at ? (const struct tree *)json_object_iter_value(at) : NULL;
}

size_t tree_size(const struct tree *list)
{
	return json_array_size(tree_json(list));
}

const struct tree *tree_at(const struct tree *list, size_t index)
{
	return (const struct tree *)json_array_get(tree_json(list), index);
}

const char *tree_text(const struct tree *node)
{
	return json_string_value(tree_json(node));
}

const char *tree_text_bytes(const struct tree *node, size_t *length)
{
	*length = json_string_length(tree_json(node));
	return json_string_value(tree_json(node));
}

double tree_number(const struct tree *node)
{
	return json_is_number(tree_json(node)) ? json_number_value(tree_json(node)) : (double)NAN;
}

bool tree_true(const struct tree *node)
{
	return json_is_true(tree_json(node));
}

/* The colon, comma or bracket that ends what begins here; it is known to be valid. */
static const char *tree_end(const char *at)
{
	size_t depth = 0;

	for (bool text = false;; at++) {
		if (*at == '"')
			text = !text;
		else if (text)
			at += *at == '\\';
		else if (!depth && strchr(":,]}", *at))
			return at;
		else if (*at == '[' || *at == '{')
			depth++;
		else if (*at == ']' || *at == '}')
			depth--;
	}
}

const char *tree_member_bytes(const struct tree *root, const char *name, const char *bytes,
			      size_t *length)
{
	const char *member = NULL, *value, *end = bytes + strspn(bytes, TREE_BLANKS);

	do {
		if (!tree_next(root, &member))
			return NULL;
		value = tree_end(end + 1) + 1;
		end = tree_end(value);
	} while (strcmp(member, name) != 0);
	value += strspn(value, TREE_BLANKS);
	*length = (size_t)(end - value);
	while (strchr(TREE_BLANKS, value[*length - 1]))
		--*length;
	return value;
}
