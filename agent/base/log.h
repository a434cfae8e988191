/*
 * log - one line per event on standard error, with a priority the journal understands.
 *
 * Threads:  log_open before the first thread; log_write from any, one write(2) a line.
 * Memory:   none; a line is cut at 2,500 bytes.
 * Errors:   none are told: there is no better place. Control bytes in a line become '?'.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Says "ringsided: …", or "<3>…" where standard error is the journal's (JOURNAL_STREAM). */
void log_open(const char *program, enum log_level level);
int log_level_parse(const char *name); /* an enum log_level, or -EINVAL */

void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same, but not left out for being less than the log's level: what somebody waits for. */
void log_always(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
