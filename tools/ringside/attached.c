#include "attached.h"

#include "attach.h"
#include "lines.h"
#include "proc.h"
#include "replace.h"

#include <ringside/list.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ATTACHED_DIGITS "0123456789"

int attached_line(const char *word, char *out, size_t size)
{
	struct proc_stat stat;
	char line[ATTACH_LINE];
	int result;

	if (!lines_good(word) || (word[0] == ':' && !attach_port(word, strlen(word))))
		return -EINVAL;
	if (word[strspn(word, ATTACHED_DIGITS)] != '\0') {
		snprintf(out, size, "%s", word);
		return 0;
	}
	result = proc_stat_read((int32_t)strtol(word, NULL, 10), &stat);
	if (result)
		return result;
	if (stat.kernel)
		return -EINVAL;
	attach_line(stat.pid, stat.start_ticks, line);
	snprintf(out, size, "%s", line);
	return 0;
}

/* Does this line name one process, and is that over? */
static bool attached_is_over(const char *line)
{
	size_t digits = strspn(line, ATTACHED_DIGITS);
	const char *rest = line + digits;
	char now[ATTACH_LINE];
	struct proc_stat stat;

	if (!digits || *rest != ':' || rest[1 + strspn(rest + 1, ATTACHED_DIGITS)] != '\0')
		return false;
	if (proc_stat_read((int32_t)strtol(line, NULL, 10), &stat))
		return true;
	attach_line(stat.pid, stat.start_ticks, now);
	return strcmp(now, line) != 0;
}

/* Takes text over; NULL: no memory. */
static char *attached_prune(char *text)
{
	size_t at = 0, length;
	const char *line;
	char one[ATTACHED_LINE];

	while (text && (line = rs_list_next(text, strlen(text), &at, &length))) {
		char *next;

		snprintf(one, sizeof(one), "%.*s", (int)length, line);
		if (!attached_is_over(one))
			continue;
		next = lines_without(text, one);
		free(text);
		text = next;
		at = 0;
	}
	return text;
}

static int attached_put(const char *path, const char *line)
{
	char *old = NULL, *text;
	int result = replace_read(path, &old);

	if (result)
		return result;
	text = lines_with(old, line);
	free(old);
	text = attached_prune(text);
	if (!text)
		return -ENOMEM;
	result = strlen(text) > RS_LIST_BYTES ? -EFBIG : replace_file(path, text);
	free(text);
	return result;
}

int attached_add(const char *path, const char *line)
{
	int hold = replace_hold(path);
	int result = hold < 0 ? hold : attached_put(path, line);

	replace_release(hold);
	return result;
}

static int attached_take(const char *path, const char *line)
{
	char *old = NULL, *text;
	int result = replace_read(path, &old);

	if (result)
		return result;
	if (!lines_have(old, line)) {
		free(old);
		return -ENOENT;
	}
	text = attached_prune(lines_without(old, line));
	free(old);
	if (!text)
		return -ENOMEM;
	result =
		rs_list_empty(text, strlen(text)) ? attached_clear(path) : replace_file(path, text);
	free(text);
	return result;
}

int attached_remove(const char *path, const char *line)
{
	int hold, result;

	if (access(path, F_OK)) /* nor is there anything to hold */
		return -errno;
	hold = replace_hold(path);
	result = hold < 0 ? hold : attached_take(path, line);
	replace_release(hold);
	return result;
}

int attached_clear(const char *path)
{
	return unlink(path) ? -errno : 0;
}
