/*
 * check - what doctor found: one line each, with what it means and what to do.
 *
 * Threads:  one.
 * Memory:   the caller's; texts are copied and cut; names are borrowed.
 * Errors:   more than CHECK_MAX: the rest is lost, and the last says so.
 */
#ifndef RINGSIDE_CHECK_H
#define RINGSIDE_CHECK_H

#include <stdio.h>

#define CHECK_MAX 64

enum check_level { CHECK_OK, CHECK_WARN, CHECK_BAD };

struct check {
	const char *name;
	enum check_level level;
	char found[384];
	char advice[384]; /* "": nothing to do */
};

struct checks {
	struct check items[CHECK_MAX];
	unsigned int count;
};

/* advice: what to do about it; NULL where there is nothing to do. */
void check_add(struct checks *c, const char *name, enum check_level level, const char *advice,
	       const char *format, ...) __attribute__((format(printf, 5, 6)));

enum check_level check_worst(const struct checks *c);
void check_print(const struct checks *c, FILE *out);
int check_print_json(const struct checks *c, FILE *out); /* -ENOMEM */

#endif
