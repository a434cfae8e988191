#include "admit.h"

#include "port.h"
#include "rule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct admit_list {
	struct rule *rules;
	size_t count;
};

struct admit {
	struct admit_list include, exclude, names, attach;
	bool by_port;
};

/* One process while it is judged. */
struct admit_case {
	struct capture_target *target;
	struct rule_subject subject;
	uint16_t ports[ADMIT_PORTS];
};

static int admit_list_open(struct admit *a, struct admit_list *list, const struct config *config,
			   enum config_key key)
{
	size_t count = config_count(config, key);
	const char *reason;

	list->rules = calloc(count + 1, sizeof(*list->rules));
	if (!list->rules)
		return -ENOMEM;
	for (; list->count < count; list->count++) {
		struct rule *rule = &list->rules[list->count];
		int result = rule_parse(config_item(config, key, list->count),
					key == CONFIG_TARGETS_NAMES, rule, &reason);

		if (result)
			return result;
		a->by_port = a->by_port || rule->port;
	}
	return 0;
}

int admit_open(struct admit **out, const struct config *config)
{
	struct admit *a = calloc(1, sizeof(*a));
	int result;

	*out = NULL;
	if (!a)
		return -ENOMEM;
	result = admit_list_open(a, &a->include, config, CONFIG_TARGETS_INCLUDE);
	if (result == 0)
		result = admit_list_open(a, &a->exclude, config, CONFIG_TARGETS_EXCLUDE);
	if (result == 0)
		result = admit_list_open(a, &a->names, config, CONFIG_TARGETS_NAMES);
	if (result == 0)
		result = admit_list_open(a, &a->attach, config, CONFIG_TARGETS_ATTACH);
	if (result) {
		admit_close(a);
		return result;
	}
	*out = a;
	return 0;
}

void admit_close(struct admit *a)
{
	if (!a)
		return;
	free(a->include.rules);
	free(a->exclude.rules);
	free(a->names.rules);
	free(a->attach.rules);
	free(a);
}

bool admit_by_port(const struct admit *a)
{
	return a->by_port;
}

size_t admit_ports(const struct capture_target *target, uint16_t out[ADMIT_PORTS])
{
	size_t count = port_read(target->pid, out, ADMIT_PORTS);
	char exe[sizeof(target->exe)];

	if (count || target->parent <= 1)
		return count;
	target_exe_read(target->parent, exe, sizeof(exe));
	return *exe && strcmp(exe, target->exe) == 0 ? port_read(target->parent, out, ADMIT_PORTS)
						     : 0;
}

/* The first that matches for sure, else RULE_BY_PORT when one may still come to. */
static enum rule_match admit_first(const struct admit_list *list, bool names,
				   const struct rule_subject *subject, const struct rule **out)
{
	enum rule_match found = RULE_NO;

	for (size_t i = 0; i < list->count; i++) {
		enum rule_match match = rule_matches(&list->rules[i], names, subject);

		*out = &list->rules[i];
		if (match == RULE_YES)
			return match;
		if (match == RULE_BY_PORT)
			found = match;
	}
	return found;
}

/* RULE_BY_PORT: it may get a name yet. */
static enum rule_match admit_name(const struct admit *a, struct admit_case *c)
{
	struct capture_target *target = c->target;
	const struct rule *rule = NULL;
	enum rule_match match;

	if (target->named >= TARGET_NAMED_RINGSIDE && target->named <= TARGET_NAMED_OTEL_ATTRIBUTES)
		return RULE_NO;
	match = admit_first(&a->names, true, &c->subject, &rule);
	if (match == RULE_YES) {
		strncpy(target->service, rule->text[RULE_SERVICE], sizeof(target->service) - 1);
		target->service[sizeof(target->service) - 1] = '\0';
		target->named = TARGET_NAMED_RULE;
	}
	return match;
}

static void admit_case_init(const struct admit *a, struct capture_target *target,
			    struct admit_case *c)
{
	memset(c, 0, sizeof(*c));
	c->target = target;
	c->subject.text[RULE_EXE] = target->exe;
	c->subject.text[RULE_SERVICE] = target->service;
	c->subject.text[RULE_CGROUP] = target->cgroup;
	c->subject.ports = c->ports;
	if (a->by_port)
		c->subject.port_count = admit_ports(target, c->ports);
}

enum admit_verdict admit_judge(const struct admit *a, struct capture_target *target, bool patient)
{
	struct admit_case c;
	enum rule_match name, exclude, include = RULE_YES;
	const struct rule *rule;

	admit_case_init(a, target, &c);
	name = admit_name(a, &c);
	exclude = admit_first(&a->exclude, false, &c.subject, &rule);
	if (exclude == RULE_YES)
		return ADMIT_NO;
	if (a->include.count)
		include = admit_first(&a->include, false, &c.subject, &rule);
	if (include == RULE_NO)
		return ADMIT_NO;
	if (patient && (name == RULE_BY_PORT || exclude == RULE_BY_PORT || include == RULE_BY_PORT))
		return ADMIT_LATER;
	return include == RULE_YES ? ADMIT_YES : ADMIT_NO;
}

enum accept_reason admit_reason(const struct admit *a, struct capture_target *target, bool patient)
{
	if (!a)
		return ACCEPT_OK;
	switch (admit_judge(a, target, patient)) {
	case ADMIT_NO:
		return ACCEPT_RULED;
	case ADMIT_LATER:
		return ACCEPT_LATER;
	case ADMIT_YES:
		break;
	}
	return ACCEPT_OK;
}

bool admit_by_rule(const struct admit *a)
{
	return a->attach.count > 0;
}

bool admit_attaches(const struct admit *a, struct capture_target *target)
{
	const struct rule *rule;
	struct admit_case c;

	if (!a->attach.count)
		return false;
	admit_case_init(a, target, &c);
	return admit_first(&a->attach, false, &c.subject, &rule) == RULE_YES;
}
