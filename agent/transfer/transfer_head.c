#include "transfer_head.h"

#include <string.h>
#include <strings.h>

const char *transfer_head_find(const char *head, const char *name, const char **from,
			       size_t *length)
{
	size_t n = strlen(name);
	const char *line = from && *from ? *from : head, *end = line;

	for (; line && *line; line = end + 1) {
		end = strchrnul(line, '\n');
		if (!strncasecmp(line, name, n) && line[n] == ':')
			break;
		if (!*end)
			return NULL;
	}
	if (!line || !*line)
		return NULL;
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
