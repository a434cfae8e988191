#include "lines.h"

#include <ringside/list.h>

#include <stdlib.h>
#include <string.h>

#define LINES_LONGEST 255

bool lines_have(const char *text, const char *line)
{
	size_t at = 0, length, bytes = text ? strlen(text) : 0;
	const char *one;

	while (text && (one = rs_list_next(text, bytes, &at, &length)))
		if (length == strlen(line) && memcmp(one, line, length) == 0)
			return true;
	return false;
}

char *lines_with(const char *text, const char *line)
{
	size_t bytes = text ? strlen(text) : 0;
	char *out = malloc(bytes + strlen(line) + 3);
	char *end = out;

	if (!out)
		return NULL;
	if (text)
		end = stpcpy(out, text);
	*end = '\0';
	if (lines_have(text, line))
		return out;
	if (bytes && text[bytes - 1] != '\n')
		end = stpcpy(end, "\n");
	stpcpy(stpcpy(end, line), "\n");
	return out;
}

char *lines_without(const char *text, const char *line)
{
	char *out = calloc(1, (text ? strlen(text) : 0) + 1), *end = out;

	while (out && text && *text) {
		size_t whole = strcspn(text, "\n");
		size_t at = 0, length;
		const char *one = rs_list_next(text, whole, &at, &length);

		whole += text[whole] == '\n';
		if (!one || length != strlen(line) || memcmp(one, line, length) != 0) {
			memcpy(end, text, whole);
			end += whole;
		}
		text += whole;
	}
	return out;
}

bool lines_good(const char *line)
{
	size_t length = strlen(line);

	if (!length || length > LINES_LONGEST || line[0] == '#' || rs_list_blank(line[0]) ||
	    rs_list_blank(line[length - 1]))
		return false;
	for (; *line; line++)
		if ((unsigned char)*line < 0x20 || (unsigned char)*line > 0x7e)
			return false;
	return true;
}
