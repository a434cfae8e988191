#include "reply.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct reply {
	json_t *whole;
};

/* jansson's nodes under our own name, so that this file stays its only reader here. */
static const json_t *reply_json(const struct reply_node *node)
{
	return (const json_t *)node;
}

static const struct reply_node *reply_node(const json_t *json)
{
	return (const struct reply_node *)json;
}

int reply_open(struct reply **out, const char *bytes, size_t length, struct reply_error *error)
{
	json_error_t where;
	json_t *whole = bytes ? json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &where) : NULL;
	const char *message;

	*out = NULL;
	if (!json_is_boolean(json_object_get(whole, "success"))) {
		json_decref(whole);
		snprintf(error->text, sizeof(error->text), "what answers there is no agent");
		return -EPROTO;
	}
	/* a failure with its document, as health has it, is an answer */
	if (!json_object_get(whole, "data")) {
		message = json_string_value(
			json_object_get(json_object_get(whole, "error"), "message"));
		snprintf(error->text, sizeof(error->text), "%s",
			 message ? message : "the agent refused and did not say why");
		json_decref(whole);
		return -EREMOTEIO;
	}
	*out = malloc(sizeof(**out));
	if (!*out) {
		json_decref(whole);
		snprintf(error->text, sizeof(error->text), "out of memory");
		return -ENOMEM;
	}
	(*out)->whole = whole;
	return 0;
}

void reply_close(struct reply *r)
{
	if (!r)
		return;
	json_decref(r->whole);
	free(r);
}

const struct reply_node *reply_data(const struct reply *r)
{
	return reply_node(json_object_get(r->whole, "data"));
}

const struct reply_node *reply_member(const struct reply_node *node, const char *name)
{
	return reply_node(json_object_get(reply_json(node), name));
}

size_t reply_size(const struct reply_node *list)
{
	return json_array_size(reply_json(list));
}

const struct reply_node *reply_at(const struct reply_node *list, size_t index)
{
	return reply_node(json_array_get(reply_json(list), index));
}

const char *reply_text(const struct reply_node *node, const char *name)
{
	return json_string_value(json_object_get(reply_json(node), name));
}

double reply_number(const struct reply_node *node, const char *name)
{
	const json_t *value = json_object_get(reply_json(node), name);

	return json_is_number(value) ? json_number_value(value) : NAN;
}

double reply_sum(const struct reply_node *node, const char *name)
{
	json_t *object = json_object_get(reply_json(node), name);
	const char *key;
	json_t *value;
	double sum = 0;

	json_object_foreach(object, key, value) sum += json_number_value(value);
	return json_is_object(object) ? sum : NAN;
}
