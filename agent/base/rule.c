#include "rule.h"

#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RULE_NEAR 2 /* single edits of a slip */
#define RULE_PORTS 65535

static const char *const rule_names[RULE_FIELDS] = {
	[RULE_EXE] = "exe",
	[RULE_SERVICE] = "service",
	[RULE_CGROUP] = "cgroup",
	[RULE_PORT] = "port",
};

const char *rule_field_name(enum rule_field field)
{
	return rule_names[field];
}

int rule_field_find(const char *name, const char **near)
{
	size_t least = RULE_NEAR + 1;

	*near = NULL;
	for (int i = 0; i < RULE_FIELDS; i++) {
		size_t distance = text_distance(rule_names[i], name);

		if (distance == 0)
			return i;
		if (distance < least) {
			least = distance;
			*near = rule_names[i];
		}
	}
	return -ENOENT;
}

static int rule_port(const char *text, struct rule *out)
{
	unsigned long port;
	char *end;

	if (text[0] < '1' || text[0] > '9')
		return -EINVAL;
	port = strtoul(text, &end, 10);
	if (*end || port > RULE_PORTS)
		return -EINVAL;
	out->port = (uint16_t)port;
	return 0;
}

/* One "name=value" of this length. */
static int rule_member(const char *text, size_t length, struct rule *out, const char **reason)
{
	char member[RULE_TEXT + 16];
	const char *near;
	char *value;
	int field;

	*reason = "must be exe, service, cgroup or port with a value of at most 127 bytes";
	if (length >= sizeof(member))
		return -EINVAL;
	memcpy(member, text, length);
	member[length] = '\0';
	value = strchr(member, '=');
	if (!value || !value[1] || strlen(value + 1) >= RULE_TEXT)
		return -EINVAL;
	*value++ = '\0';
	field = rule_field_find(member, &near);
	if (field < 0)
		return -EINVAL;
	if (field != RULE_PORT) {
		memcpy(out->text[field], value, strlen(value) + 1);
		return 0;
	}
	*reason = "port must be a number from 1 to 65535";
	return rule_port(value, out);
}

static bool rule_is_empty(const struct rule *rule, bool names)
{
	return !rule->port && !rule->text[RULE_EXE][0] && !rule->text[RULE_CGROUP][0] &&
	       (names || !rule->text[RULE_SERVICE][0]);
}

int rule_parse(const char *text, bool names, struct rule *out, const char **reason)
{
	memset(out, 0, sizeof(*out));
	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		size_t length = strcspn(text, " ");
		int result = rule_member(text, length, out, reason);

		if (result)
			return result;
		text += length;
	}
	*reason = names ? "must say which processes: by exe, cgroup or port"
			: "must say which processes: by exe, service, cgroup or port";
	if (rule_is_empty(out, names))
		return -EINVAL;
	*reason = "must say how they are called: service";
	return names && !out->text[RULE_SERVICE][0] ? -EINVAL : 0;
}

static bool rule_text_matches(const struct rule *rule, enum rule_field field, const char *text)
{
	const char *pattern = rule->text[field];
	const char *slash = strrchr(text, '/');

	if (field == RULE_EXE && slash && !strchr(pattern, '/'))
		text = slash + 1;
	return !*pattern || text_glob(pattern, text);
}

enum rule_match rule_matches(const struct rule *rule, bool names,
			     const struct rule_subject *subject)
{
	for (int i = 0; i < RULE_PORT; i++) {
		if (names && i == RULE_SERVICE)
			continue;
		if (!rule_text_matches(rule, (enum rule_field)i, subject->text[i]))
			return RULE_NO;
	}
	if (!rule->port)
		return RULE_YES;
	for (size_t i = 0; i < subject->port_count; i++) {
		if (subject->ports[i] == rule->port)
			return RULE_YES;
	}
	return subject->port_count ? RULE_NO : RULE_BY_PORT;
}
