/*
 * action - what a channel does instead of telling: the words of a command, and which unit is meant.
 *
 * Threads:  pure functions.
 * Memory:   arguments point into what was given.
 * Errors:   -EINVAL with the reason; the rest is said.
 * A word of a command that is "{service}" or the like as a whole is replaced by that value, which
 * is one word then, whatever is in it; nothing else in a command is looked into.
 */
#ifndef BASE_ACTION_H
#define BASE_ACTION_H

#include <stddef.h>

#define ACTION_PARTING '\x1f' /* between the words of a command */
#define ACTION_WORDS 32       /* of a command */
#define ACTION_TEXT 160       /* of a value */
#define ACTION_UNIT 256

enum action_value {
	ACTION_RULE,
	ACTION_SEVERITY,
	ACTION_SERVICE,
	ACTION_ENVIRONMENT,
	ACTION_ROUTE,
	ACTION_METHOD,
	ACTION_VALUE,
	ACTION_LIMIT,
	ACTION_VALUES,
};

struct action_values {
	char at[ACTION_VALUES][ACTION_TEXT]; /* "": there is none */
};

int action_check_command(const char *value, const char **reason);
int action_check_user(const char *value, const char **reason);
int action_check_units(const char *value, const char **reason);

/* Cuts the command into its words, with the values in their places and NULL behind the last. */
void action_arguments(char *command, const struct action_values *values,
		      const char *out[ACTION_WORDS + 1]);

/* The only one of the units, or the one that is called as the service; -ENOENT: there is none. */
int action_unit(const char *units, const char *service, char out[ACTION_UNIT]);

/* Values come from outside: each ends, has no control characters, and is no option of a command. */
int action_values_check(struct action_values *values, const char **reason);

#endif
