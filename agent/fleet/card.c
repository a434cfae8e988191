#include "card.h"

#include "tree.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CARD_MS_MOST 1e14      /* the year 5138 */
#define CARD_NUMBER_MOST 1e15  /* exact as a double */
#define CARD_GONE_LEAST 1000.0 /* ms */
#define CARD_GONE_MOST 86400000.0

/* Texts of an alert, in the order in which they are told. */
struct card_text {
	const char *name;
	size_t at, size;
	bool is_label;
};

#define CARD_TEXT(field, is_label)                                                                 \
	{                                                                                          \
#field, offsetof(struct card_alert, field),                                        \
			sizeof(((struct card_alert *)0)->field), is_label                          \
	}

static const struct card_text card_texts[] = {
	CARD_TEXT(id, false),       CARD_TEXT(rule, false),   CARD_TEXT(state, false),
	CARD_TEXT(severity, false), CARD_TEXT(unit, false),   CARD_TEXT(since, false),
	CARD_TEXT(summary, false),  CARD_TEXT(service, true), CARD_TEXT(environment, true),
	CARD_TEXT(route, true),     CARD_TEXT(method, true),
};

#define CARD_TEXTS (sizeof(card_texts) / sizeof(card_texts[0]))

static const char *const card_steps[CARD_STEPS] = { "coarse", "wide" };

size_t card_key_put(const char *host, char out[PARCEL_KEY])
{
	static const char from[] = "agg:", to[] = "fleet:";
	char index[PARCEL_KEY];
	size_t n = parcel_index_put(host, index) - (sizeof(from) - 1);

	memcpy(out, to, sizeof(to) - 1);
	memcpy(out + sizeof(to) - 1, index + sizeof(from) - 1, n + 1);
	return n + sizeof(to) - 1;
}

static void card_alert_texts(const struct card_alert *a, bool labels, struct json *j)
{
	for (size_t i = 0; i < CARD_TEXTS; i++) {
		const char *text = (const char *)a + card_texts[i].at;

		if (card_texts[i].is_label == labels && (!labels || *text))
			json_string(j, card_texts[i].name, text);
	}
}

void card_alert_members(const struct card_alert *a, struct json *j)
{
	card_alert_texts(a, false, j);
	json_uint(j, "level", a->level);
	json_double(j, "value", a->value);
	json_double(j, "threshold", a->threshold);
	json_uint(j, "notices", a->notices);
	json_object_begin(j, "labels");
	card_alert_texts(a, true, j);
	json_object_end(j);
}

static void card_slots_put(const struct card_slots *s, const char *key, struct json *j)
{
	json_object_begin(j, key);
	json_int(j, "from", s->from);
	json_int(j, "until", s->until);
	json_int(j, "lacksFrom", s->lacks_from);
	json_int(j, "lacksUntil", s->lacks_until);
	json_object_end(j);
}

