#include "transfer_head.h"

#include <string.h>
#include <strings.h>

/* The first line of this name; NULL: there is none. */
static const char *transfer_head_line(const char *line, const char *name, size_t n)
{
	while (line && *line && (strncasecmp(line, name, n) != 0 || line[n] != ':')) {
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	return line && *line ? line : NULL;
}

const char *transfer_head_find(const char *head, const char *name, const char **from,
			       size_t *length)
{
	size_t n = strlen(name);
	const char *line = transfer_head_line(from && *from ? *from : head, name, n), *end;

	if (!line)
		return NULL;
	end = strchrnul(line, '\n');
	if (from)
		*from = end + (*end == '\n');
	line += n + 1;
	while (line < end && (*line == ' ' || *line == '\t'))
		line++;
	while (end > line && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*length = (size_t)(end - line);
	return line;
}
