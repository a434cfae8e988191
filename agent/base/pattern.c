#include "pattern.h"

#include <ringside/abi.h>

#include <errno.h>
#include <string.h>

static bool pattern_is_rest(const char *segment)
{
	return segment[0] == '*' && !segment[1];
}

/* A name in braces: letters, digits and _. */
static bool pattern_is_variable(const char *segment, size_t length)
{
	static const char name[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

	return length > 2 && segment[0] == '{' && strspn(segment + 1, name) == length - 2 &&
	       segment[length - 1] == '}';
}

static const char *pattern_segment_fault(const char *segment, size_t length)
{
	if (pattern_is_rest(segment) || pattern_is_variable(segment, length))
		return NULL;
	for (size_t i = 0; i < length; i++) {
		if (segment[i] < 0x21 || segment[i] > 0x7e || strchr("?#", segment[i]))
			return "must be printable, without blanks, ? and #: queries are no part of "
			       "a route";
		if (strchr("{}", segment[i]))
			return "braces must hold a name of letters, digits and _ and be a whole "
			       "segment, as /users/{id}";
		if (segment[i] == '*')
			return "* must be the whole last segment, as /static/*";
	}
	return NULL;
}

int pattern_check(const char *pattern, const char **reason)
{
	*reason = "must begin with / and have at most 128 bytes";
	if (pattern[0] != '/' || strlen(pattern) > RS_PATH_BYTES)
		return -EINVAL;
	while (*pattern == '/') {
		size_t length = strcspn(++pattern, "/");

		*reason = pattern_segment_fault(pattern, length);
		if (*reason)
			return -EINVAL;
		pattern += length;
	}
	return 0;
}

bool pattern_matches(const char *pattern, const char *path)
{
	while (*pattern == '/' && *path == '/') {
		size_t wanted = strcspn(++pattern, "/"), length = strcspn(++path, "/");
		bool variable = pattern_is_variable(pattern, wanted);

		if (pattern_is_rest(pattern))
			return true;
		if (variable ? !length : wanted != length || memcmp(pattern, path, length) != 0)
			return false;
		pattern += wanted;
		path += length;
	}
	return !*pattern && !*path;
}
