#include "config_line.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define CONFIG_LINE_DEPTH 16 /* no key lies deeper */
#define CONFIG_LINE_PATH 256

/* Where the scanner stands: the path of each level, as a length into one text. */
struct config_line_scan {
	const char *at, *end;
	unsigned int line;
	unsigned int depth;
	size_t lengths[CONFIG_LINE_DEPTH + 1];
	unsigned int elements[CONFIG_LINE_DEPTH + 1]; /* of a list, so far; 0: it is an object */
	char path[CONFIG_LINE_PATH];
};

/* Past the string that begins at s->at; its bytes are [start, s->at - 1). */
static const char *config_line_string(struct config_line_scan *s)
{
	const char *start = ++s->at;

	while (s->at < s->end && *s->at != '"')
		s->at += *s->at == '\\' ? 2 : 1;
	s->at++;
	return start;
}

/*
 * A string followed by a colon is a member's name: it becomes the last part of the path. False: it
 * is a value, or deeper than any key.
 */
static bool config_line_name(struct config_line_scan *s)
{
	const char *start = config_line_string(s);
	const char *next = s->at;
	size_t parent;
	int n;

	while (next < s->end && strchr(" \t\r\n", *next))
		next++;
	if (next >= s->end || *next != ':' || !s->depth || s->depth > CONFIG_LINE_DEPTH)
		return false;
	parent = s->lengths[s->depth - 1];
	n = snprintf(s->path + parent, sizeof(s->path) - parent, "%s%.*s", parent ? "." : "",
		     (int)(s->at - 1 - start), start);
	if (n < 0 || parent + (size_t)n >= sizeof(s->path))
		n = (int)(sizeof(s->path) - 1 - parent);
	s->lengths[s->depth] = parent + (size_t)n;
	return true;
}

/* The next element of the list that the scan is in becomes the last part of the path. */
static void config_line_element(struct config_line_scan *s)
{
	size_t parent;
	int n;

	if (s->depth > CONFIG_LINE_DEPTH || !s->elements[s->depth])
		return;
	parent = s->lengths[s->depth - 1];
	n = snprintf(s->path + parent, sizeof(s->path) - parent, "[%u]",
		     s->elements[s->depth]++ - 1);
	if (n < 0 || parent + (size_t)n >= sizeof(s->path))
		n = (int)(sizeof(s->path) - 1 - parent);
	s->lengths[s->depth] = parent + (size_t)n;
}

static void config_line_deeper(struct config_line_scan *s)
{
	s->depth++;
	if (s->depth > CONFIG_LINE_DEPTH)
		return;
	s->lengths[s->depth] = s->lengths[s->depth - 1];
	s->elements[s->depth] = *s->at == '[';
	config_line_element(s);
}

static bool config_line_in_list(const struct config_line_scan *s)
{
	return s->depth && s->depth <= CONFIG_LINE_DEPTH && s->elements[s->depth];
}

unsigned int config_line(const struct config_text *text, const char *path)
{
	struct config_line_scan s = { .at = text->bytes,
				      .end = text->bytes + text->length,
				      .line = 1 };

	while (s.at < s.end) {
		if (config_line_in_list(&s) && !strchr(" \t\r\n,]", *s.at) && !strcmp(s.path, path))
			return s.line;
		switch (*s.at) {
		case '"':
			if (config_line_name(&s) && !strcmp(s.path, path))
				return s.line;
			continue;
		case '{':
		case '[':
			config_line_deeper(&s);
			break;
		case '}':
		case ']':
			s.depth -= s.depth > 0;
			break;
		case ',':
			config_line_element(&s);
			break;
		case '\n':
			s.line++;
			break;
		default:
			break;
		}
		s.at++;
	}
	return 1;
}
