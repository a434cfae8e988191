#include "envelope.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct envelope {
	json_t *whole;
};

/* jansson's nodes under our own name, so that this file stays its only reader here. */
static const json_t *envelope_json(const struct envelope_node *node)
{
	return (const json_t *)node;
}

static const struct envelope_node *envelope_node(const json_t *json)
{
	return (const struct envelope_node *)json;
}

int envelope_open(struct envelope **out, const char *bytes, size_t length,
		  struct envelope_error *error)
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

void envelope_close(struct envelope *r)
{
	if (!r)
		return;
	json_decref(r->whole);
	free(r);
}

const struct envelope_node *envelope_data(const struct envelope *r)
{
	return envelope_node(json_object_get(r->whole, "data"));
}

const struct envelope_node *envelope_member(const struct envelope_node *node, const char *name)
{
	return envelope_node(json_object_get(envelope_json(node), name));
}

size_t envelope_size(const struct envelope_node *list)
{
	return json_array_size(envelope_json(list));
}

const struct envelope_node *envelope_at(const struct envelope_node *list, size_t index)
{
	return envelope_node(json_array_get(envelope_json(list), index));
}

const char *envelope_text(const struct envelope_node *node, const char *name)
{
	return json_string_value(json_object_get(envelope_json(node), name));
}

double envelope_number(const struct envelope_node *node, const char *name)
{
	const json_t *value = json_object_get(envelope_json(node), name);

	return json_is_number(value) ? json_number_value(value) : NAN;
}

double envelope_sum(const struct envelope_node *node, const char *name)
{
	json_t *object = json_object_get(envelope_json(node), name);
	const char *key;
	json_t *value;
	double sum = 0;

	json_object_foreach(object, key, value) sum += json_number_value(value);
	return json_is_object(object) ? sum : NAN;
}