void card_put(const struct card *c, struct json *j)
{
	json_object_begin(j, NULL);
	json_uint(j, "schema", c->schema);
	json_string(j, "host", c->host);
	json_string(j, "agent", c->agent);
	json_string(j, "version", c->version);
	json_int(j, "at", c->at_ms);
	json_int(j, "started", c->started_ms);
	json_int(j, "offset", c->offset_ms);
	json_int(j, "base", c->base_ms);
	json_uint(j, "goneAfter", c->gone_after_ms);
	json_uint(j, "services", c->services);
	json_uint(j, "lost", c->lost);
	for (uint32_t i = 0; i < CARD_STEPS; i++)
		card_slots_put(&c->slots[i], card_steps[i], j);
	json_uint(j, "alertsLeft", c->alerts_left);
	json_array_begin(j, "alerts");
	for (uint32_t i = 0; i < c->alert_count; i++) {
		json_object_begin(j, NULL);
		card_alert_members(&c->alerts[i], j);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
}

/* What can be shown of it, cut to its room. */
static void card_text_get(const struct tree *node, const char *name, char *out, size_t size)
{
	const char *text = tree_text(tree_member(node, name));

	snprintf(out, size, "%s", text ? text : "");
}

/* A whole number within its limits. */
static bool card_number_get(const struct tree *node, const char *name, double least, double most,
			    int64_t *out)
{
	double number = tree_number(tree_member(node, name));

	if (!(number >= least && number <= most)) /* no number is in no range */
		return false;
	*out = (int64_t)number;
	return true;
}

static bool card_count_get(const struct tree *node, const char *name, double most, uint64_t *out)
{
	int64_t number;

	if (!card_number_get(node, name, 0, most, &number))
		return false;
	*out = (uint64_t)number;
	return true;
}

static bool card_slots_get(const struct tree *node, struct card_slots *out)
{
	const double most = CARD_NUMBER_MOST;

	return card_number_get(node, "from", 0, most, &out->from) &&
	       card_number_get(node, "until", 0, most, &out->until) &&
	       card_number_get(node, "lacksFrom", 0, most, &out->lacks_from) &&
	       card_number_get(node, "lacksUntil", 0, most, &out->lacks_until);
}

static void card_alert_get(const struct tree *node, struct card_alert *out)
{
	uint64_t level = 0, notices = 0;

	for (size_t i = 0; i < CARD_TEXTS; i++) {
		const struct tree *in = card_texts[i].is_label ? tree_member(node, "labels") : node;

		card_text_get(in, card_texts[i].name, (char *)out + card_texts[i].at,
			      card_texts[i].size);
	}
	out->value = tree_number(tree_member(node, "value"));
	out->threshold = tree_number(tree_member(node, "threshold"));
	card_count_get(node, "level", 9, &level);
	card_count_get(node, "notices", UINT32_MAX, &notices);
	out->level = (uint32_t)level;
	out->notices = (uint32_t)notices;
}

static bool card_alerts_get(const struct tree *root, struct card *out)
{
	const struct tree *list = tree_member(root, "alerts");
	size_t count = tree_size(list);
	uint64_t left = 0;

	card_count_get(root, "alertsLeft", UINT32_MAX / 2, &left);
	if (count > CARD_ALERTS) {
		left += count - CARD_ALERTS;
		count = CARD_ALERTS;
	}
	out->alerts_left = (uint32_t)left;
	if (!count)
		return true;
	out->alerts = calloc(count, sizeof(*out->alerts));
	if (!out->alerts)
		return false;
	for (size_t i = 0; i < count; i++)
		card_alert_get(tree_at(list, i), &out->alerts[i]);
	out->alert_count = (uint32_t)count;
	return true;
}

static bool card_numbers_get(const struct tree *root, struct card *out)
{
	int64_t gone;
	bool good = card_number_get(root, "at", 0, CARD_MS_MOST, &out->at_ms) &&
		    card_number_get(root, "started", 0, CARD_MS_MOST, &out->started_ms) &&
		    card_number_get(root, "offset", -CARD_MS_MOST, CARD_MS_MOST, &out->offset_ms) &&
		    card_number_get(root, "base", 0, CARD_MS_MOST, &out->base_ms) &&
		    card_number_get(root, "goneAfter", CARD_GONE_LEAST, CARD_GONE_MOST, &gone) &&
		    card_count_get(root, "services", UINT32_MAX, &out->services) &&
		    card_count_get(root, "lost", CARD_NUMBER_MOST, &out->lost);

	for (uint32_t i = 0; good && i < CARD_STEPS; i++)
		good = card_slots_get(tree_member(root, card_steps[i]), &out->slots[i]);
	if (good)
		out->gone_after_ms = (uint64_t)gone;
	return good;
}

static const char *card_read_tree(const struct tree *root, struct card *out)
{
	uint64_t schema;

	if (!card_count_get(root, "schema", UINT32_MAX, &schema))
		return "it is no announcement of an agent";
	out->schema = (uint32_t)schema;
	if (out->schema != CARD_SCHEMA)
		return "its announcement is of another schema";
	card_text_get(root, "host", out->host, sizeof(out->host));
	card_text_get(root, "agent", out->agent, sizeof(out->agent));
	card_text_get(root, "version", out->version, sizeof(out->version));
	if (!*out->host || !*out->agent || !card_numbers_get(root, out))
		return "its announcement is not sound";
	return card_alerts_get(root, out) ? NULL : "no memory";
}

const char *card_read(const char *bytes, size_t length, struct card *out)
{
	struct tree_error error;
	const char *reason;
	struct tree *root;

	memset(out, 0, sizeof(*out));
	if (length > CARD_MOST)
		return "its announcement is too long";
	if (tree_open(&root, bytes, length, &error))
		return "it is no announcement of an agent";
	reason = card_read_tree(root, out);
	tree_close(root);
	return reason;
}

void card_alerts_drop(struct card *c)
{
	free(c->alerts);
	c->alerts = NULL;
	c->alerts_left += c->alert_count;
	c->alert_count = 0;
}

void card_fini(struct card *c)
{
	free(c->alerts);
	memset(c, 0, sizeof(*c));
}
