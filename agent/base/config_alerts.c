#include "config_alerts.h"

#include "escalation.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG_ALERTS_NEAR 2

struct config_alerts_read {
	const struct config *config;
	struct config_alerts *out;
	struct config_error *error;
};

static int config_alerts_fail(const struct config_alerts_read *r, enum config_key key,
			      const char *name, const char *reason)
{
	snprintf(r->error->text, sizeof(r->error->text), "%s: %s%s%s: %s",
		 config_where(r->config, key), config_info(key)->path, *name ? "." : "", name,
		 reason);
	return -EINVAL;
}

static int config_alerts_find(const struct config_alerts *a, const char *name)
{
	for (uint32_t i = 0; i < a->count; i++)
		if (!strcmp(a->channels[i].name, name))
			return (int)i;
	return -ENOENT;
}

static int config_alerts_channel(const struct config_alerts_read *r, const char *text)
{
	static const enum config_key key = CONFIG_ALERTS_CHANNELS;
	struct channel_error why;
	struct channel c;
	int at;

	if (channel_parse(text, &c, &why)) /* it was checked when it was put */
		return config_alerts_fail(r, key, "", why.reason);
	at = config_alerts_find(r->out, c.name);
	if (at == CONFIG_ALERTS_LOG && c.type != CHANNEL_LOG)
		return config_alerts_fail(r, key, c.name, "log is always the log");
	if (at == CONFIG_ALERTS_EMAIL && c.type != CHANNEL_EMAIL)
		return config_alerts_fail(r, key, c.name, "email is always of type email");
	if (at > CONFIG_ALERTS_EMAIL)
		return config_alerts_fail(r, key, c.name, "stands there twice");
	if (at < 0 && r->out->count == CHANNEL_MAX)
		return config_alerts_fail(r, key, c.name, "more than 14 channels");
	if (at < 0)
		at = (int)r->out->count++;
	r->out->channels[at] = c;
	r->out->in_use |= 1u << at;
	return 0;
}

static int config_alerts_name(const struct config_alerts_read *r, enum config_key key,
			      const char *name, uint32_t *bits)
{
	const char *near = NULL;
	size_t least = CONFIG_ALERTS_NEAR + 1;
	char reason[160];
	int at = config_alerts_find(r->out, name);

	if (at >= 0) {
		*bits |= 1u << at;
		return 0;
	}
	for (uint32_t i = 0; i < r->out->count; i++) {
		size_t distance = text_distance(r->out->channels[i].name, name);

		if (distance < least) {
			least = distance;
			near = r->out->channels[i].name;
		}
	}
	snprintf(reason, sizeof(reason), "there is no channel '%.31s'%s%s%s", name,
		 near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	return config_alerts_fail(r, key, "", reason);
}

static int config_alerts_level(const struct config_alerts_read *r, size_t level)
{
	static const enum config_key key = CONFIG_ALERTS_ESCALATION;
	struct config_alerts *a = r->out;
	const char *reason = "";
	struct escalation e;
	int ret = 0;

	if (escalation_parse(config_item(r->config, key, level - 1), &e, &reason))
		return config_alerts_fail(r, key, "", reason);
	if (level == 1 && e.impacting)
		return config_alerts_fail(r, key, "", "level 2 is for all rules, without when");
	if (level == 2 && e.after <= a->second)
		return config_alerts_fail(r, key, "", "level 3 must come after level 2");
	if (level == 1)
		a->second = e.after;
	else
		a->third = e.after;
	for (uint32_t i = 0; !ret && i < e.count; i++)
		ret = config_alerts_name(r, key, e.notify[i], &a->levels[level]);
	return ret;
}

static int config_alerts_levels(const struct config_alerts_read *r)
{
	const struct config *c = r->config;
	size_t levels = config_count(c, CONFIG_ALERTS_ESCALATION);
	uint32_t further = (uint32_t)config_number(c, CONFIG_ALERTS_ESCALATION_FURTHER);
	int ret = 0;

	if (levels >= CONFIG_ALERTS_LEVELS)
		return config_alerts_fail(r, CONFIG_ALERTS_ESCALATION, "",
					  "there are levels 2 and 3, and no more");
	r->out->second = (uint32_t)config_number(c, CONFIG_ALERTS_ESCALATION_THRESHOLD);
	for (size_t i = 0; !ret && i < config_count(c, CONFIG_ALERTS_NOTIFY); i++)
		ret = config_alerts_name(r, CONFIG_ALERTS_NOTIFY,
					 config_item(c, CONFIG_ALERTS_NOTIFY, i),
					 &r->out->levels[0]);
	for (size_t i = 0; !ret && i < levels; i++) {
		ret = config_alerts_level(r, i + 1);
		if (i == 0)
			r->out->third = r->out->second + further;
	}
	if (!levels)
		r->out->third = r->out->second + further;
	return ret;
}

int config_alerts_open(struct config_alerts **out, const struct config *c,
		       struct config_error *error)
{
	struct config_alerts *a = calloc(1, sizeof(*a));
	const struct config_alerts_read r = { c, a, error };
	int ret = 0;

	*out = NULL;
	if (!a) {
		snprintf(error->text, sizeof(error->text), "out of memory");
		return -ENOMEM;
	}
	snprintf(a->channels[CONFIG_ALERTS_LOG].name, CHANNEL_NAME, "log");
	snprintf(a->channels[CONFIG_ALERTS_EMAIL].name, CHANNEL_NAME, "email");
	a->channels[CONFIG_ALERTS_EMAIL].type = CHANNEL_EMAIL;
	a->count = 2;
	a->in_use = 1u << CONFIG_ALERTS_LOG;
	for (size_t i = 0; !ret && i < config_count(c, CONFIG_ALERTS_CHANNELS); i++)
		ret = config_alerts_channel(&r, config_item(c, CONFIG_ALERTS_CHANNELS, i));
	if (!ret)
		ret = config_alerts_levels(&r);
	if (ret)
		config_alerts_close(a);
	else
		*out = a;
	return ret;
}

void config_alerts_close(struct config_alerts *a)
{
	free(a);
}
