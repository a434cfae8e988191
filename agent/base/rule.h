/*
 * rule - which processes a line of the configuration means, and how it calls them.
 *
 * Threads:  any.
 * Memory:   a value.
 * Errors:   -EINVAL with the reason.
 * As text: "exe=nginx port=80": all of it must match. Values are globs (* any bytes, ? one,
 * \ quotes) over canonical names; an exe without a slash is matched with the base name.
 */
#ifndef BASE_RULE_H
#define BASE_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RULE_TEXT 128

enum rule_field { RULE_EXE, RULE_SERVICE, RULE_CGROUP, RULE_PORT, RULE_FIELDS };

struct rule {
	char text[RULE_PORT][RULE_TEXT]; /* by enum rule_field; "": any */
	uint16_t port;                   /* 0: any */
};

/* What is known of a process. */
struct rule_subject {
	const char *text[RULE_PORT]; /* by enum rule_field */
	const uint16_t *ports;       /* that it listens on */
	size_t port_count;
};

enum rule_match {
	RULE_NO,
	RULE_YES,
	RULE_BY_PORT, /* yes but for its port: the process does not listen (yet) */
};

/* The member of a rule with this name, or -ENOENT, then with the nearest in *near (or NULL). */
int rule_field_find(const char *name, const char **near);
const char *rule_field_name(enum rule_field field);

/* names: the service is not to be matched but to be given, and is needed. */
int rule_parse(const char *text, bool names, struct rule *out, const char **reason);

/* names: the service is what a match is called, and nothing to compare with. */
enum rule_match rule_matches(const struct rule *rule, bool names,
			     const struct rule_subject *subject);

#endif
