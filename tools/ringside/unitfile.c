#include "unitfile.h"

#include <stdio.h>
#include <string.h>

#define UNITFILE_VARIABLE "LD_PRELOAD="
#define UNITFILE_BLANKS " \t\r"

/* The next logical line: a '\' at the end of a line joins it to the next. false: there is none. */
static bool unitfile_line(const char **text, char *out, size_t size)
{
	size_t length = 0;

	if (!**text)
		return false;
	for (; **text; (*text)++) {
		bool joined = (*text)[0] == '\\' && (*text)[1] == '\n';

		if (**text == '\n')
			break;
		if (length + 1 < size)
			out[length++] = joined ? ' ' : **text;
		*text += joined;
	}
	*text += **text == '\n';
	out[length] = '\0';
	return true;
}

static char *unitfile_trim(char *text)
{
	size_t length;

	text += strspn(text, UNITFILE_BLANKS);
	length = strlen(text);
	while (length && strchr(UNITFILE_BLANKS, text[length - 1]))
		text[--length] = '\0';
	return text;
}

/* The next word of a list of assignments, quotes taken away; false: there is none. */
static bool unitfile_word(const char **text, char *out, size_t size)
{
	size_t length = 0;
	char quote = '\0';

	*text += strspn(*text, UNITFILE_BLANKS);
	if (!**text)
		return false;
	for (; **text && (quote || !strchr(UNITFILE_BLANKS, **text)); (*text)++) {
		char c = **text;

		if (!quote && (c == '"' || c == '\'')) {
			quote = c;
			continue;
		}
		if (c == quote) {
			quote = '\0';
			continue;
		}
		if (c == '\\' && (*text)[1])
			c = *++*text;
		if (length + 1 < size)
			out[length++] = c;
	}
	out[length] = '\0';
	return true;
}

static void unitfile_assignments(struct unitfile *u, const char *value)
{
	static const size_t name = sizeof(UNITFILE_VARIABLE) - 1;
	char word[UNITFILE_VALUE];

	if (!*value) { /* an empty one takes back all before it */
		u->told = u->told || u->preload[0];
		u->preload[0] = '\0';
	}
	while (unitfile_word(&value, word, sizeof(word))) {
		if (strncmp(word, UNITFILE_VARIABLE, name) != 0)
			continue;
		u->told = true;
		memcpy(u->preload, word + name, strlen(word + name) + 1);
	}
}

static void unitfile_add_file(struct unitfile *u, const char *value)
{
	size_t length = strlen(u->files);

	value += *value == '-'; /* it may be absent */
	if (!*value)
		u->files[0] = '\0';
	else
		snprintf(u->files + length, sizeof(u->files) - length, "%s\n", value);
}

static void unitfile_setting(struct unitfile *u, char *line)
{
	char *value = strchr(line, '=');
	const char *key;

	if (!value)
		return;
	*value++ = '\0';
	key = unitfile_trim(line);
	value = unitfile_trim(value);
	if (strcmp(key, "Environment") == 0)
		unitfile_assignments(u, value);
	else if (strcmp(key, "EnvironmentFile") == 0)
		unitfile_add_file(u, value);
	else if (strcmp(key, "RootDirectory") == 0 || strcmp(key, "RootImage") == 0)
		u->rooted = *value && strcmp(value, "/") != 0;
	else if (strcmp(key, "SystemCallFilter") == 0)
		u->filtered = *value != '\0';
}

void unitfile_read(struct unitfile *u, const char *text)
{
	char line[UNITFILE_VALUE];
	bool service = false;

	u->told = false;
	while (unitfile_line(&text, line, sizeof(line))) {
		char *setting = unitfile_trim(line);

		if (*setting == '[')
			service = strcmp(setting, "[Service]") == 0;
		else if (service && *setting != '#' && *setting != ';')
			unitfile_setting(u, setting);
	}
}

bool unitfile_environment(const char *text)
{
	char line[UNITFILE_VALUE];

	while (unitfile_line(&text, line, sizeof(line)))
		if (strncmp(unitfile_trim(line), UNITFILE_VARIABLE,
			    sizeof(UNITFILE_VARIABLE) - 1) == 0)
			return true;
	return false;
}

size_t unitfile_quote(const char *path, char *out, size_t size)
{
	size_t length = 0;

	for (; *path && length + 2 < size; path++) {
		if (*path == '%')
			out[length++] = '%';
		else if (*path == '"' || *path == '\\')
			out[length++] = '\\';
		out[length++] = *path;
	}
	out[length] = '\0';
	return *path ? 0 : length;
}
