#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_LINE 2500 /* a notice with all that it says; a pipe takes more at once */

static const char *const log_names[] = { "error", "warning", "info", "debug" };
static const char log_priorities[] = { '3', '4', '6', '7' }; /* of syslog(3) */

static struct {
	const char *program;
	enum log_level level;
	bool journal;
} log_state = { "ringside", LOG_LEVEL_INFO, false };

/* The variable is inherited: it speaks of this standard error only when device and inode agree. */
static bool log_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM"); /* NOLINT(concurrency-mt-unsafe) */
	char mine[64];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st))
		return false;
	snprintf(mine, sizeof(mine), "%lu:%lu", (unsigned long)st.st_dev, (unsigned long)st.st_ino);
	return !strcmp(stream, mine);
}

void log_open(const char *program, enum log_level level)
{
	log_state.program = program;
	log_state.level = level;
	log_state.journal = log_is_journal();
}

int log_level_parse(const char *name)
{
	for (int i = 0; i <= LOG_LEVEL_DEBUG; i++) {
		if (!strcmp(name, log_names[i]))
			return i;
	}
	return -EINVAL;
}

static void log_line(enum log_level level, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static void log_line(enum log_level level, const char *format, va_list args)
{
	char line[LOG_LINE + 2];
	int head, body;
	size_t length;

	if (log_state.journal)
		head = snprintf(line, LOG_LINE, "<%c>", log_priorities[level]);
	else
		head = snprintf(line, LOG_LINE, "%s: %s%s", log_state.program,
				level < LOG_LEVEL_INFO ? log_names[level] : "",
				level < LOG_LEVEL_INFO ? ": " : "");
	body = vsnprintf(line + head, (size_t)(LOG_LINE - head), format, args);
	if (body < 0)
		return;
	length = strlen(line);
	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	}
	line[length++] = '\n';
	if (write(STDERR_FILENO, line, length) < 0)
		return; /* a closed standard error is the user's wish */
}

void log_write(enum log_level level, const char *format, ...)
{
	va_list args;

	if (level > log_state.level)
		return;
	va_start(args, format);
	log_line(level, format, args);
	va_end(args);
}

void log_always(enum log_level level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(level, format, args);
	va_end(args);
}
