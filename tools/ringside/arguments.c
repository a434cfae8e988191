#include "arguments.h"

#include "text.h"

#include <getopt.h>
#include <stdbool.h>
#include <string.h>

#define ARGUMENTS_SLIP 2 /* single edits that make a word a slip of another */

const char *arguments_nearest(const char *word, const char *const *names)
{
	const char *nearest = NULL;
	size_t least = ARGUMENTS_SLIP + 1;

	for (; *names; names++) {
		size_t distance = text_distance(*names, word);

		/* a short name with all its letters changed is no slip */
		if (distance < least && distance < strlen(*names)) {
			least = distance;
			nearest = *names;
		}
	}
	return nearest;
}

void arguments_help(const struct arguments *a, FILE *out)
{
	char text[32];

	fprintf(out, "usage: ringside %s %s\n\n%s\n", a->verb, a->usage, a->about);
	for (const struct arguments_option *o = a->options; o->name; o++) {
		snprintf(text, sizeof(text), "%s %s", o->name, o->value ? o->value : "");
		fprintf(out, "  --%-18s %s\n", text, o->help);
	}
	fprintf(out, "  --%-18s %s\n", "help", "this text");
}

static void arguments_unknown(const struct arguments *a, const char *word)
{
	const char *names[ARGUMENTS_MAX + 2] = { "help" };
	const char *nearest;
	char name[64];

	for (int i = 0; a->options[i].name; i++)
		names[i + 1] = a->options[i].name;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "="), word);
	nearest = arguments_nearest(name + strspn(name, "-"), names);
	fprintf(stderr, "ringside %s: unknown option '%s'", a->verb, name);
	if (nearest)
		fprintf(stderr, "; did you mean --%s?\n", nearest);
	else
		fprintf(stderr, "; see ringside %s --help\n", a->verb);
}

static void arguments_table(const struct arguments *a, struct option *out)
{
	int i = 0;

	for (; a->options[i].name; i++)
		out[i] = (struct option){ .name = a->options[i].name,
					  .has_arg = a->options[i].value ? required_argument
									 : no_argument,
					  .val = i + 1 };
	out[i] = (struct option){ .name = "help", .val = 'h' };
	out[i + 1] = (struct option){ 0 };
}

/* What getopt could not take; its own words would name the program alone, not the verb. */
static int arguments_complain(const struct arguments *a, int kind, char **argv)
{
	const char *word = argv[optind - 1];
	char letter[3] = { '-', (char)optopt };

	if (kind == ':')
		fprintf(stderr, "ringside %s: option '%s' needs a value\n", a->verb, word);
	else if (optopt > ARGUMENTS_MAX && optopt != 'h')
		arguments_unknown(a, letter);
	else if (optopt)
		fprintf(stderr, "ringside %s: option '%.*s' takes no value\n", a->verb,
			(int)strcspn(word, "="), word);
	else
		arguments_unknown(a, word);
	return ARGUMENTS_WRONG;
}

int arguments_read(const struct arguments *a, int argc, char **argv, const char **values)
{
	struct option table[ARGUMENTS_MAX + 2];
	int found;

	arguments_table(a, table);
	opterr = 0;
	optind = 0; /* starts anew */
	for (int i = 0; a->options[i].name; i++)
		values[i] = NULL;
	while ((found = getopt_long(argc, argv, "+:h", table, NULL)) != -1) {
		if (found == 'h') {
			arguments_help(a, stdout);
			return ARGUMENTS_HELP;
		}
		if (found == ':' || found == '?')
			return arguments_complain(a, found, argv);
		values[found - 1] = optarg ? optarg : "";
	}
	return optind;
}
