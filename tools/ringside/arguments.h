/*
 * arguments - the options of a verb from one table: reading them, their help, the nearest name.
 *
 * Threads:  one, once per verb (getopt's state is global).
 * Memory:   values point into argv.
 * Errors:   told on standard error; ARGUMENTS_WRONG.
 */
#ifndef RINGSIDE_ARGUMENTS_H
#define RINGSIDE_ARGUMENTS_H

#include <stdio.h>

#define ARGUMENTS_MAX 12
#define ARGUMENTS_WRONG (-1)
#define ARGUMENTS_HELP (-2) /* it was asked for, and printed */

struct arguments_option {
	const char *name;  /* without dashes; NULL, or what is left out, ends the table */
	const char *value; /* what stands for its value in the help; NULL: a switch */
	const char *help;
};

struct arguments {
	const char *verb;
	const char *usage; /* what follows the verb: "[OPTION]... COMMAND" */
	const char *about; /* whole lines */
	struct arguments_option options[ARGUMENTS_MAX + 1]; /* --help is not among them */
};

/*
 * values[i] of option i: NULL not given, "" a switch. Reading stops at the first word that is no
 * option, or behind "--"; returns its index.
 */
int arguments_read(const struct arguments *a, int argc, char **argv, const char **values);
void arguments_help(const struct arguments *a, FILE *out);

/* Of names (NULL ends them) the one that word is a slip of; NULL: none is near. */
const char *arguments_nearest(const char *word, const char *const *names);

#endif
