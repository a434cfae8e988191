#include "action.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char *const action_words[ACTION_VALUES] = {
	[ACTION_RULE] = "{rule}",       [ACTION_SEVERITY] = "{severity}",
	[ACTION_SERVICE] = "{service}", [ACTION_ENVIRONMENT] = "{environment}",
	[ACTION_ROUTE] = "{route}",     [ACTION_METHOD] = "{method}",
	[ACTION_VALUE] = "{value}",     [ACTION_LIMIT] = "{limit}",
};

/* Which value stands for a word of this length; ACTION_VALUES: none. */
static int action_find(const char *word, size_t length)
{
	int i = 0;

	while (i < ACTION_VALUES &&
	       (strlen(action_words[i]) != length || memcmp(action_words[i], word, length) != 0))
		i++;
	return i;
}

static bool action_is_place(const char *word, size_t length)
{
	return length > 2 && word[0] == '{' && word[length - 1] == '}' &&
	       strspn(word + 1, "abcdefghijklmnopqrstuvwxyz_") == length - 2;
}

int action_check_command(const char *value, const char **reason)
{
	const char parting[] = { ACTION_PARTING, '\0' };
	size_t words = 1, length;

	*reason = "must be a list of words, the first one the absolute path of a program";
	if (*value != '/')
		return -EINVAL;
	for (;; value += length + 1, words++) {
		length = strcspn(value, parting);
		*reason = "has a place for a value that there is not; there are {rule}, {severity},"
			  " {service}, {environment}, {route}, {method}, {value} and {limit}";
		if (action_is_place(value, length) && action_find(value, length) == ACTION_VALUES)
			return -EINVAL;
		if (!value[length])
			break;
	}
	*reason = "has more than 32 words";
	return words > ACTION_WORDS ? -EINVAL : 0;
}

int action_check_user(const char *value, const char **reason)
{
	*reason = "must be the name or number of a user other than root";
	return !strcmp(value, "root") || strspn(value, "0") == strlen(value) ||
			       strpbrk(value, " \t/:")
		       ? -EINVAL
		       : 0;
}

int action_check_units(const char *value, const char **reason)
{
	*reason = "must be names of units, as shop.service, or a list of them";
	while (*value) {
		size_t length = strcspn(value, ","), bad;
		const char *dot = memrchr(value, '.', length);

		bad = strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789:-_.\\@");
		if (bad < length || length >= ACTION_UNIT || !dot || dot == value ||
		    dot == value + length - 1)
			return -EINVAL;
		value += length + (value[length] == ',');
	}
	return 0;
}

void action_arguments(char *command, const struct action_values *values,
		      const char *out[ACTION_WORDS + 1])
{
	const char parting[] = { ACTION_PARTING, '\0' };
	size_t n = 0;

	for (char *word; n < ACTION_WORDS && (word = strsep(&command, parting)); n++) {
		int value = action_find(word, strlen(word));

		out[n] = value < ACTION_VALUES ? values->at[value] : word;
	}
	out[n] = NULL;
}

int action_unit(const char *units, const char *service, char out[ACTION_UNIT])
{
	char meant[ACTION_TEXT + sizeof(".service")];
	size_t length;

	snprintf(out, ACTION_UNIT, "%.*s", ACTION_UNIT - 1, units);
	if (!strchr(units, ','))
		return 0;
	snprintf(meant, sizeof(meant), "%.*s.service", ACTION_TEXT - 1, service);
	for (; *units; units += length + (units[length] == ',')) {
		length = strcspn(units, ",");
		snprintf(out, ACTION_UNIT, "%.*s", (int)length, units);
		if (!strcmp(out, meant))
			return 0;
	}
	return -ENOENT;
}

int action_values_check(struct action_values *values, const char **reason)
{
	for (int i = 0; i < ACTION_VALUES; i++) {
		char *value = values->at[i];
		bool number = i == ACTION_VALUE || i == ACTION_LIMIT;

		value[ACTION_TEXT - 1] = '\0';
		*reason = "a value that begins with - may be taken for an option";
		if (*value == '-' && !(number && value[1] >= '0' && value[1] <= '9'))
			return -EINVAL;
		*reason = "a value has control characters";
		for (; *value; value++)
			if ((unsigned char)*value < ' ' || *value == 0x7f)
				return -EINVAL;
	}
	return 0;
}
