/*
 * pattern - a route as the configuration gives it: /users/{name}/posts.
 *
 * Threads:  any; pure.
 * Memory:   none.
 * Errors:   -EINVAL with the reason.
 * A segment in braces takes any one segment that is not empty; an asterisk as the last one takes
 * all that follows.
 */
#ifndef BASE_PATTERN_H
#define BASE_PATTERN_H

#include <stdbool.h>

int pattern_check(const char *pattern, const char **reason);

/* The pattern was checked. */
bool pattern_matches(const char *pattern, const char *path);

#endif
