/*
 * summary - the sentence of a rule, with {fields} of the alert that it is about.
 *
 * Threads:  pure functions.
 * Memory:   none.
 * Errors:   -EINVAL: an unknown field, or a brace without its other half.
 */
#ifndef RULES_SUMMARY_H
#define RULES_SUMMARY_H

#include <stddef.h>

enum summary_field {
	SUMMARY_RULE,
	SUMMARY_SEVERITY,
	SUMMARY_VALUE,
	SUMMARY_THRESHOLD,
	SUMMARY_SERVICE,
	SUMMARY_ENVIRONMENT,
	SUMMARY_ROUTE,
	SUMMARY_METHOD,
	SUMMARY_WINDOW,
	SUMMARY_SINCE,
	SUMMARY_FIELDS,
};

/* field gets the name at fault, *near the nearest one or NULL. */
int summary_check(const char *template, char *field, size_t size, const char **near);

/* The template was checked. What does not fit is cut. */
void summary_render(const char *template, const char *const values[SUMMARY_FIELDS], char *out,
		    size_t size);

#endif
